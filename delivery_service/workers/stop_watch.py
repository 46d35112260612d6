"""Brings every stop, whichever replica took it, into this replica's memory within 200 ms."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.stops import RecentStops
from delivery_service.store import stops

log = structlog.get_logger()

POLL_SECONDS = 0.2
# So much later than its answer a stop may reach this replica, however slow PostgreSQL or this process is: then
# nothing is sent until it has been read.
FRESH_SECONDS = 1.0
PRUNE_SECONDS = 600.0


class StopWatch:
    """Reads the stops that are newer than the last one seen; `ready` once it knows where it began.

    `stopped` is called after new ones were read.
    """

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, recent: RecentStops, *, stopped: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._recent = recent
        self._stopped = stopped
        self._seen: int | None = None
        self._read = 0.0
        self._pruned = time.monotonic()
        self._loop = Loop("stop_watch", self.poll, interval=POLL_SECONDS)

    @property
    def ready(self) -> bool:
        """Whether deliveries may be taken: a stop written before was in PostgreSQL when they are read."""
        return self._seen is not None

    @property
    def fresh(self) -> bool:
        """Whether every stop is known here that was answered more than a second ago."""
        return time.monotonic() - self._read < FRESH_SECONDS

    async def poll(self) -> None:
        """Read once; the first reading only remembers where to begin."""
        began = time.monotonic()
        async with self._engine.connect() as connection:
            if self._seen is None:
                self._seen, self._read = await stops.newest(connection), began
                return
            self._seen, found = await stops.newer(connection, self._seen)
        now = time.monotonic()
        for stop in found:
            self._recent.add(stop, monotonic=now)
        if found:
            self._stopped()
        self._read = began
        # Only after what waited has been ended: the stops that this replica took itself are among those found.
        self._recent.forget(monotonic=now)
        if now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            async with unit_of_work(self._engine) as connection:
                await stops.prune(connection, self._clock.now())

    async def start(self) -> None:
        """Begin to read."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop reading."""
        await self._loop.stop()
