"""Open plans changed by hand: one or a few are locked by their ids, looked at, and moved or ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis import zones
from chassis.errors import NotFound
from chassis.transactions import LostRaceError
from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id
from scheduler_service.domain.moments import utc_offset_seconds
from scheduler_service.domain.overrides import ended, rescheduled
from scheduler_service.domain.plan_records import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults, zone_of
from scheduler_service.store import decisions, event_types, plans, recipients, tenants
from scheduler_service.store.decisions import Decided
from scheduler_service.store.rows import PLAN_COLUMNS, plan_from

# Primary key, in its order: everybody who locks more than one plan does.
_LOCK = text(
    f"SELECT {PLAN_COLUMNS} FROM plans"  # noqa: S608 - column names of the store
    " WHERE plan_id = ANY(CAST(:plan_ids AS bytea[])) AND tenant_id = :tenant_id"
    " ORDER BY plan_id FOR UPDATE"
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the plans of one tenant hang on, read after they were locked."""

    defaults: TenantDefaults
    rules: Mapping[str, EventType]
    people: Mapping[str, Recipient]


async def lock(connection: AsyncConnection, tenant_id: str, plan_ids: Sequence[bytes]) -> dict[bytes, Plan]:
    """Return those of these plans that exist, held until the transaction ends.

    Waits for whoever is deciding or changing them; what is read afterwards is what they left.
    """
    rows = await connection.execute(_LOCK, {"plan_ids": list(plan_ids), "tenant_id": tenant_id})
    return {plan.plan_id: plan for plan in map(plan_from, rows)}


async def surroundings(connection: AsyncConnection, tenant_id: str, held: Sequence[Plan]) -> Surroundings:
    """Return what these plans hang on.

    Raises:
        NotFound: the tenant is not known (its plans neither).
    """
    # Rules first: a change of the defaults raises their versions, so that a mixture loses.
    rules = (await event_types.of_tenants(connection, [tenant_id])).get(tenant_id, ())
    defaults = (await tenants.load(connection, [tenant_id])).get(tenant_id)
    if defaults is None:
        raise NotFound("nothing is known of this tenant yet")
    people = await recipients.of(connection, tenant_id, sorted({plan.user_id for plan in held}))
    return Surroundings(defaults, {rule.event_type_id: rule for rule in rules}, people)


async def end(
    connection: AsyncConnection,
    held: Sequence[Plan],
    around: Surroundings,
    *,
    state: str,
    reason: Reason,
    now: Instant,
) -> None:
    """End the open cycle of plans that are held; their next cycles open, under a higher version.

    The statement that decides does it, but also while deciding is paused or held: a person's word counts.
    Whoever has one of them in mind, to decide it, loses against the higher version.

    Raises:
        LostRaceError: an event type has changed meanwhile.
    """
    batch = [_ended(plan, around, state=state, reason=reason) for plan in held]
    names = [event_id(plan.plan_id, str(plan.cycle)) for plan in held]
    if len(await decisions.commit(connection, batch, names, now=now, by_hand=True)) < len(batch):
        raise LostRaceError


async def move(
    connection: AsyncConnection, plan: Plan, around: Surroundings, *, due_time: Instant, now: Instant
) -> Plan:
    """Let the open cycle of a held plan be due at `due_time`; return the plan as it is stored now.

    Raises:
        IllegalTransition: the person or the rule has changed so that the cycle is over.
        NotFound: the person is gone.
    """
    person = around.people.get(plan.user_id)
    if person is None:
        raise NotFound(f'there is no user "{plan.user_id}"')
    moved = rescheduled(
        plan,
        due_time,
        recipient=person,
        event_type=around.rules[plan.event_type_id],
        defaults=around.defaults,
        now=now,
        tzdata_version=zones.version(),
    )
    if moved is not plan:
        await plans.upsert(connection, [moved])
    return moved


def _ended(plan: Plan, around: Surroundings, *, state: str, reason: Reason) -> Decided:
    rule, person = around.rules[plan.event_type_id], around.people.get(plan.user_id)
    zone = plan.time_zone or (
        around.defaults.time_zone if person is None else zone_of(person, around.defaults)
    )
    assert plan.due_time is not None
    return Decided(
        plan=plan,
        next_plan=ended(
            plan, person, event_type=rule, defaults=around.defaults, tzdata_version=zones.version()
        ),
        version=plan.version,
        event_type=rule,
        state=state,
        reason=str(reason),
        late=False,
        time_zone=zone,
        utc_offset_seconds=utc_offset_seconds(plan.due_time, zone),
    )
