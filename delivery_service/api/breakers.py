"""BreakerService: the circuit breakers of the tenant's endpoints."""

from collections.abc import Callable

import grpc
from redletter.delivery.v1 import breaker_pb2, breaker_service_pb2_grpc
from redletter.delivery.v1 import breaker_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.rpc.credentials import tenant_id
from chassis.wire import duration, timestamp
from delivery_service.domain.breakers import Breaker, BreakerMode, BreakerPolicy
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import breakers as store
from delivery_service.workers.breaker_transitions import announce
from delivery_service.workers.breakers import Breakers


class BreakerServicer(breaker_service_pb2_grpc.BreakerServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, breakers: Breakers, *, changed: Callable[[], None]) -> None:
        self._engine = engine
        self._breakers = breakers
        self._changed = changed

    async def GetBreaker(
        self, request: wire.GetBreakerRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetBreakerResponse:
        """Answer the breaker of one endpoint."""
        key = LaneKey(tenant_id(), request.endpoint_id)
        return wire.GetBreakerResponse(breaker=self._rendered(key, *await store.get(self._engine, key)))

    async def ForceBreaker(
        self, request: wire.ForceBreakerRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ForceBreakerResponse:
        """Force a breaker open or closed, or give it back to the attempts."""
        key, mode = LaneKey(tenant_id(), request.endpoint_id), BreakerMode(request.mode)
        forced = await store.put(self._engine, key, mode, request.reason)
        if forced.after != forced.before:
            announce(key, forced.before, forced.after)
            self._changed()
        return wire.ForceBreakerResponse(breaker=self._rendered(key, *await store.get(self._engine, key)))

    def _rendered(self, key: LaneKey, breaker: Breaker, policy: BreakerPolicy) -> breaker_pb2.Breaker:
        counts = self._breakers.counts(key)
        rendered = breaker_pb2.Breaker(
            endpoint_id=key.endpoint_id,
            state=breaker_pb2.Breaker.State.Name(breaker.state),
            mode=breaker_pb2.Breaker.Mode.Name(breaker.mode),
            reason=breaker.reason,
            opened=breaker.opened,
            successes=breaker.successes,
            window=duration(policy.window),
            attempts=counts.attempts,
            failures=counts.failures,
            failure_rate=counts.failure_rate,
        )
        instants = {
            "change_time": breaker.change_time,
            "open_until": breaker.open_until,
            "probe_until": breaker.probe_until,
        }
        for name, instant in instants.items():
            if instant is not None:
                getattr(rendered, name).CopyFrom(timestamp(instant))
        return rendered
