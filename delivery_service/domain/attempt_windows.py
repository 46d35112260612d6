"""The attempts of the last seconds to one endpoint: a sliding window in slices, a few integers whatever the rate."""

from datetime import timedelta
from typing import Final

from delivery_service.domain.breakers import Counts

SLICES: Final = 10
"""An attempt counts for at least nine tenths of the window and at most all of it."""


class AttemptWindow:
    """Counts attempts and failures of the last `span`, by a clock that never goes back."""

    __slots__ = ("_attempts", "_failures", "_newest", "_seconds", "_slices", "span")

    def __init__(self, span: timedelta) -> None:
        self.span = span
        self._seconds = span.total_seconds() / SLICES
        self._slices = [[0, 0] for _ in range(SLICES)]
        self._newest = 0
        self._attempts = 0
        self._failures = 0

    def add(self, at: float, *, failed: bool) -> None:
        """Count one attempt that ended `at` (seconds)."""
        self._slide(at)
        newest = self._slices[self._newest % SLICES]
        newest[0] += 1
        self._attempts += 1
        if failed:
            newest[1] += 1
            self._failures += 1

    def counts(self, at: float) -> Counts:
        """Return what is in the window at that moment."""
        self._slide(at)
        return Counts(self._attempts, self._failures)

    def clear(self) -> None:
        """Forget everything."""
        for one in self._slices:
            one[0] = one[1] = 0
        self._attempts = self._failures = 0

    def _slide(self, at: float) -> None:
        newest = int(at / self._seconds)
        passed = newest - self._newest
        if passed <= 0:
            return
        for number in range(self._newest + 1, self._newest + 1 + min(passed, SLICES)):
            old = self._slices[number % SLICES]
            self._attempts -= old[0]
            self._failures -= old[1]
            old[0] = old[1] = 0
        self._newest = newest
