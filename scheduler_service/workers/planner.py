"""The leader's first work: follow the feed of user_service and keep the plans right."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client import Counter, Gauge
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant, TimeDelta

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from chassis.traces import tracer
from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import user_part
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import cancellations, event_types, feed, parked, plans, recipients, tenants
from scheduler_service.store.event_types import Stored
from scheduler_service.workers.changes import recipient_of, tenant_of

log = structlog.get_logger()

APPLIED = Counter(
    "redletter_scheduler_changes_applied_total", "Changes of the feed that were applied.", ["kind"]
)
PLANNED = Counter("redletter_scheduler_plans_written_total", "Plans that were written or forgotten.")
UNPLANNABLE = Counter(
    "redletter_scheduler_unplannable_total",
    "Changes that could not be planned; they are kept and tried again.",
)
BACKLOG = Gauge("redletter_scheduler_feed_backlog", "Changes that wait in user_service.")

PAGE = 500
GHOSTS = 500
CLOCK_MARGIN_SECONDS = 0.1
ROLE = "planner"

Key = tuple[str, str]
Pull = Callable[[int], Awaitable[feed_pb2.PullChangesResponse]]
Ack = Callable[[feed_pb2.AckChangesRequest], Awaitable[object]]


class FeedPlanner:
    """Pulls pages of changes, applies each in one transaction, acknowledges what it applied."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        key: bytes,
        leadership: Leadership,
        pull: Pull,
        ack: Ack,
        stopped: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._leadership = leadership
        self._pull = pull
        self._ack = ack
        self._stopped = stopped
        self._retried_term: int | None = None
        self._retried_to: Key = ("", "")

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
            applied += await self._apply_people(connection, people, epoch=page.epoch)
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

    async def _apply_people(
        self, connection: AsyncConnection, changes: Sequence[feed_pb2.Change], *, epoch: str
    ) -> list[feed_pb2.Change]:
        """Apply the people whose tenant is known; the others wait in the feed for their tenant.

        Who cannot be planned is kept aside, so that nobody behind them has to wait.
        """
        if not changes:
            return []
        tenant_ids = {change.tenant_id for change in changes}
        defaults = await tenants.load(connection, tenant_ids)
        rules = await event_types.of_tenants(connection, defaults)
        known = [change for change in changes if change.tenant_id in defaults]
        fresh = await self._newer(connection, known, epoch=epoch)
        living, unread = _readable([c for c in fresh if c.WhichOneof("change") == "recipient"])
        gone = [(c.tenant_id, c.user_id) for c in fresh if c.WhichOneof("change") == "user_tombstone"]
        unplanned = await self._replan(connection, living, rules=rules, defaults=defaults)
        living = [r for r in living if (r.tenant_id, r.user_id) not in unplanned]
        if living:
            await recipients.upsert(connection, living, epoch=epoch)
        if gone:
            await self.remove(connection, gone)
        APPLIED.labels("user").inc(len(living))
        APPLIED.labels("deletion").inc(len(gone))
        log.info("changes.applied", users=len(living), deletions=len(gone), known=len(known) - len(fresh))
        await self._park(connection, fresh, unread | unplanned)
        return known

    async def _park(
        self, connection: AsyncConnection, fresh: Sequence[feed_pb2.Change], failed: dict[Key, str]
    ) -> None:
        keys = [(c.tenant_id, c.user_id) for c in fresh]
        await parked.delete(connection, [key for key in keys if key not in failed])
        await parked.insert(
            connection,
            [
                (*key, failed[key], change.SerializeToString())
                for key, change in zip(keys, fresh, strict=True)
                if key in failed
            ],
        )

    async def _retry(self, connection: AsyncConnection, *, epoch: str) -> None:
        """Try once more, page by page, whom an earlier leader could not plan: it may have had older zone data."""
        if self._retried_term == self._leadership.term:
            return
        page = await parked.page(connection, after=self._retried_to, size=PAGE)
        await self._apply_people(
            connection, [feed_pb2.Change.FromString(body) for _, body in page], epoch=epoch
        )
        self._retried_to = page[-1][0] if page else ("", "")
        if len(page) < PAGE:
            self._retried_term, self._retried_to = self._leadership.term, ("", "")

    async def _newer(
        self, connection: AsyncConnection, changes: Sequence[feed_pb2.Change], *, epoch: str
    ) -> list[feed_pb2.Change]:
        stored = await recipients.versions(connection, [(c.tenant_id, c.user_id) for c in changes])
        fresh = []
        for change in changes:
            of, version = stored.get((change.tenant_id, change.user_id), ("", 0))
            if of != epoch or version < change.version:
                fresh.append(change)
        return fresh

    async def _replan(
        self,
        connection: AsyncConnection,
        people: Sequence[Recipient],
        *,
        rules: dict[str, Sequence[EventType]],
        defaults: dict[str, TenantDefaults],
    ) -> dict[Key, str]:
        """Write these people's plans; return who cannot be planned and why, which stops nobody else."""
        existing = await self._plans_of(connection, [(r.tenant_id, r.user_id) for r in people])
        planner = Planner(self._key, self._clock.now(), zones.version())
        changes = Changes()
        unplanned: dict[Key, str] = {}
        for person in people:
            key, own = (person.tenant_id, person.user_id), Changes()
            try:
                planner.plan_user(
                    person,
                    rules.get(person.tenant_id, ()),
                    defaults=defaults[person.tenant_id],
                    existing={p.plan_id: p for p in existing.get(key, ())},
                    changes=own,
                )
            except Exception as error:  # noqa: BLE001 - for example a zone of a newer tzdata than ours
                unplanned[key] = _unplannable(key, error)
                continue
            changes.upserts += own.upserts
            changes.deletes += own.deletes
        await write(connection, changes)
        return unplanned

    async def remove(self, connection: AsyncConnection, keys: Sequence[Key]) -> None:
        """Forget these people: nothing more is planned, and what delivery holds is to stop."""
        existing = await self._plans_of(connection, keys)
        changes = Changes()
        for plans_of_one in existing.values():
            for plan in plans_of_one:
                changes.retire(plan)
        await write(connection, changes)
        await recipients.delete(connection, keys)
        # The clocks of two replicas differ by a round trip; what was decided just before must be caught.
        decided_before = self._clock.now() + TimeDelta(seconds=CLOCK_MARGIN_SECONDS * self._clock.speed)
        await cancellations.insert(connection, keys, now=decided_before)
        self._stopped()

    async def _plans_of(self, connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, list[Plan]]:
        found: dict[Key, list[Plan]] = {}
        for plan in await plans.of_users(connection, [user_part(self._key, *key) for key in keys]):
            found.setdefault((plan.tenant_id, plan.user_id), []).append(plan)
        return found

    async def _note_idle(self, page: feed_pb2.PullChangesResponse, asked: Instant) -> None:
        """The feed is drained: whoever was not confirmed in this epoch is gone."""
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await feed.note(connection, backlog=page.backlog, oldest=None, pulled=asked.to_stdlib())
            state = await feed.get(connection)
            await self._retry(connection, epoch=state.epoch)
            if state.swept or state.epoch != page.epoch:
                return
            ghosts = await recipients.ghosts(connection, epoch=page.epoch, size=GHOSTS)
            if ghosts:
                await self.remove(connection, ghosts)
                log.info("recipients.swept", count=len(ghosts))
            else:
                await feed.mark_swept(connection, page.epoch)


def _readable(changes: Sequence[feed_pb2.Change]) -> tuple[list[Recipient], dict[Key, str]]:
    """Return the people of these changes, and why the others are not of the contract."""
    people: list[Recipient] = []
    unread: dict[Key, str] = {}
    for change in changes:
        try:
            people.append(recipient_of(change))
        except Exception as error:  # noqa: BLE001 - one wrong row must not stop the feed for everybody
            key = (change.tenant_id, change.user_id)
            unread[key] = _unplannable(key, error)
    return people, unread


def _unplannable(key: Key, error: Exception) -> str:
    UNPLANNABLE.inc()
    log.error("recipient.unplannable", tenant_id=key[0], user_id=key[1], error=type(error).__name__)
    return type(error).__name__


async def write(connection: AsyncConnection, changes: Changes) -> None:
    """Write what planning decided, in one statement each."""
    await plans.upsert(connection, changes.upserts)
    await plans.delete(connection, changes.deletes)
    PLANNED.inc(len(changes.upserts) + len(changes.deletes))


def _aware(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(tzinfo=UTC)
