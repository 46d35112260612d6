"""How many attempts may be in flight to one endpoint: more while it answers, half when it asks for less.

Additive increase, multiplicative decrease, as TCP does it: an endpoint that answers 429 or 503, or not at all, is
asked less at once, and finds its way back by itself.
"""

from typing import Final

FIRST: Final = 8
"""Attempts in flight to an endpoint that nothing is known of yet."""


class Pace:
    """One endpoint's window. Mutable, because it is asked with every answer; a function of its calls alone.

    It never is below 1 or above `most`. Growing is only for a window that was used up: an endpoint that never
    had more than two attempts in flight has not shown that it bears sixty.
    """

    __slots__ = ("_credit", "_slowed_at", "_threshold", "most", "window")

    def __init__(self, most: int) -> None:
        self.most = most
        self.window = min(FIRST, most)
        self._threshold = most
        self._credit = 0
        self._slowed_at = float("-inf")

    @property
    def slowed(self) -> bool:
        """Whether the endpoint asked for less and has not grown back to what it may have at most."""
        return self._threshold < self.most and self.window < self.most

    def limit(self, most: int) -> None:
        """Take another ceiling, at least 1."""
        if self._threshold == self.most:
            self._threshold = most
        self.most = most
        self.window = min(self.window, most)

    def succeeded(self, in_flight: int) -> None:
        """Grow after an answer that came while `in_flight` attempts, itself included, were under way.

        By one with each answer at first; after a slowdown by one with each window of answers.
        """
        if in_flight < self.window or self.window >= self.most:
            return
        self._credit += 1
        if self.window < self._threshold or self._credit >= self.window:
            self.window += 1
            self._credit = 0

    def slow(self, *, began: float, now: float) -> bool:
        """Halve after a bad answer to an attempt that began at `began`; return whether it did.

        Once per round trip: the answers to what was sent before the last halving say nothing new.
        Both are seconds of one clock.
        """
        if began <= self._slowed_at:
            return False
        self._slowed_at = now
        self.window = self._threshold = max(1, self.window // 2)
        self._credit = 0
        return True
