"""Keeps the lanes on the endpoints' present URLs, states and secrets, and disables what answered 410."""

import time

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoints import DisableReason, Endpoint
from delivery_service.store import endpoints
from delivery_service.workers.lanes import Lanes

log = structlog.get_logger()

# A change is to be in force everywhere within a second.
REFRESH_SECONDS = 0.5
_READ_ALL_SECONDS = 30.0
_PART = 100
_NOTE = "the receiver answered 410 Gone"


class EndpointWatch:
    """Looks twice a second which lanes' endpoints have changed and reads those; all of them now and then."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, lanes: Lanes) -> None:
        self._engine = engine
        self._clock = clock
        self._lanes = lanes
        self._gone: dict[LaneKey, str] = {}
        # As they were read the last time; None: there was no such endpoint.
        self._seen: dict[LaneKey, Endpoint | None] = {}
        self._read_all_at = 0.0
        self._loop = Loop("endpoint_watch", self.refresh, interval=REFRESH_SECONDS)

    def gone(self, key: LaneKey, url: str) -> None:
        """Disable an endpoint whose receiver asked for no more events, if that URL is still where it goes."""
        self._gone[key] = url
        self._loop.wake()

    async def refresh(self) -> None:
        """Disable what is gone, then read every lane's endpoint."""
        for key, url in list(self._gone.items()):
            if await endpoints.disable(
                self._engine, key, DisableReason.GONE, _NOTE, now=self._clock.now(), url=url
            ):
                log.warning("endpoint.disabled", endpoint_id=key.endpoint_id, status_code=410)
            if self._gone.get(key) == url:  # and no other URL's receiver said so meanwhile
                del self._gone[key]
        keys = self._lanes.known()
        if not keys:
            return
        async with self._engine.connect() as connection:
            await self._read(connection, await self._stale(connection, keys))

    async def start(self) -> None:
        """Begin to read."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop reading; what is gone is disabled before."""
        await self._loop.stop()
        if self._gone:
            await self.refresh()

    async def _stale(self, connection: AsyncConnection, keys: list[LaneKey]) -> list[LaneKey]:
        now = time.monotonic()
        if now >= self._read_all_at:
            self._read_all_at = now + _READ_ALL_SECONDS
            self._seen.clear()
        self._seen = {key: self._seen[key] for key in keys if key in self._seen}
        unseen = [key for key in keys if key not in self._seen]
        return unseen + (await endpoints.stale(connection, self._seen) if self._seen else [])

    async def _read(self, connection: AsyncConnection, keys: list[LaneKey]) -> None:
        # In parts: what is decoded at once holds everything else up.
        for start in range(0, len(keys), _PART):
            part = keys[start : start + _PART]
            found = await endpoints.targets(connection, part)
            self._lanes.aim(part, found)
            self._seen.update((key, found[key].endpoint if key in found else None) for key in part)
