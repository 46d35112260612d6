"""People of the feed: their copies, their plans, and what stops when they go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog
from prometheus_client import Counter
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant, TimeDelta

from chassis import zones
from chassis.clocks import BusinessClock
from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import (
    cancellations,
    care_switches,
    event_types,
    parked,
    plan_edits,
    plans,
    recipients,
    tenants,
    underway,
)
from scheduler_service.store.recipients import Known
from scheduler_service.workers.changes import recipient_of, switches_of
from scheduler_service.workers.planned_people import Key, plan_each, plans_of, unplannable, write

log = structlog.get_logger()

APPLIED = Counter(
    "redletter_scheduler_changes_applied_total", "Changes of the feed that were applied.", ["kind"]
)
CLOCK_MARGIN_SECONDS = 0.1
PAGE = 500


class People:
    """Applies changes of people within the caller's transaction; `stopped` is told that an outbox has work."""

    def __init__(self, clock: BusinessClock, *, key: bytes, stopped: Callable[[], None]) -> None:
        self._clock = clock
        self._key = key
        self._stopped = stopped
        self._retried_term: int | None = None
        self._retried_to: Key = ("", "")

    async def apply(
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
        stored = await recipients.known(connection, [(c.tenant_id, c.user_id) for c in known])
        fresh = _newer(known, stored, epoch=epoch)
        living, unread = _readable([c for c in fresh if c.WhichOneof("change") == "recipient"])
        living = await self._with_care(connection, fresh, living)
        gone = [(c.tenant_id, c.user_id) for c in fresh if c.WhichOneof("change") == "user_tombstone"]
        unplanned = await self._replan(connection, living, rules=rules, defaults=defaults)
        await self._keep_wishes(connection, living, stored, unread=unread, unplanned=unplanned)
        living = [r for r in living if (r.tenant_id, r.user_id) not in unplanned]
        if living:
            await recipients.upsert(connection, living, epoch=epoch)
            await self._stop_unwanted(connection, living, stored)
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

    async def retry(self, connection: AsyncConnection, *, epoch: str, term: int | None) -> None:
        """Try once more, page by page, whom an earlier leader could not plan: it may have had older zone data."""
        if self._retried_term == term:
            return
        page = await parked.page(connection, after=self._retried_to, size=PAGE)
        await self.apply(connection, [feed_pb2.Change.FromString(body) for _, body in page], epoch=epoch)
        self._retried_to = page[-1][0] if page else ("", "")
        if len(page) < PAGE:
            self._retried_term, self._retried_to = term, ("", "")

    async def _with_care(
        self, connection: AsyncConnection, fresh: Sequence[feed_pb2.Change], living: Sequence[Recipient]
    ) -> list[Recipient]:
        """Remember the care switches of these changes; return the people with those that are set."""
        await care_switches.upsert(
            connection, self._key, [switch for change in fresh for switch in switches_of(change)]
        )
        named = {(r.tenant_id, r.user_id): [o.occasion_id for o in r.occasions] for r in living}
        silenced = await care_switches.silenced(connection, self._key, named)
        return [
            replace(r, care_switches=silenced[key]) if (key := (r.tenant_id, r.user_id)) in silenced else r
            for r in living
        ]

    async def _keep_wishes(
        self,
        connection: AsyncConnection,
        living: Sequence[Recipient],
        stored: Mapping[Key, Known],
        *,
        unread: Mapping[Key, str],
        unplanned: Mapping[Key, str],
    ) -> None:
        """Obey what people want although they cannot be planned: "never again" and "not this" hold at once.

        Zone and dates stay what they were; their open plans get another version, so that whoever has
        one in hand loses.
        """
        kept = [
            r for r in living if (r.tenant_id, r.user_id) in unplanned and (r.tenant_id, r.user_id) in stored
        ]
        for tenant_id, user_id in unread.keys() & stored.keys():
            person = await recipients.get(connection, tenant_id, user_id)
            if person is not None:
                names = {(tenant_id, user_id): [o.occasion_id for o in person.occasions]}
                silenced = await care_switches.silenced(connection, self._key, names)
                wishes = silenced.get((tenant_id, user_id), frozenset())
                kept.append(replace(person, care_switches=wishes))
        if kept:
            await recipients.keep_wishes(connection, kept)
            existing = await plans_of(connection, self._key, [(r.tenant_id, r.user_id) for r in kept])
            await plans.touch(connection, [name for own in existing.values() for name in own])
            await self._stop_unwanted(connection, kept, stored)

    async def _stop_unwanted(
        self, connection: AsyncConnection, living: Sequence[Recipient], stored: Mapping[Key, Known]
    ) -> None:
        """Stop what is under way for those who have opted out or have been silenced by this change."""
        silenced: list[Key] = []
        events: list[tuple[str, str, str]] = []
        for person in living:
            key = (person.tenant_id, person.user_id)
            before = stored.get(key)
            types = person.preferences.opted_out - (before.opted_out if before else frozenset())
            occasions = person.care_switches - (before.care_switches if before else frozenset())
            if "" in occasions:
                silenced.append(key)
            elif types or occasions:
                events += await underway.of_user(
                    connection, key, event_type_ids=types, occasion_ids=occasions, now=self._clock.now()
                )
        if silenced:
            await cancellations.insert(connection, silenced, now=self._decided_before(), reason="care_switch")
        if events:
            await cancellations.insert_events(
                connection, events, now=self._decided_before(), reason="opted_out"
            )
        if silenced or events:
            self._stopped()

    async def _replan(
        self,
        connection: AsyncConnection,
        people: Sequence[Recipient],
        *,
        rules: dict[str, Sequence[EventType]],
        defaults: dict[str, TenantDefaults],
    ) -> dict[Key, str]:
        """Write these people's plans; return who cannot be planned and why, which stops nobody else."""
        existing = await plans_of(connection, self._key, [(r.tenant_id, r.user_id) for r in people])
        planner = Planner(self._key, self._clock.now(), zones.version())
        changes, unplanned = plan_each(planner, people, rules=rules, defaults=defaults, existing=existing)
        await write(connection, changes)
        return unplanned

    async def remove(self, connection: AsyncConnection, keys: Sequence[Key]) -> None:
        """Forget these people: nothing more is planned, and what delivery holds is to stop."""
        existing = await plans_of(connection, self._key, keys)
        if await self._end_requests(connection, [plan for own in existing.values() for plan in own.values()]):
            existing = await plans_of(connection, self._key, keys)
        changes = Changes()
        for own in existing.values():
            for plan in own.values():
                changes.forget(plan)
        await write(connection, changes)
        await recipients.delete(connection, keys)
        await cancellations.insert(connection, keys, now=self._decided_before(), reason="user_deleted")
        self._stopped()

    async def _end_requests(self, connection: AsyncConnection, held: Sequence[Plan]) -> bool:
        """End what callers had asked for, for people who go: it is in the books, so it needs an end."""
        by_tenant: dict[str, list[Plan]] = {}
        for plan in held:
            if plan.request is not None and plan.cycle is not None:
                by_tenant.setdefault(plan.tenant_id, []).append(plan)
        for tenant_id, requested in by_tenant.items():
            around = await plan_edits.surroundings(connection, tenant_id, requested)
            await plan_edits.end(
                connection,
                requested,
                around,
                state="CANCELLED",
                reason=Reason.USER_DELETED,
                now=self._clock.now(),
            )
        return bool(by_tenant)

    def _decided_before(self) -> Instant:
        """The clocks of two replicas differ by a round trip; what was decided just before must be caught."""
        return self._clock.now() + TimeDelta(seconds=CLOCK_MARGIN_SECONDS * self._clock.speed)


def _newer(
    changes: Sequence[feed_pb2.Change], stored: Mapping[Key, Known], *, epoch: str
) -> list[feed_pb2.Change]:
    """Return the changes that are not applied yet: those of another epoch, or of a newer version."""
    fresh = []
    for change in changes:
        known = stored.get((change.tenant_id, change.user_id))
        if known is None or known.epoch != epoch or known.version < change.version:
            fresh.append(change)
    return fresh


def _readable(changes: Sequence[feed_pb2.Change]) -> tuple[list[Recipient], dict[Key, str]]:
    """Return the people of these changes, and why the others are not of the contract."""
    people: list[Recipient] = []
    unread: dict[Key, str] = {}
    for change in changes:
        try:
            people.append(recipient_of(change))
        except Exception as error:  # noqa: BLE001 - one wrong row must not stop the feed for everybody
            key = (change.tenant_id, change.user_id)
            unread[key] = unplannable(key, error)
    return people, unread
