"""The leader's last work: forget tombstones, a page at a time, round and round."""

from typing import Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.store import retention

log = structlog.get_logger()

PAGE: Final = 5_000
INTERVAL_SECONDS: Final = 30.0
YEARS_KEPT: Final = 2
"""A tombstone whose last cycle is this many years back can no longer be repeated by any correction."""

FORGOTTEN = Counter("redletter_scheduler_tombstones_forgotten_total", "Tombstones whose cycle is over.")


class Retention:
    """Walks the plans in id order, one page every half minute."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, leadership: Leadership) -> None:
        self._engine = engine
        self._clock = clock
        self._leadership = leadership
        self._position = b""

    async def iterate(self) -> None:
        """Sweep one page."""
        if not self._leadership.leads:
            return
        before = self._clock.now().to_stdlib().year - YEARS_KEPT
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            self._position, gone = await retention.sweep(
                connection, after=self._position, before_year=before, size=PAGE
            )
        if gone:
            FORGOTTEN.inc(gone)
            log.info("tombstones.forgotten", count=gone)
