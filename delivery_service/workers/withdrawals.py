"""Ends what is pending at endpoints although its message was acknowledged in the inbox, within 200 ms."""

from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from delivery_service.domain.stops import RecentStops
from delivery_service.store import withdrawals

log = structlog.get_logger()

POLL_SECONDS = 0.2


class Withdrawals:
    """Reads what was acknowledged while a replica held it; `stopped` is called when there is any.

    What waits in this replica's memory ends then, what is on the wire when its answer comes: received, or not
    tried again. A replica that died is no matter: what it held is nobody's after its take-over.
    """

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, recent: RecentStops, *, stopped: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._recent = recent
        self._stopped = stopped
        self._loop = Loop("withdrawals", self.poll, interval=POLL_SECONDS)

    def wake(self) -> None:
        """Look now."""
        self._loop.wake()

    async def poll(self) -> None:
        """Look once."""
        found = await withdrawals.listed(self._engine)
        self._recent.withdraw({(one.event_id, one.round) for one in found})
        if not found:
            return
        self._stopped()
        if all(one.held for one in found):
            return
        ended = await withdrawals.settle(self._engine, now=self._clock.now())
        log.info("deliveries.withdrawn", ended=ended)

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking; the other replicas go on."""
        await self._loop.stop()
