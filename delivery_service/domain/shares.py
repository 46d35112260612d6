"""What one of many may have of something that all share: slots for attempts, memory for deliveries.

A dynamic threshold: nobody may have more than is left free for the others, so that one alone gets a lot and many
get little each. The last quarter is for those that have next to nothing: what hangs cannot fill it by being many
times where it is, only by being many.
"""

from typing import Final

_RESERVED: Final = 4


class Shares:
    """`total` units; each holder that has less than `small` of them may use the last quarter as well."""

    __slots__ = ("_small", "common", "total")

    def __init__(self, total: int, *, small: int = 1) -> None:
        self.total = total
        self.common = total - total // _RESERVED
        self._small = small

    def refuses(self, own: int, used: int) -> bool:
        """Return whether a holder that has `own` of the `used` units gets no other one."""
        return used >= (self.total if own < self._small else min(self.total, self.common - own))

    def room(self, own: int, used: int) -> int:
        """Return how many units a holder of `own` may have besides, as many as `used` are taken."""
        free = max(0, self.total - used)
        return min(free, max(self._small - own, (self.common - used - own) // 2, 0))
