"""Between rows and the domain: event types."""

from typing import Any

import orjson
from sqlalchemy import RowMapping
from whenever import Instant, Time

from scheduler_service.domain.event_types import (
    EventType,
    EventTypeState,
    FoldPolicy,
    GapPolicy,
    LatePolicy,
    Priority,
    Recurrence,
    SkippedDatePolicy,
    Template,
    WeekendShift,
)
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.store.rows import json_of

_WORDS = ("locale", "title", "body", "belated_title", "belated_body")


def event_type_from(row: RowMapping) -> EventType:
    """Return the event type of a row of event_types."""
    on_enrol = row["on_enrol"]
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
        templates=tuple(Template(**template) for template in json_of(row["templates"])),
        attributes=tuple(json_of(row["attributes"])),
        recurrence=Recurrence(row["recurrence"]),
        rrule=row["rrule"],
        gap=GapPolicy(row["gap"]),
        fold=FoldPolicy(row["fold"]),
        skipped_date=SkippedDatePolicy(row["skipped_date"]),
        late=LatePolicy(row["late"]),
        on_enrol=None if on_enrol is None else OnEnrol(on_enrol),
        weekend_shift=WeekendShift(row["weekend_shift"]),
        min_gap=row["min_gap"],
        spread=row["spread"],
    )


def event_type_row(rule: EventType) -> dict[str, Any]:
    """Return the columns of event_types that say what the rule is."""
    templates = [{name: getattr(template, name) for name in _WORDS} for template in rule.templates]
    return {
        "tenant_id": rule.tenant_id,
        "event_type_id": rule.event_type_id,
        "version": rule.version,
        "timing_version": rule.timing_version,
        "state": str(rule.state),
        "occasion_kind": rule.occasion_kind,
        "local_time": rule.local_time.to_stdlib(),
        "day_offset": rule.day_offset,
        "deliver_within": rule.deliver_within,
        "enrol_time": rule.enrol_time.to_stdlib(),
        "priority": int(rule.priority),
        "templates": orjson.dumps(templates).decode(),
        "attributes": orjson.dumps(rule.attributes).decode(),
        "recurrence": str(rule.recurrence),
        "rrule": rule.rrule,
        "gap": str(rule.gap),
        "fold": str(rule.fold),
        "skipped_date": str(rule.skipped_date),
        "late": str(rule.late),
        "on_enrol": None if rule.on_enrol is None else str(rule.on_enrol),
        "weekend_shift": str(rule.weekend_shift),
        "min_gap": rule.min_gap,
        "spread": rule.spread,
    }
