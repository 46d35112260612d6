"""SchedulerAdminService: the scheduler about itself, for operators."""

from datetime import timedelta

import grpc
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as service_pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as service_grpc
from redletter.scheduler.v1 import scheduler_status_pb2 as pb
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.rpc import credentials
from chassis.wire import duration, timestamp
from scheduler_service.coordination.shards import Shards
from scheduler_service.store import feed, handovers, leader, plans
from scheduler_service.workers.planner import ROLE


class Admin(service_grpc.SchedulerAdminServiceServicer):
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
        now = self._clock.now()
        async with self._engine.connect() as connection:
            leads = await leader.get(connection, ROLE)
            plans_open, backlog, oldest = await plans.figures(connection, now=now)
            state = await feed.get(connection)
            open_handovers, _ = await handovers.count(connection)
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
        )
        if state.pull_time is not None:
            status.feed_pull_time.CopyFrom(timestamp(state.pull_time))
        if leads is not None:
            status.leader, status.term = leads[0], leads[1]
            status.leader_since.CopyFrom(timestamp(leads[2]))
        return service_pb.GetSchedulerStatusResponse(status=status)


def _age(oldest: Instant | None, now: Instant) -> timedelta:
    return timedelta(0) if oldest is None else (now - oldest).to_stdlib()


def _lag(state: feed.Feed, real: Instant) -> timedelta:
    if state.oldest_change_time is None:
        return timedelta(0)
    return max(timedelta(0), (real - Instant(state.oldest_change_time)).to_stdlib())
