"""Keeps the lanes on the endpoints' present URLs, states and secrets, and disables what answered 410."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import endpoints
from delivery_service.workers.lanes import Lanes

log = structlog.get_logger()

REFRESH_SECONDS = 1.0


class EndpointWatch:
    """Reads the endpoints of all lanes once a second."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, lanes: Lanes) -> None:
        self._engine = engine
        self._clock = clock
        self._lanes = lanes
        self._gone: set[LaneKey] = set()
        self._loop = Loop("endpoint_watch", self.refresh, interval=REFRESH_SECONDS)

    def gone(self, key: LaneKey) -> None:
        """Disable an endpoint whose receiver asked for no more events."""
        self._gone.add(key)
        self._loop.wake()

    async def refresh(self) -> None:
        """Disable what is gone, then read every lane's endpoint."""
        for key in list(self._gone):
            if await endpoints.disable(self._engine, key, now=self._clock.now()):
                log.warning("endpoint.disabled", endpoint_id=key.endpoint_id, status_code=410)
            self._gone.discard(key)
        keys = self._lanes.known()
        if keys:
            async with self._engine.connect() as connection:
                self._lanes.aim(keys, await endpoints.targets(connection, keys))

    async def start(self) -> None:
        """Begin to read."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop reading; what is gone is disabled before."""
        await self._loop.stop()
        if self._gone:
            await self.refresh()
