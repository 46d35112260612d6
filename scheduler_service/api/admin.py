"""SchedulerAdminService: the scheduler about itself, for operators."""

from datetime import timedelta

import grpc
import structlog
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as service_pb
from redletter.scheduler.v1 import scheduler_status_pb2 as pb
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.rpc import credentials
from chassis.wire import duration, timestamp
from scheduler_service.api.guard import GuardMethods
from scheduler_service.api.tzdata import TzdataMethods
from scheduler_service.coordination.shards import Shards
from scheduler_service.store import controls, feed, handovers, leader, plans, tzdata
from scheduler_service.workers.planner import ROLE

log = structlog.get_logger()


class Admin(GuardMethods, TzdataMethods):
    """Answers from the store, so that every replica says the same."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, shards: Shards) -> None:
        self._engine = engine
        self._clock = clock
        self._shards = shards

    async def GetSchedulerStatus(
        self, _request: service_pb.GetSchedulerStatusRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetSchedulerStatusResponse:
        """Return leader, shards, backlog and lags."""
        credentials.require_operator()
        return service_pb.GetSchedulerStatusResponse(status=await self._status())

    async def PauseScheduler(
        self, request: service_pb.PauseSchedulerRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.PauseSchedulerResponse:
        """Stop deciding; what was under way has ended when this answers."""
        credentials.require_operator()
        async with unit_of_work(self._engine) as connection:
            await controls.pause(connection, request.reason, now=self._clock.now())
        log.warning("scheduler.paused", reason=request.reason)
        return service_pb.PauseSchedulerResponse(status=await self._status())

    async def ResumeScheduler(
        self, _request: service_pb.ResumeSchedulerRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ResumeSchedulerResponse:
        """Decide again."""
        credentials.require_operator()
        async with unit_of_work(self._engine) as connection:
            await controls.resume(connection)
        log.info("scheduler.resumed")
        return service_pb.ResumeSchedulerResponse(status=await self._status())

    async def _status(self) -> pb.SchedulerStatus:
        now = self._clock.now()
        async with self._engine.connect() as connection:
            leads = await leader.get(connection, ROLE)
            plans_open, backlog, oldest = await plans.figures(connection, now=now)
            state = await feed.get(connection)
            open_handovers, _ = await handovers.count(connection)
            held_back = await controls.get(connection)
            zone_data = await tzdata.get(connection)
        holders = await self._shards.holders()
        status = pb.SchedulerStatus(
            plans_open=plans_open,
            backlog=backlog,
            oldest_due_age=duration(_age(oldest, now)),
            tzdata_version=zones.version(),
            feed_lag=duration(_lag(state, self._clock.real())),
            feed_backlog=state.backlog,
            open_handovers=open_handovers,
            business_time=timestamp(now),
            redis_available=self._shards.redis_available,
            shard_holders=[pb.ShardHolder(holder=h, shards=s) for h, s in holders.items()],
            paused=held_back.paused,
            pause_reason=held_back.pause_reason,
            guarded=held_back.guard is not None,
            pending_tzdata_version=zone_data.pending_version,
        )
        if state.pull_time is not None:
            status.feed_pull_time.CopyFrom(timestamp(state.pull_time))
        if leads is not None:
            status.leader, status.term = leads[0], leads[1]
            status.leader_since.CopyFrom(timestamp(leads[2]))
        return status


def _age(oldest: Instant | None, now: Instant) -> timedelta:
    return timedelta(0) if oldest is None else (now - oldest).to_stdlib()


def _lag(state: feed.Feed, real: Instant) -> timedelta:
    if state.oldest_change_time is None:
        return timedelta(0)
    return max(timedelta(0), (real - Instant(state.oldest_change_time)).to_stdlib())
