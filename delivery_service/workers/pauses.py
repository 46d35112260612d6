"""A receiver's Retry-After holds its whole lane: nothing is sent before, and no attempt is spent."""

import asyncio
import time
from collections.abc import Callable

from delivery_service.workers.lane import Lane
from delivery_service.workers.observations import PAUSES

LONGEST_PAUSE_SECONDS = 300.0
"""For so long, at most, one answer holds the other deliveries of its lane; its own waits as long as was asked."""


class Pauses:
    """Pauses lanes and calls `ended` with each when it may go on."""

    def __init__(
        self, ended: Callable[[Lane], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ended = ended
        self._monotonic = monotonic

    def begin(self, lane: Lane, seconds: float) -> None:
        """Pause a lane for so long; a longer pause that it is in already stands."""
        now = self._monotonic()
        until = now + min(seconds, LONGEST_PAUSE_SECONDS)
        if seconds <= 0 or until <= lane.paused_until:
            return
        PAUSES.inc()
        lane.paused_until = until
        asyncio.get_running_loop().call_later(until - now, self._end, lane)

    def _end(self, lane: Lane) -> None:
        left = lane.paused_until - self._monotonic()
        if left > 0:  # it was prolonged, or the loop's clock is a little ahead
            asyncio.get_running_loop().call_later(left, self._end, lane)
        elif lane.paused_until:
            lane.paused_until = 0.0
            self._ended(lane)
