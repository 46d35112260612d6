"""ManifestService: what an endpoint was to get on a day, signed as its webhooks are."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import grpc
import orjson
from redletter.delivery.v1 import manifest_pb2, manifest_service_pb2_grpc
from redletter.delivery.v1 import manifest_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.errors import NotFound
from chassis.rpc.credentials import tenant_id
from chassis.wire import civil_date
from delivery_service.domain.deliveries import INBOX, LaneKey
from delivery_service.domain.signatures import Signers
from delivery_service.store import endpoints, manifests
from delivery_service.store.manifests import CHECKSUM_MODULUS, Listed

TYPE: Final = "redletter.manifest"
DEFAULT_PAGE: Final = 2000


class ManifestServicer(manifest_service_pb2_grpc.ManifestServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def GetManifest(
        self, request: wire.GetManifestRequest, _context: grpc.aio.ServicerContext
    ) -> AsyncIterator[wire.GetManifestResponse]:
        """Stream the pages of a manifest, the last one with its totals."""
        lane = LaneKey(tenant_id(), request.endpoint_id)
        day = civil_date(request.date).to_stdlib()
        signers = await self._signers(lane)
        writer = _Writer(self._clock, lane.endpoint_id, day, signers)
        after: str | None = ""
        while after is not None:
            found = await manifests.page(
                self._engine, lane, day, after=after, size=request.page_size or DEFAULT_PAGE
            )
            after = found.after
            if found.events or after is None:
                yield wire.GetManifestResponse(page=writer.page(found.events, last=after is None))

    async def _signers(self, lane: LaneKey) -> Signers | None:
        if lane.endpoint_id == INBOX:
            return None
        async with self._engine.connect() as connection:
            found = await endpoints.targets(connection, [lane])
        if lane not in found:
            raise NotFound(f'there is no endpoint "{lane.endpoint_id}"')
        return Signers.of(found[lane].secrets)


class _Writer:
    """Writes page after page, and keeps the totals."""

    def __init__(self, clock: BusinessClock, endpoint_id: str, day: date, signers: Signers | None) -> None:
        self._clock = clock
        self._endpoint_id = endpoint_id
        self._day = day
        self._signers = signers
        self._number = 0
        self._after = ""
        self._count = 0
        self._checksum = 0
        self._states: Counter[str] = Counter()

    def page(self, events: list[Listed], *, last: bool) -> manifest_pb2.ManifestPage:
        """Return the next page, signed; with the totals of all pages when it is the last."""
        self._number += 1
        self._count += len(events)
        self._checksum = (self._checksum + sum(one.digest for one in events)) % CHECKSUM_MODULUS
        self._states.update(one.state.name for one in events)
        data: dict[str, Any] = {
            "endpoint_id": self._endpoint_id,
            "date": self._day.isoformat(),
            "page": self._number,
            "after": self._after,
            "events": [(one.event_id, one.state.name) for one in events],
            "last": last,
        }
        if last:
            totals = {"count": self._count, "checksum": str(self._checksum), "states": dict(self._states)}
            data |= totals
        if events:
            self._after = events[-1].event_id
        now = self._clock.now().to_stdlib()
        return self._signed(orjson.dumps({"type": TYPE, "timestamp": now, "data": data}, option=_UTC_Z))

    def _signed(self, body: bytes) -> manifest_pb2.ManifestPage:
        webhook_id = f"mft_{self._endpoint_id}_{self._day.isoformat()}_{self._number}"
        seconds = int(self._clock.real().timestamp())
        return manifest_pb2.ManifestPage(
            body=body,
            webhook_id=webhook_id,
            webhook_timestamp=seconds,
            webhook_signature=self._signers.header(webhook_id, seconds, body) if self._signers else "",
        )


_UTC_Z: Final = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
