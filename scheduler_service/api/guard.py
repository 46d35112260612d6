"""SchedulerAdminService, the part that holds deciding back: pause and guard mode."""

import grpc
import structlog
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.errors import IllegalTransition, InvalidInput
from chassis.rpc import credentials
from chassis.wire import instant, timestamp
from scheduler_service.domain.ids import event_id
from scheduler_service.store import controls, plans

log = structlog.get_logger()

_LISTED = 100
_BY_HAND = "an operator began it"


class GuardMethods(service_grpc.SchedulerAdminServiceServicer):
    """Writes the controls; every decision asks them."""

    _engine: AsyncEngine
    _clock: BusinessClock

    async def GetGuard(
        self, _request: pb.GetGuardRequest, _context: grpc.aio.ServicerContext
    ) -> pb.GetGuardResponse:
        """Return what guard mode holds back."""
        credentials.require_operator()
        async with self._engine.connect() as connection:
            return pb.GetGuardResponse(guard=await _guard(connection))

    async def StartGuard(
        self, request: pb.StartGuardRequest, _context: grpc.aio.ServicerContext
    ) -> pb.StartGuardResponse:
        """Hold what fell due since an instant; a guard that is there already grows."""
        credentials.require_operator()
        now = self._clock.now()
        since = instant(request.since) if request.HasField("since") else None
        if since is not None and since > now:
            raise InvalidInput.at(
                "since",
                f"{since.format_iso()} is in the future",
                value=since.format_iso(),
                allowed=f"an instant before {now.format_iso()} (business clock)",
            )
        async with unit_of_work(self._engine) as connection:
            begun = await controls.begin_guard(connection, since=since, until=now, reason=_BY_HAND)
            if begun is None:
                raise IllegalTransition("this store was never alive before; say since when to hold plans")
            guard = await _guard(connection)
        log.warning("guard.begun", reason=_BY_HAND, since=begun.since.format_iso())
        return pb.StartGuardResponse(guard=guard)

    async def ReleaseGuard(
        self, request: pb.ReleaseGuardRequest, _context: grpc.aio.ServicerContext
    ) -> pb.ReleaseGuardResponse:
        """Let what is held go, or let it be ended; without a guard nothing changes."""
        credentials.require_operator()
        release = pb.ReleaseGuardRequest.Release
        async with unit_of_work(self._engine) as connection:
            match request.release:
                case release.RELEASE_SEND:
                    await controls.end_guard(connection)
                case release.RELEASE_EXPIRE:
                    await controls.expire_guard(connection)
            guard = await _guard(connection)
        log.info("guard.released", release=release.Name(request.release), held=guard.held)
        return pb.ReleaseGuardResponse(guard=guard)


async def _guard(connection: AsyncConnection) -> pb.Guard:
    found = (await controls.get(connection)).guard
    if found is None:
        return pb.Guard()
    first = await plans.held(connection, since=found.since, until=found.until, size=_LISTED)
    return pb.Guard(
        active=True,
        since=timestamp(found.since),
        until=timestamp(found.until),
        reason=found.reason,
        held=await plans.held_count(connection, since=found.since, until=found.until),
        event_ids=[event_id(plan_id, cycle) for plan_id, cycle in first],
    )
