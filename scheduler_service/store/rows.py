"""Between rows and the domain: recipients, occasions and plans."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from whenever import Date, Instant, Time

from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan, Request
from scheduler_service.domain.recipients import (
    NO_PREFERENCES,
    Preferences,
    QuietHours,
    Recipient,
    ZoneMode,
)

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
    "time_zone": "text",
    "due_override": "timestamptz",
    "request": "jsonb",
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
        time_zone=row[21],
        due_override=row[22] and Instant(row[22]),
        request=None if row[23] is None else request_from(row[23]),
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
        plan.time_zone,
        time_or_none(plan.due_override),
        None if plan.request is None else request_json(plan.request),
    )


def time_or_none(instant: Instant | None) -> datetime | None:
    """Return what the driver takes for an instant that may be missing."""
    return None if instant is None else instant.to_stdlib()


def request_json(request: Request) -> str:
    """Return the jsonb form of what a caller asked for; what is not said is left out."""
    within = request.deliver_within
    entry = {
        "create_time": request.create_time.format_iso(),
        "metadata": dict(request.metadata),
        "priority": None if request.priority is None else int(request.priority),
        "local_time": None if request.local_time is None else request.local_time.format_iso(),
        "deliver_within_seconds": None if within is None else within.total_seconds(),
        "cycle": request.cycle,
        "reissue_of": request.reissue_of,
        "reason": request.reason,
        "endpoint_id": request.endpoint_id,
    }
    return orjson.dumps(
        {name: value for name, value in entry.items() if value not in (None, "", {})}
    ).decode()


def request_from(column: Any) -> Request:
    """Return what a caller asked for, of column `request`."""
    entry = json_of(column)
    priority, at, within = (entry.get(n) for n in ("priority", "local_time", "deliver_within_seconds"))
    return Request(
        create_time=Instant.parse_iso(entry["create_time"]),
        metadata=entry.get("metadata", {}),
        priority=None if priority is None else Priority(priority),
        local_time=None if at is None else Time.parse_iso(at),
        deliver_within=None if within is None else timedelta(seconds=within),
        cycle=entry.get("cycle", ""),
        reissue_of=entry.get("reissue_of", ""),
        reason=entry.get("reason", ""),
        endpoint_id=entry.get("endpoint_id", ""),
    )


def recipient_from(row: Sequence[Any]) -> Recipient:
    """Return the recipient of (tenant_id, user_id, version, time_zone, locale, names, occasions, attributes,
    preferences, care_switches)."""
    return Recipient(  # the types of a row are those of its columns
        *(row[0], row[1], row[2], row[3], row[4], row[5], row[6]),
        occasions=tuple(_occasion_from(entry) for entry in json_of(row[7])),
        attributes=json_of(row[8]),
        preferences=_preferences_from(json_of(row[9])),
        care_switches=frozenset(json_of(row[10])),
    )


def preferences_json(preferences: Preferences) -> str:
    """Return the jsonb form of a person's preferences; `{}` for somebody who has none."""
    if preferences == NO_PREFERENCES:
        return "{}"
    quiet = preferences.quiet_hours
    return orjson.dumps(
        {
            "opted_out": sorted(preferences.opted_out),
            "local_times": {name: at.format_iso() for name, at in preferences.local_times.items()},
            "quiet_hours": None if quiet is None else [quiet.start.format_iso(), quiet.end.format_iso()],
            "zone_mode": preferences.zone_mode,
            "current_time_zone": preferences.current_time_zone,
            "inbox_only": sorted(preferences.inbox_only),
        }
    ).decode()


def _preferences_from(entry: Mapping[str, Any]) -> Preferences:
    if not entry:
        return NO_PREFERENCES
    quiet = entry["quiet_hours"]
    return Preferences(
        opted_out=frozenset(entry["opted_out"]),
        local_times={name: Time.parse_iso(at) for name, at in entry["local_times"].items()},
        quiet_hours=None if quiet is None else QuietHours(*map(Time.parse_iso, quiet)),
        zone_mode=ZoneMode(entry["zone_mode"]),
        current_time_zone=entry["current_time_zone"],
        inbox_only=frozenset(entry.get("inbox_only", ())),
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


def json_of(value: Any) -> Any:
    """Return the value of a json column, which the driver gives as text or as read."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
