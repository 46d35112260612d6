"""From the wire to event types: what protovalidate cannot say is checked here, field by field."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from redletter.common.v1 import on_enrol_pb2
from redletter.scheduler.v1 import event_type_pb2 as pb
from whenever import Instant, Time

from chassis.errors import InvalidInput
from chassis.wire import span
from chassis.words import checked_text
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
    check_timing,
)
from scheduler_service.domain.occasions import OnEnrol

STATES: Final = {
    pb.EventType.STATE_ACTIVE: EventTypeState.ACTIVE,
    pb.EventType.STATE_PAUSED: EventTypeState.PAUSED,
    pb.EventType.STATE_DELETED: EventTypeState.DELETED,
}
RECURRENCES: Final = {
    pb.RECURRENCE_YEARLY: Recurrence.YEARLY,
    pb.RECURRENCE_MONTHLY: Recurrence.MONTHLY,
    pb.RECURRENCE_ONCE: Recurrence.ONCE,
    pb.RECURRENCE_RRULE: Recurrence.RRULE,
    pb.RECURRENCE_NONE: Recurrence.NONE,
}
GAPS: Final = {
    pb.GAP_POLICY_FORWARD: GapPolicy.FORWARD,
    pb.GAP_POLICY_END: GapPolicy.END,
    pb.GAP_POLICY_BACKWARD: GapPolicy.BACKWARD,
}
FOLDS: Final = {pb.FOLD_POLICY_FIRST: FoldPolicy.FIRST, pb.FOLD_POLICY_SECOND: FoldPolicy.SECOND}
SKIPPED_DATES: Final = {
    pb.SKIPPED_DATE_POLICY_NEXT: SkippedDatePolicy.NEXT,
    pb.SKIPPED_DATE_POLICY_PREVIOUS: SkippedDatePolicy.PREVIOUS,
}
LATES: Final = {pb.LATE_POLICY_SEND: LatePolicy.SEND, pb.LATE_POLICY_EXPIRE: LatePolicy.EXPIRE}
ENROLS: Final = {
    on_enrol_pb2.ON_ENROL_NEXT: OnEnrol.NEXT,
    on_enrol_pb2.ON_ENROL_SAME_DAY: OnEnrol.SAME_DAY,
}
WEEKEND_SHIFTS: Final = {
    pb.WEEKEND_SHIFT_NONE: WeekendShift.NONE,
    pb.WEEKEND_SHIFT_BEFORE: WeekendShift.BEFORE,
    pb.WEEKEND_SHIFT_AFTER: WeekendShift.AFTER,
}


def _span_of(wire: pb.EventType, name: str) -> timedelta | None:
    return span(getattr(wire, name)) if wire.HasField(name) else None


def _local_time(wire: pb.EventType) -> Time:
    at = wire.local_time
    return Time(at.hours, at.minutes, at.seconds)


# Path of the mask: (attribute of the rule, how it is read).
_FIELDS: Final[Mapping[str, tuple[str, Callable[[pb.EventType], Any]]]] = {
    "state": ("state", lambda wire: STATES.get(wire.state, EventTypeState.ACTIVE)),
    "local_time": ("local_time", _local_time),
    "day_offset": ("day_offset", lambda wire: wire.day_offset),
    "deliver_within": ("deliver_within", lambda wire: _span_of(wire, "deliver_within")),
    "priority": (
        "priority",
        lambda wire: Priority(wire.priority) if wire.priority else Priority.NORMAL,
    ),
    "templates": ("templates", lambda wire: templates_of(wire.templates)),
    "attributes": ("attributes", lambda wire: tuple(wire.attributes)),
    "rrule": ("rrule", lambda wire: wire.rrule),
    "gap_policy": ("gap", lambda wire: GAPS.get(wire.gap_policy, GapPolicy.FORWARD)),
    "fold_policy": ("fold", lambda wire: FOLDS.get(wire.fold_policy, FoldPolicy.FIRST)),
    "skipped_date_policy": (
        "skipped_date",
        lambda wire: SKIPPED_DATES.get(wire.skipped_date_policy, SkippedDatePolicy.NEXT),
    ),
    "late_policy": ("late", lambda wire: LATES.get(wire.late_policy, LatePolicy.SEND)),
    "on_enrol": ("on_enrol", lambda wire: ENROLS.get(wire.on_enrol)),
    "weekend_shift": (
        "weekend_shift",
        lambda wire: WEEKEND_SHIFTS.get(wire.weekend_shift, WeekendShift.NONE),
    ),
    "min_gap": ("min_gap", lambda wire: _span_of(wire, "min_gap")),
    "spread": ("spread", lambda wire: _span_of(wire, "spread") or timedelta(0)),
}


def created(tenant_id: str, wire: pb.EventType, now: Instant) -> EventType:
    """Return the first version of a rule.

    Raises:
        InvalidInput: at `event_type.…`, whatever `check` refuses.
    """
    default = Recurrence.YEARLY if wire.occasion_kind else Recurrence.NONE
    rule = EventType(
        tenant_id=tenant_id,
        event_type_id=wire.event_type_id,
        version=1,
        timing_version=1,
        occasion_kind=wire.occasion_kind,
        enrol_time=now,
        recurrence=RECURRENCES.get(wire.recurrence, default),
        **changes(wire, _FIELDS),
    )
    check(rule)
    return rule


def changes(wire: pb.EventType, paths: Iterable[str]) -> dict[str, Any]:
    """Return the values of the rule that the paths of a mask name; `display_name` is none of the rule's.

    Raises:
        InvalidInput: `local_time` is named and not there.
    """
    named = [path for path in paths if path in _FIELDS]
    if "local_time" in named and not wire.HasField("local_time"):
        raise InvalidInput.at(
            "event_type.local_time", "is in update_mask and has no value", allowed="a time such as 09:00"
        )
    return {attribute: read(wire) for attribute, read in map(_FIELDS.__getitem__, named)}


def check(rule: EventType) -> None:
    """Refuse a rule whose fields do not go together.

    Raises:
        InvalidInput: at `event_type.…`: what `check_timing` refuses, no fallback template, two templates of
            one locale, a NUL character in a template.
    """
    try:
        check_timing(
            local_time=rule.local_time,
            day_offset=rule.day_offset,
            deliver_within=rule.deliver_within,
            recurrence=rule.recurrence,
            rrule=rule.rrule,
            occasion_kind=rule.occasion_kind,
            spread=rule.spread,
            min_gap=rule.min_gap,
        )
        check_words(rule.templates)
    except InvalidInput as error:
        raise error.under("event_type") from None


def check_words(templates: tuple[Template, ...]) -> None:
    """Refuse templates that are not one per locale with a fallback.

    Raises:
        InvalidInput: at `templates`, or `templates[i].part` for a NUL character.
    """
    locales = [template.locale.lower() for template in templates]
    if len(set(locales)) < len(locales):
        raise InvalidInput.at(
            "templates", "two templates have the same locale", allowed="one template per locale"
        )
    if "" not in locales:
        raise InvalidInput.at(
            "templates",
            "no template has an empty locale",
            allowed="exactly one template with an empty locale, the fallback",
        )
    for index, template in enumerate(templates):
        for part in ("title", "body", "belated_title", "belated_body"):
            checked_text(getattr(template, part), field=f"templates[{index}].{part}")


def templates_of(wire: Iterable[pb.Template]) -> tuple[Template, ...]:
    """Return the words of an event type."""
    return tuple(Template(t.locale, t.title, t.body, t.belated_title, t.belated_body) for t in wire)
