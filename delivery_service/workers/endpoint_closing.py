"""Ends what waits for disabled and deleted endpoints, however late its next attempt was planned."""

import time
from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import queue
from delivery_service.store.endpoint_closing import AT_ONCE, closed, hasten

log = structlog.get_logger()

CLOSE_SECONDS = 1.0
# One slow look, while the machine is busy, is no reason to leave what is closed alone.
LONGEST_SECONDS = 3.0
_PAGE = 1000
# A page is followed by so many times its own duration without one: it is looked for all the time, and rarely there.
_PAUSE = 30
_BEFORE_ALL = LaneKey("", "")


class EndpointClosing:
    """Makes retries of closed endpoints due; the lanes then end them as dead, and the inbox gets what nobody has.

    A page of lanes a second; any replica may do it, and what two do at once they share.
    """

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, *, released: Callable[[LaneKey], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._released = released
        self._page = _BEFORE_ALL
        self._loop = Loop("endpoint_closing", self.close, interval=CLOSE_SECONDS)

    async def close(self) -> float | None:
        """Look at one page of lanes; returns how long to wait for the next one."""
        began = time.monotonic()
        async with unit_of_work(self._engine) as connection:
            found = await queue.backlog(connection, after=self._page, most=_PAGE)
            self._page = found[-1].lane if len(found) == _PAGE else _BEFORE_ALL
            moved = await self._hasten(connection, [one.lane for one in found])
        for lane, count in moved.items():
            log.info("endpoint.closed", endpoint_id=lane.endpoint_id, deliveries=count)
            self._released(lane)
        if AT_ONCE in moved.values():
            return 0
        return min(LONGEST_SECONDS, max(CLOSE_SECONDS, _PAUSE * (time.monotonic() - began)))

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self._loop.stop()

    async def _hasten(self, connection: AsyncConnection, lanes: list[LaneKey]) -> dict[LaneKey, int]:
        if not lanes:
            return {}
        of_closed = await closed(connection, lanes)
        if not of_closed:
            return {}
        return await hasten(connection, of_closed, real_now=self._clock.real())
