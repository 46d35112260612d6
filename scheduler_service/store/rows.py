"""Between rows and the domain: recipients, occasions, plans and event types."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping
from whenever import Date, Instant, Time

from scheduler_service.domain.event_types import EventType, EventTypeState, Priority, Template
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient

PLAN = {
    "plan_id": "bytea",
    "tenant_id": "text",
    "user_id": "text",
    "event_type_id": "text",
    "occasion_id": "text",
    "instance": "text",
    "shard": "smallint",
    "version": "int",
    "cycle": "text",
    "last_cycle": "text",
    "last_date": "date",
    "occurrence_date": "date",
    "nominal_due_time": "timestamptz",
    "due_time": "timestamptz",
    "deliver_by": "timestamptz",
    "enrol_time": "timestamptz",
    "recipient_version": "bigint",
    "event_type_version": "int",
    "tzdata_version": "text",
    "shifts": "text",
    "moved": "boolean",
}
"""The columns of `plans` and their types, in the order of `plan_from` and `plan_row`."""
PLAN_COLUMNS = ", ".join(PLAN)


def plan_from(row: Sequence[Any]) -> Plan:
    """Return the plan of a row read as PLAN_COLUMNS."""
    return Plan(
        plan_id=row[0],
        tenant_id=row[1],
        user_id=row[2],
        event_type_id=row[3],
        occasion_id=row[4],
        instance=row[5],
        shard=row[6],
        version=row[7],
        cycle=row[8],
        last_cycle=row[9],
        last_date=row[10] and Date(row[10]),
        occurrence_date=row[11] and Date(row[11]),
        nominal_due_time=row[12] and Instant(row[12]),
        due_time=row[13] and Instant(row[13]),
        deliver_by=row[14] and Instant(row[14]),
        enrol_time=Instant(row[15]),
        recipient_version=row[16],
        event_type_version=row[17],
        tzdata_version=row[18],
        shifts=tuple(Shift(name) for name in row[19].split(",") if name),
        moved=row[20],
    )


def plan_row(plan: Plan) -> tuple[Any, ...]:
    """Return a plan as the values of PLAN_COLUMNS."""
    return (
        plan.plan_id,
        plan.tenant_id,
        plan.user_id,
        plan.event_type_id,
        plan.occasion_id,
        plan.instance,
        plan.shard,
        plan.version,
        plan.cycle,
        plan.last_cycle,
        plan.last_date and plan.last_date.to_stdlib(),
        plan.occurrence_date and plan.occurrence_date.to_stdlib(),
        time_or_none(plan.nominal_due_time),
        time_or_none(plan.due_time),
        time_or_none(plan.deliver_by),
        plan.enrol_time.to_stdlib(),
        plan.recipient_version,
        plan.event_type_version,
        plan.tzdata_version,
        ",".join(plan.shifts),
        plan.moved,
    )


def time_or_none(instant: Instant | None) -> datetime | None:
    """Return what the driver takes for an instant that may be missing."""
    return None if instant is None else instant.to_stdlib()


def recipient_from(row: Sequence[Any]) -> Recipient:
    """Return a recipient of (tenant_id, user_id, version, time_zone, locale, names, occasions, attributes)."""
    return Recipient(  # the types of a row are those of its columns
        *(row[0], row[1], row[2], row[3], row[4], row[5], row[6]),
        occasions=tuple(_occasion_from(entry) for entry in _json(row[7])),
        attributes=_json(row[8]),
    )


def occasions_json(occasions: Sequence[Occasion]) -> str:
    """Return the jsonb form of a person's occasions."""
    return orjson.dumps(
        [
            {
                "id": o.occasion_id,
                "kind": o.kind,
                "month": o.month,
                "day": o.day,
                "year": o.year,
                "leap_day_rule": o.leap_day_rule,
                "enrol_time": o.enrol_time.format_iso(),
                "on_enrol": o.on_enrol,
            }
            for o in occasions
        ]
    ).decode()


def event_type_from(row: RowMapping) -> EventType:
    """Return the event type of a row of event_types."""
    return EventType(
        tenant_id=row["tenant_id"],
        event_type_id=row["event_type_id"],
        version=row["version"],
        timing_version=row["timing_version"],
        state=EventTypeState(row["state"]),
        occasion_kind=row["occasion_kind"],
        local_time=Time(row["local_time"]),
        day_offset=row["day_offset"],
        deliver_within=row["deliver_within"],
        enrol_time=Instant(row["enrol_time"]),
        priority=Priority(row["priority"]),
        templates=tuple(Template(**template) for template in _json(row["templates"])),
        attributes=tuple(_json(row["attributes"])),
    )


def _occasion_from(entry: Mapping[str, Any]) -> Occasion:
    leap = entry["leap_day_rule"]
    return Occasion(
        entry["id"],
        entry["kind"],
        entry["month"],
        entry["day"],
        entry["year"],
        None if leap is None else LeapDayRule(leap),
        Instant(entry["enrol_time"]),
        OnEnrol(entry["on_enrol"]),
    )


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
