"""Events that callers ask for: made by API calls and by re-issues, once per caller's id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Date, Instant

from chassis import zones
from chassis.errors import AlreadyExists, InvalidInput, NotFound, RedletterError
from chassis.transactions import LostRaceError
from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.ids import event_id, plan_id
from scheduler_service.domain.plan_records import Plan, Request
from scheduler_service.domain.recipients import Recipient, TenantDefaults, zone_of
from scheduler_service.domain.requests import new_request_plan
from scheduler_service.store import event_requests, event_types, plans, tenants
from scheduler_service.store.event_requests import Known
from scheduler_service.store.recipients import COLUMNS
from scheduler_service.store.rows import recipient_from

REQUESTED = Counter(
    "redletter_scheduler_events_requested_total",
    "Events that callers made or brought forward, by how: create, trigger, consume, reissue.",
    ["kind"],
)
LONGEST_AHEAD_DAYS: Final = 3660
"""How far ahead an event can be asked for: about ten years."""

# Primary key, in its order. Shared locks: a change of one of these people comes wholly before this
# transaction or wholly after it, and then finds the plans that were made here.
_PEOPLE = text(
    f"SELECT {COLUMNS} FROM recipients"  # noqa: S608 - column names of the store
    " WHERE tenant_id = :tenant_id AND user_id = ANY(CAST(:user_ids AS text[]))"
    " ORDER BY user_id FOR SHARE"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a caller asks for, checked by itself: at `due_time` (None or past: now), or on the local date `on`.

    The `create_time` of `request` becomes the moment at which it is made. `body_hash` tells a repeated call from another one under the same `instance`.
    """

    instance: str
    user_id: str
    event_type_id: str
    request: Request
    body_hash: bytes
    due_time: Instant | None = None
    on: Date | None = None
    occasion_id: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """The event of a draft; `created` is False when the same call had made it before."""

    event_id: str
    created: bool


@dataclass(frozen=True, slots=True)
class Tenant:
    """What making an event needs to know of a tenant, read in the same transaction."""

    key: bytes
    defaults: TenantDefaults | None
    rules: dict[str, EventType]
    people: dict[str, Recipient]

    def recipient(self, user_id: str) -> Recipient:
        """Return somebody; NotFound names who is not known."""
        found = self.people.get(user_id)
        if found is None:
            raise NotFound(f'there is no user "{user_id}"')
        return found

    def rule(self, event_type_id: str) -> EventType:
        """Return an event type; NotFound names one that does not exist or is deleted."""
        return _living(self.rules, event_type_id)


async def load(connection: AsyncConnection, key: bytes, tenant_id: str, *, user_ids: Sequence[str]) -> Tenant:
    """Read and hold what events for these people are made of."""
    wanted = {"tenant_id": tenant_id, "user_ids": sorted(set(user_ids))}
    people = [recipient_from(row) for row in await connection.execute(_PEOPLE, wanted)]
    # Rules first: a change of the defaults raises their versions, so that a mixture loses.
    rules = (await event_types.of_tenants(connection, [tenant_id])).get(tenant_id, ())
    return Tenant(
        key,
        (await tenants.load(connection, [tenant_id])).get(tenant_id),
        {rule.event_type_id: rule for rule in rules},
        {person.user_id: person for person in people},
    )


async def make(
    connection: AsyncConnection, key: bytes, tenant_id: str, drafts: Sequence[Draft], *, now: Instant
) -> list[Made | RedletterError]:
    """Make these events and answer each by itself, in order; to be run by `settled`.

    The same draft again is the same event; another one under its id is AlreadyExists. Refused are unknown
    people and event types (NotFound) and times that are over or too far ahead (InvalidInput).

    Raises:
        LostRaceError: somebody else has just taken one of the ids.
    """
    known = await event_requests.of(connection, tenant_id, [draft.instance for draft in drafts])
    wanted = [draft for draft in drafts if draft.instance not in known]
    tenant = await load(connection, key, tenant_id, user_ids=[draft.user_id for draft in wanted])
    answers: list[Made | RedletterError] = []
    fresh: dict[str, Known] = {}
    made: list[Plan] = []
    for draft in drafts:
        before = known.get(draft.instance) or fresh.get(draft.instance)
        if before is not None:
            answers.append(_repeated(draft.instance, draft.body_hash, before))
            continue
        try:
            plan = _planned(tenant, draft, now)
        except RedletterError as error:
            answers.append(error)
            continue
        one = Known(event_id(plan.plan_id, str(plan.cycle)), draft.body_hash)
        fresh[draft.instance] = one
        made.append(plan)
        answers.append(Made(one.event_id, created=True))
    if made:
        if await event_requests.insert(connection, tenant_id, fresh, now=now) < len(fresh):
            raise LostRaceError
        await plans.upsert(connection, made)
    return answers


