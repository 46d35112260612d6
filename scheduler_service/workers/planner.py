"""The leader's first work: follow the feed of user_service and keep the plans right."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from chassis.traces import tracer
from scheduler_service.domain.built_in import built_in
from scheduler_service.store import event_types, feed, parked, recipients, tenants
from scheduler_service.store.event_types import Stored
from scheduler_service.workers.changes import tenant_of
from scheduler_service.workers.people import APPLIED, PAGE, People

log = structlog.get_logger()

BACKLOG = Gauge("redletter_scheduler_feed_backlog", "Changes that wait in user_service.")

GHOSTS = 500
ROLE = "planner"

Pull = Callable[[int], Awaitable[feed_pb2.PullChangesResponse]]
Ack = Callable[[feed_pb2.AckChangesRequest], Awaitable[object]]


class FeedPlanner:
    """Pulls pages of changes, applies each in one transaction, acknowledges what it applied."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        people: People,
        leadership: Leadership,
        pull: Pull,
        ack: Ack,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._people = people
        self._leadership = leadership
        self._pull = pull
        self._ack = ack

    async def iterate(self) -> float | None:
        """Apply one page; 0 when more may be waiting."""
        if not self._leadership.leads:
            BACKLOG.set(0)  # the leader's to say; the sum over the replicas is then right
            return None
        asked = self._clock.real()  # before the answer: what is written while it comes may be missing in it
        page = await self._pull(PAGE)
        BACKLOG.set(page.backlog)
        if page.changes:
            with tracer.start_as_current_span("plan", attributes={"redletter.changes": len(page.changes)}):
                applied = await self._apply(page, asked)
                if applied:
                    await self._ack(feed_pb2.AckChangesRequest(epoch=page.epoch, changes=applied))
        else:
            await self._note_idle(page, asked)
            return None
        return 0 if len(applied) == len(page.changes) else None

    async def _apply(
        self, page: feed_pb2.PullChangesResponse, asked: Instant
    ) -> list[feed_pb2.AppliedChange]:
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            if (await feed.get(connection)).epoch != page.epoch:
                await feed.enter(connection, page.epoch)
                await parked.clear(connection)
            applied = [c for c in page.changes if c.WhichOneof("change") == "tenant"]
            for change in applied:
                await self._apply_tenant(connection, change)
            people = [c for c in page.changes if c.WhichOneof("change") != "tenant"]
            applied += await self._people.apply(connection, people, epoch=page.epoch)
            oldest = min((c.change_time.ToDatetime() for c in page.changes), default=None)
            await feed.note(
                connection,
                backlog=max(0, page.backlog - len(applied)),
                oldest=_aware(oldest),
                pulled=asked.to_stdlib(),
            )
        return [
            feed_pb2.AppliedChange(tenant_id=c.tenant_id, user_id=c.user_id, version=c.version)
            for c in applied
        ]

    async def _apply_tenant(self, connection: AsyncConnection, change: feed_pb2.Change) -> None:
        defaults, since = tenant_of(change)
        created = await tenants.upsert(connection, defaults, version=change.version)
        APPLIED.labels("tenant").inc()
        if not created:
            return
        for display_name, rule in built_in(change.tenant_id, since=since):
            await event_types.insert(connection, Stored(rule, display_name, True, since, since))
        log.info("tenant.added", tenant_id=change.tenant_id)

    async def _note_idle(self, page: feed_pb2.PullChangesResponse, asked: Instant) -> None:
        """The feed is drained: whoever was not confirmed in this epoch is gone."""
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await feed.note(connection, backlog=page.backlog, oldest=None, pulled=asked.to_stdlib())
            state = await feed.get(connection)
            await self._people.retry(connection, epoch=state.epoch, term=self._leadership.term)
            if state.swept or state.epoch != page.epoch:
                return
            ghosts = await recipients.ghosts(connection, epoch=page.epoch, size=GHOSTS)
            if ghosts:
                await self._people.remove(connection, ghosts)
                log.info("recipients.swept", count=len(ghosts))
            else:
                await feed.mark_swept(connection, page.epoch)


def _aware(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
