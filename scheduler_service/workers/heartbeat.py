"""Knows the PostgreSQL again: a store that was restored from a backup has forgotten what was sent since."""

from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.domain.decisions import LATE_AFTER
from scheduler_service.store import controls, plans

log = structlog.get_logger()

INTERVAL_SECONDS: Final = 1.0
_RESTORED: Final = "PostgreSQL is another one, and has seen nothing for longer than a minute: a restore?"


class Heartbeat:
    """Notes that the store is alive, begins guard mode when it went back, and ends it when nothing is held.

    Until a PostgreSQL is recognised no replica decides anything (the decision itself asks), so a restore
    under running replicas is noticed in time. A failover is recognised without guard mode if the store is
    not older than a minute: what its last moments lost is decided again under the same ids.
    """

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, leadership: Leadership) -> None:
        self._engine = engine
        self._clock = clock
        self._leadership = leadership

    async def iterate(self) -> None:
        """Beat once; every replica recognises, the leader writes."""
        async with self._engine.connect() as connection:
            found = await controls.get(connection)
        if not found.recognised:
            async with unit_of_work(self._engine) as connection:
                await self._recognise(connection)
        if not self._leadership.leads:
            return
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await controls.note_seen(connection, self._clock.now())
            if found.guard is not None and found.guard.expires:
                await self._end_guard(connection)

    async def _recognise(self, connection: AsyncConnection) -> None:
        await controls.alone(connection)  # several replicas notice it at once: one is first
        found, now = await controls.get(connection), self._clock.now()
        if found.recognised:
            return
        guard = None
        if found.known and found.seen_time is not None and now - found.seen_time > LATE_AFTER:
            guard = await controls.begin_guard(connection, since=None, until=now, reason=_RESTORED)
        await controls.recognise(connection)
        if guard is not None:
            log.warning("guard.begun", reason=_RESTORED, since=guard.since.format_iso())
        elif found.known:
            log.info("store.failed_over")

    async def _end_guard(self, connection: AsyncConnection) -> None:
        await controls.alone(connection)
        guard = (await controls.get(connection)).guard
        if guard is None or not guard.expires:
            return
        if not await plans.held(connection, since=guard.since, until=guard.until, size=1):
            await controls.end_guard(connection)
            log.info("guard.released")