async def answered(
    connection: AsyncConnection, tenant_id: str, instance: str, body_hash: bytes
) -> Made | None:
    """Return what the same call was answered before; None when `instance` is free.

    Raises:
        AlreadyExists: another call has taken it.
    """
    known = (await event_requests.of(connection, tenant_id, [instance])).get(instance)
    if known is None:
        return None
    answer = _repeated(instance, body_hash, known)
    if isinstance(answer, RedletterError):
        raise answer
    return answer


async def rule_of(connection: AsyncConnection, tenant_id: str, event_type_id: str) -> EventType:
    """Return an event type that is not deleted.

    Raises:
        NotFound: there is none.
    """
    found = await event_types.get(connection, tenant_id, event_type_id)
    return _living({} if found is None else {event_type_id: found.rule}, event_type_id)


def due_instant(due_time: Instant | None, now: Instant, *, field: str = "due_time") -> Instant:
    """Return when something asked for at `due_time` is due: not before now, in whole microseconds.

    Raises:
        InvalidInput: more than 3660 days ahead.
    """
    latest = now.add(hours=24 * LONGEST_AHEAD_DAYS)
    if due_time is not None and due_time > latest:
        raise InvalidInput.at(
            field,
            f"{due_time.round('second').format_iso()} is too far ahead",
            value=due_time.format_iso(),
            allowed=f"up to {LONGEST_AHEAD_DAYS} days from now, {latest.round('second').format_iso()}",
        )
    # The store keeps microseconds; rounded up, because nothing leaves early.
    return now if due_time is None or due_time <= now else due_time.round("microsecond", mode="ceil")


def _repeated(instance: str, body_hash: bytes, known: Known) -> Made | RedletterError:
    if known.body_hash == body_hash:
        return Made(known.event_id, created=False)
    return AlreadyExists(
        f'"{instance}" is taken by event {known.event_id}, which was asked for in other words;'
        " the same call again would have been answered with it"
    )


def _living(rules: Mapping[str, EventType], event_type_id: str) -> EventType:
    found = rules.get(event_type_id)
    if found is None:
        raise NotFound(f'there is no event type "{event_type_id}"')
    if found.state is EventTypeState.DELETED:
        raise NotFound(f'event type "{event_type_id}" is deleted')
    return found


def _planned(tenant: Tenant, draft: Draft, now: Instant) -> Plan:
    recipient, rule = tenant.recipient(draft.user_id), tenant.rule(draft.event_type_id)
    if tenant.defaults is None:
        raise NotFound(f'there is no user "{draft.user_id}"')
    plan = new_request_plan(
        recipient,
        event_type=rule,
        defaults=tenant.defaults,
        plan_id=plan_id(
            tenant.key,
            recipient.tenant_id,
            recipient.user_id,
            rule.event_type_id,
            draft.occasion_id,
            draft.instance,
        ),
        instance=draft.instance,
        request=replace(draft.request, create_time=now),
        tzdata_version=zones.version(),
        due_time=None if draft.on is not None else due_instant(draft.due_time, now),
        on=draft.on,
        occasion_id=draft.occasion_id,
    )
    if draft.on is not None:
        _check_local(plan, zone=zone_of(recipient, tenant.defaults), now=now)
    return plan


def _check_local(plan: Plan, *, zone: str, now: Instant) -> None:
    """Refuse a local time that is over or too far ahead, in the sentence's zone."""
    assert plan.nominal_due_time is not None
    assert plan.deliver_by is not None
    due_instant(plan.nominal_due_time, now, field="local_time")
    if plan.deliver_by <= now:
        local = plan.nominal_due_time.to_tz(zone).to_plain()
        raise InvalidInput.at(
            "local_time",
            f"{local.format_iso()} is over in {zone}, and so is the time to deliver it",
            value=local.format_iso(),
            allowed="a local time whose message can still be delivered",
        )
