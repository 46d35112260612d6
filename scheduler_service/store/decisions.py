"""The one transaction that turns due plans into events; the compare-and-set behind "once"."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned
from scheduler_service.domain.event_types import EventType, Priority
from scheduler_service.domain.plans import Plan
from scheduler_service.store.controls import OBEYED
from scheduler_service.store.rows import PLAN, plan_row

SENT, SUPPRESSED, EXPIRED, FAILED = "SENT", "SUPPRESSED", "EXPIRED", "FAILED"

# What the event freezes of its decision, and (n_...) what the plan becomes: its next cycle.
_EVENT = {
    "plan_id": "bytea",
    "version": "int",
    "rule_version": "int",
    "event_id": "text",
    "tenant_id": "text",
    "user_id": "text",
    "event_type_id": "text",
    "occasion_id": "text",
    "instance": "text",
    "cycle": "text",
    "occurrence_date": "date",
    "state": "text",
    "reason": "text",
    "nominal_due_time": "timestamptz",
    "due_time": "timestamptz",
    "deliver_by": "timestamptz",
    "late": "boolean",
    "priority": "smallint",
    "recipient_version": "bigint",
    "tzdata_version": "text",
    "time_zone": "text",
    "utc_offset_seconds": "int",
    "shifts": "text",
    "request": "jsonb",
}
_NEXT = {
    "cycle": "text",
    "last_cycle": "text",
    "last_date": "date",
    "occurrence_date": "date",
    "nominal_due_time": "timestamptz",
    "due_time": "timestamptz",
    "deliver_by": "timestamptz",
    "enrol_time": "timestamptz",
    "event_type_version": "int",
    "tzdata_version": "text",
    "shifts": "text",
    "moved": "boolean",
    "time_zone": "text",
}
_COLUMNS = {**_EVENT, **{f"n_{name}": kind for name, kind in _NEXT.items()}}
_PLAN = tuple(PLAN)
_NEXT_AT = [_PLAN.index(name) for name in _NEXT]

# Primary keys of plans, event_types and events. SKIP LOCKED: what somebody else is deciding or
# changing right now is theirs; if it stays due it is read again. A plan whose version or rule has
# changed since it was read is not in `winner`, nor is one that is held back, so nothing of it moves.
# The version alone does not tell: a plan that was forgotten and made again begins at 1 once more, but
# for a later version of its person.
_DECIDE = text(
    f"""
    WITH input AS MATERIALIZED (SELECT * FROM {source(_COLUMNS)}),
    winner AS MATERIALIZED (
        SELECT p.plan_id FROM plans p
        JOIN input i ON i.plan_id = p.plan_id AND i.version = p.version
            AND i.recipient_version = p.recipient_version
        JOIN event_types e ON e.tenant_id = i.tenant_id AND e.event_type_id = i.event_type_id
            AND e.version = i.rule_version
        CROSS JOIN controls c
        WHERE :by_hand OR ({OBEYED})
        ORDER BY p.plan_id
        FOR UPDATE OF p SKIP LOCKED
    ),
    recorded AS (
        INSERT INTO events (event_id, tenant_id, user_id, event_type_id, occasion_id, instance, cycle,
            occurrence_date, state, reason, nominal_due_time, due_time, deliver_by, decide_time, late,
            priority, event_type_version, recipient_version, tzdata_version, time_zone,
            utc_offset_seconds, shifts, request)
        SELECT i.event_id, i.tenant_id, i.user_id, i.event_type_id, i.occasion_id, i.instance, i.cycle,
            i.occurrence_date, i.state, i.reason, i.nominal_due_time, i.due_time, i.deliver_by,
            :decide_time, i.late, i.priority, i.rule_version, i.recipient_version, i.tzdata_version,
            i.time_zone, i.utc_offset_seconds, i.shifts, i.request
        FROM input i JOIN winner USING (plan_id)
        ORDER BY i.event_id
        ON CONFLICT (event_id) DO NOTHING
        RETURNING event_id
    ),
    moved_on AS (
        UPDATE plans p SET version = p.version + 1, due_override = NULL, request = NULL,
            {", ".join(f"{name} = i.n_{name}" for name in _NEXT)}
        FROM input i JOIN winner USING (plan_id)
        WHERE p.plan_id = i.plan_id
    )
    SELECT event_id FROM recorded
    """  # noqa: S608 - column names of this module
)
# Primary key: what turned out to be due later waits there, under the version it was read with. Guard
# mode must find what it holds.
_DEFER = text(
    f"""
    WITH i AS MATERIALIZED (SELECT * FROM {source(PLAN)}),
    waiting AS MATERIALIZED (
        SELECT p.plan_id FROM plans p JOIN i USING (plan_id) CROSS JOIN controls c
        WHERE p.version = i.version AND p.recipient_version = i.recipient_version
            AND (c.guard_since IS NULL OR p.due_time < c.guard_since OR p.due_time >= c.guard_until)
        ORDER BY p.plan_id
        FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE plans p SET version = p.version + 1,
        {", ".join(f"{name} = i.{name}" for name in _PLAN if name in _NEXT)}
    FROM i JOIN waiting USING (plan_id)
    WHERE p.plan_id = i.plan_id
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Decided:
    """One row of a decide batch: the plan as decided, how it ends, and the plan of its next cycle.

    `version` is the plan's as it was read: the one that must still be stored.
    """

    plan: Plan
    next_plan: Plan
    version: int
    event_type: EventType
    state: str
    reason: str
    late: bool
    time_zone: str
    utc_offset_seconds: int

    @property
    def priority(self) -> Priority:
        """What its caller asked for, else the event type's."""
        asked_for = None if self.plan.request is None else self.plan.request.priority
        return asked_for or self.event_type.priority


async def commit(
    connection: AsyncConnection,
    batch: Sequence[Decided],
    event_ids: Sequence[str],
    *,
    now: Instant,
    by_hand: bool = True,
) -> set[str]:
    """Write events and move plans on; return the ids of the events that came to be in this call.

    Whatever changed since a plan was read (its version, its person's, its event type's) keeps it out. So do,
    unless somebody ends it `by_hand`, a pause, guard mode and a PostgreSQL that is not recognised: whoever
    obeys them has called `controls.share` in this transaction.
    """
    rows = [_row(decided, name) for decided, name in zip(batch, event_ids, strict=True)]
    bound = {**turned(_COLUMNS, rows), "decide_time": now.to_stdlib(), "by_hand": by_hand}
    return {row[0] for row in await connection.execute(_DECIDE, bound)}


async def defer(connection: AsyncConnection, plans: Sequence[Plan], versions: Sequence[int]) -> None:
    """Let plans wait for their recomputed due time, unless they changed meanwhile."""
    at = _PLAN.index("version")
    rows = []
    for plan, version in zip(plans, versions, strict=True):
        values = list(plan_row(plan))
        values[at] = version
        rows.append(values)
    await connection.execute(_DEFER, turned(PLAN, rows))


def _row(decided: Decided, name: str) -> tuple[object, ...]:
    plan, event_type = decided.plan, decided.event_type
    values = plan_row(plan)
    following = plan_row(decided.next_plan)
    return (
        plan.plan_id,
        decided.version,
        event_type.version,
        name,
        *values[1:6],
        values[8],
        values[11],
        decided.state,
        decided.reason,
        *values[12:15],
        decided.late,
        int(decided.priority),
        values[16],
        values[18],
        decided.time_zone,
        decided.utc_offset_seconds,
        values[19],
        values[23],
        *(following[index] for index in _NEXT_AT),
    )
