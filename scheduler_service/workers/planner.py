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
from scheduler_service.store import controls, event_types, feed, parked, recipients, tenants
from scheduler_service.store.event_types import Stored
from scheduler_service.store.tenants import Effect
from scheduler_service.workers.changes import tenant_of
from scheduler_service.workers.people import APPLIED, PAGE, People

log = structlog.get_logger()

BACKLOG = Gauge("redletter_scheduler_feed_backlog", "Changes that wait in user_service.")

GHOSTS = 500
ROLE = "planner"

Pull = Callable[[feed_pb2.PullChangesRequest], Awaitable[feed_pb2.PullChangesResponse]]
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
        self._confirmed = ("", 0)  # epoch and serial of the last call that was answered

    async def iterate(self) -> float | None:
        """Apply one page; 0 when more may be waiting."""
        if not self._leadership.leads:
            BACKLOG.set(0)  # the leader's to say; the sum over the replicas is then right
            return None
        asked = self._clock.real()  # before the answer: what is written while it comes may be missing in it
        page = await self._ask()
        BACKLOG.set(page.backlog)
        if page.changes:
            with tracer.start_as_current_span("plan", attributes={"redletter.changes": len(page.changes)}):
                applied, serial = await self._apply(page, asked)
                if applied:
                    await self._ack(
                        feed_pb2.AckChangesRequest(epoch=page.epoch, changes=applied, reader_serial=serial)
                    )
                    self._confirmed = (page.epoch, serial)
        else:
            await self._note_idle(page, asked)
            return None
        return 0 if len(applied) == len(page.changes) else None

    async def _ask(self) -> feed_pb2.PullChangesResponse:
        """Pull a page; the serials tell user_service whether one of the two stores went back to a backup."""
        async with self._engine.connect() as connection:
            state = await feed.get(connection)
        page = await self._pull(
            feed_pb2.PullChangesRequest(
                max_items=PAGE,
                reader_serial=state.serial,
                confirmed_epoch=self._confirmed[0],
                confirmed_serial=self._confirmed[1],
            )
        )
        self._confirmed = (page.epoch, state.serial)
        if page.restored != feed_pb2.RESTORED_UNSPECIFIED and page.epoch != state.epoch:
            log.error("feed.restored", store=feed_pb2.Restored.Name(page.restored))
        return page

    async def _apply(
        self, page: feed_pb2.PullChangesResponse, asked: Instant
    ) -> tuple[list[feed_pb2.AppliedChange], int]:
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await self._enter(connection, page)
            serial = await feed.count_page(connection)
            applied = [c for c in page.changes if c.WhichOneof("change") == "tenant"]
            for change in applied:
                await self._apply_tenant(connection, change, page.epoch)
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
        ], serial

    async def _enter(self, connection: AsyncConnection, page: feed_pb2.PullChangesResponse) -> None:
        """Begin a new epoch if the page is of one; when our own store was restored, hold what it may repeat."""
        if (await feed.get(connection)).epoch == page.epoch:
            return
        await feed.enter(connection, page.epoch)
        await parked.clear(connection)
        if page.restored == feed_pb2.RESTORED_READER:
            await controls.begin_guard(
                connection,
                since=None,
                until=self._clock.now(),
                reason="this store was restored from a backup",
            )

    async def _apply_tenant(self, connection: AsyncConnection, change: feed_pb2.Change, epoch: str) -> None:
        defaults, since = tenant_of(change)
        effect = await tenants.upsert(
            connection, defaults, version=change.version, epoch=epoch, now=self._clock.now()
        )
        APPLIED.labels("tenant").inc()
        if effect is Effect.RETIMED:
            log.info("tenant.retimed", tenant_id=change.tenant_id)
        if effect is not Effect.CREATED:
            return
        for display_name, rule in built_in(change.tenant_id, since=since):
            await event_types.insert(connection, Stored(rule, display_name, True, since, since))
        log.info("tenant.added", tenant_id=change.tenant_id)

    async def _note_idle(self, page: feed_pb2.PullChangesResponse, asked: Instant) -> None:
        """The feed is drained: whoever was not confirmed in this epoch is gone."""
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await self._enter(connection, page)
            await feed.note(connection, backlog=page.backlog, oldest=None, pulled=asked.to_stdlib())
            state = await feed.get(connection)
            await self._people.retry(connection, epoch=state.epoch, term=self._leadership.term)
            if state.swept:
                return
            ghosts = await recipients.ghosts(connection, epoch=page.epoch, size=GHOSTS)
            if ghosts:
                # Held: who is making an event for one of them right now finishes first.
                await recipients.known(connection, ghosts)
                await self._people.remove(connection, ghosts)
                log.info("recipients.swept", count=len(ghosts))
            else:
                await feed.mark_swept(connection, page.epoch)


def _aware(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
