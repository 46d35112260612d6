"""DeliveryService: what became of each event at each endpoint."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import grpc
from redletter.delivery.v1 import delivery_service_pb2 as wire
from redletter.delivery.v1 import delivery_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import pages
from chassis.rpc.credentials import tenant_id
from delivery_service.api import page_keys, rendering
from delivery_service.api.delivery_filters import require_one
from delivery_service.api.redelivering import Redelivering, within_of
from delivery_service.domain.deliveries import DeliveryState, LaneKey
from delivery_service.store import deliveries
from delivery_service.store.deliveries import StoredDelivery

_PENDING, _ENDED = "pending", "ended"
_SHAPE: Final = (str, *page_keys.MOMENT, str, str)
_LAST: Final = (datetime.max.replace(tzinfo=UTC), "", "")


@dataclass(frozen=True)
class _Filter:
    tenant_id: str
    endpoint_id: str
    event_id: str
    states: frozenset[DeliveryState]


class DeliveryServicer(delivery_service_pb2_grpc.DeliveryServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, redelivering: Redelivering) -> None:
        self._engine = engine
        self._redelivering = redelivering

    async def ListDeliveries(
        self, request: wire.ListDeliveriesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListDeliveriesResponse:
        """List pending deliveries by event id, then ended ones, the newest end first."""
        states = frozenset(DeliveryState(state) for state in request.states) or frozenset(DeliveryState)
        wanted = _Filter(tenant_id(), request.endpoint_id, request.event_id, states)
        bound_to = ["deliveries", wanted.tenant_id, wanted.endpoint_id, wanted.event_id, sorted(states)]
        size = pages.page_size(request.page_size)
        found = await self._page(
            wanted, page_keys.decode(request.page_token, bound_to, shape=_SHAPE), size + 1
        )
        token = pages.encode(_key(found[size - 1]), bound_to) if len(found) > size else ""
        rendered = [rendering.delivery(one) for one in found[:size]]
        return wire.ListDeliveriesResponse(deliveries=rendered, next_page_token=token)

    async def GetDelivery(
        self, request: wire.GetDeliveryRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetDeliveryResponse:
        """Answer one round of a delivery."""
        lane = LaneKey(tenant_id(), request.endpoint_id)
        found = await deliveries.get(self._engine, lane, request.event_id, round_number=request.round)
        return wire.GetDeliveryResponse(delivery=rendering.delivery(found))

    async def ListAttempts(
        self, request: wire.ListAttemptsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListAttemptsResponse:
        """List the attempts of one round of a delivery, the first one first."""
        lane = LaneKey(tenant_id(), request.endpoint_id)
        bound_to = ["attempts", *lane, request.event_id, request.round]
        size = pages.page_size(request.page_size)
        key = page_keys.decode(request.page_token, bound_to, shape=[int])
        found = await deliveries.get(self._engine, lane, request.event_id, round_number=request.round)
        left = [one for one in found.tries if key is None or one.number > int(key[0])]
        token = pages.encode([left[size - 1].number], bound_to) if len(left) > size else ""
        return wire.ListAttemptsResponse(
            attempts=[rendering.attempt(one) for one in left[:size]], next_page_token=token
        )

    async def RedeliverDelivery(
        self, request: wire.RedeliverDeliveryRequest, _context: grpc.aio.ServicerContext
    ) -> wire.RedeliverDeliveryResponse:
        """Begin a new round of an ended delivery."""
        lane = LaneKey(tenant_id(), request.endpoint_id)
        begun = await self._redelivering.one(lane, request.event_id, within_of(request))
        found = await deliveries.get(self._engine, lane, request.event_id, round_number=begun)
        return wire.RedeliverDeliveryResponse(delivery=rendering.delivery(found))

    async def RedeliverDeliveries(
        self, request: wire.RedeliverDeliveriesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.RedeliverDeliveriesResponse:
        """Begin new rounds of named deliveries, or an operation that does it for all that a filter finds."""
        filtered = request.HasField("filter")
        require_one(named=len(request.deliveries), filtered=filtered, field="deliveries")
        if filtered:
            return await self._redelivering.by_filter(tenant_id(), request)
        return await self._redelivering.named(tenant_id(), request)

    async def _page(self, wanted: _Filter, key: "list[str | int] | None", size: int) -> list[StoredDelivery]:
        found: list[StoredDelivery] = []
        if DeliveryState.PENDING in wanted.states and (key is None or key[0] == _PENDING):
            after = (str(key[4]), str(key[5])) if key else ("", "")
            found = await deliveries.pending(
                self._engine,
                wanted.tenant_id,
                endpoint_id=wanted.endpoint_id,
                event_id=wanted.event_id,
                after=after,
                size=size,
            )
        ended = sorted(wanted.states - {DeliveryState.PENDING})
        if len(found) < size and ended:
            found += await deliveries.ended(
                self._engine,
                wanted.tenant_id,
                endpoint_id=wanted.endpoint_id,
                event_id=wanted.event_id,
                states=ended,
                before=_before(key),
                size=size - len(found),
            )
        return found


def _key(last: StoredDelivery) -> list[str | int]:
    if last.end_time is None:
        return [_PENDING, 0, 0, 0, last.event_id, last.endpoint_id]
    return [_ENDED, *page_keys.of_moment(last.end_time), last.event_id, last.endpoint_id]


def _before(key: "list[str | int] | None") -> tuple[datetime, str, str]:
    if key is None or key[0] != _ENDED:
        return _LAST
    return page_keys.moment(key[1:4]), str(key[4]), str(key[5])
