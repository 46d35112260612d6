"""SchedulerAdminService, the part about time-zone data: what a newer release would move, and its approval."""

from dataclasses import replace

import grpc
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import unit_of_work
from chassis.errors import IllegalTransition, StaleVersion
from chassis.rpc import credentials
from scheduler_service.store import tzdata
from scheduler_service.store.tzdata import Progress, State


class TzdataMethods(service_grpc.SchedulerAdminServiceServicer):
    """Reads what the leader has compared; the leader moves the plans."""

    _engine: AsyncEngine

    async def GetTzdataDiff(
        self, _request: pb.GetTzdataDiffRequest, _context: grpc.aio.ServicerContext
    ) -> pb.GetTzdataDiffResponse:
        """Return what the installed release would move."""
        credentials.require_operator()
        async with self._engine.connect() as connection:
            return pb.GetTzdataDiffResponse(diff=await _diff(connection, await tzdata.get(connection)))

    async def ApproveTzdata(
        self, request: pb.ApproveTzdataRequest, _context: grpc.aio.ServicerContext
    ) -> pb.ApproveTzdataResponse:
        """Let the open plans move; a comparison that is not over cannot be approved."""
        credentials.require_operator()
        async with unit_of_work(self._engine) as connection:
            progress = await tzdata.get(connection, lock=True)
            if progress.pending_version != request.version:
                waiting = (
                    f"release {progress.pending_version} waits" if progress.pending_version else "none waits"
                )
                raise StaleVersion(f"release {request.version!r} does not wait for approval; {waiting}")
            if progress.state is State.COMPARING:
                raise IllegalTransition(
                    "the plans are still being compared; look at the diff when it is complete"
                )
            diff = await _diff(connection, progress)
            await tzdata.put(connection, replace(progress, state=State.APPROVED))
        return pb.ApproveTzdataResponse(diff=diff)


async def _diff(connection: AsyncConnection, progress: Progress) -> pb.TzdataDiff:
    return pb.TzdataDiff(
        current_version=progress.version,
        pending_version=progress.pending_version,
        complete=progress.state is not State.COMPARING,
        checked=progress.checked,
        zones=[
            pb.ZoneDiff(
                time_zone=zone.time_zone,
                plans=zone.plans,
                people=zone.people,
                min_minutes=zone.min_minutes,
                max_minutes=zone.max_minutes,
            )
            for zone in await tzdata.zones(connection)
        ],
    )
