"""Explanations on the wire: of a turn to come, and of an event that has ended."""

from collections.abc import Mapping
from typing import Any

from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import schedule_service_pb2 as pb
from whenever import Date, Instant

from chassis.wire import date, timestamp
from scheduler_service.api.rendering_events import offset_in_words
from scheduler_service.domain.decisions import Expire, Reason, Suppress
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.explained_past import Past, sentence_of_past, steps_of_past
from scheduler_service.domain.explanations import Explanation, Step, WhyNot
from scheduler_service.domain.moments import Shift

_EXPIRED = (Reason.MISSED, Reason.MISSED_BY_MOVE, Reason.HELD_BACK)


def of_turn(found: Explanation, event_id: str) -> pb.Explanation:
    """Return the explanation of a turn that is planned, or would be."""
    wire = pb.Explanation(
        sentence=found.sentence,
        event_type_id=found.event_type_id,
        event_type_version=found.event_type_version,
        occasion_id=found.occasion_id,
        time_zone=found.time_zone,
        tzdata_version=found.tzdata_version,
        steps=_steps(found.steps),
        preferences=found.preferences,
    )
    wire.steps.extend(pb.ExplanationStep(text=passed.text) for passed in found.passed_over)
    if isinstance(found.reason, Reason):
        wire.reason = event_pb2.EventReason.Value(f"EVENT_REASON_{found.reason}")  # type: ignore[assignment]
    if found.cycle is None or found.due_time is None:
        return wire
    wire.cycle = found.cycle
    wire.event_id = event_id
    wire.occurrence_date.CopyFrom(date(found.occurrence_date))
    if not isinstance(found.reason, WhyNot):
        wire.state = _state(found.reason)
    if found.utc_offset_seconds is not None:
        wire.utc_offset = offset_in_words(found.utc_offset_seconds)
    for name in ("nominal_due_time", "due_time", "deliver_by"):
        instant = getattr(found, name)
        if instant is not None:
            getattr(wire, name).CopyFrom(timestamp(instant))
    return wire


def of_event(row: Mapping[str, Any], rule: EventType | None) -> pb.Explanation:
    """Return the explanation of an ended event; `rule` in the version it was decided with."""
    past = Past(
        event_type_id=row["event_type_id"],
        cycle=row["cycle"],
        state=row["state"],
        reason=Reason(row["reason"]) if row["reason"] else None,
        occurrence_date=Date(row["occurrence_date"]),
        time_zone=row["time_zone"],
        nominal_due_time=Instant(row["nominal_due_time"]),
        due_time=Instant(row["due_time"]),
        decide_time=Instant(row["decide_time"]),
        late=row["late"],
        shifts=tuple(Shift(name) for name in row["shifts"].split(",") if name),
        rule=rule,
        by_caller=row["request"] is not None,
    )
    return pb.Explanation(
        sentence=sentence_of_past(past),
        state=f"STATE_{past.state}",
        reason=f"EVENT_REASON_{past.reason or 'UNSPECIFIED'}",
        event_id=row["event_id"],
        event_type_id=past.event_type_id,
        event_type_version=row["event_type_version"],
        occasion_id=row["occasion_id"],
        cycle=past.cycle,
        occurrence_date=date(past.occurrence_date),
        time_zone=past.time_zone,
        utc_offset=offset_in_words(row["utc_offset_seconds"]),
        tzdata_version=row["tzdata_version"],
        nominal_due_time=timestamp(past.nominal_due_time),
        due_time=timestamp(past.due_time),
        deliver_by=timestamp(row["deliver_by"]),
        steps=_steps(steps_of_past(past)),
    )


def state_of(decision: object) -> "event_pb2.Event.State":
    """Return how an event that is not decided yet will end, as far as can be said."""
    match decision:
        case Suppress():
            return event_pb2.Event.STATE_SUPPRESSED
        case Expire():
            return event_pb2.Event.STATE_EXPIRED
        case _:
            return event_pb2.Event.STATE_PLANNED


def _state(reason: Reason | None) -> "event_pb2.Event.State":
    if reason is None:
        return event_pb2.Event.STATE_PLANNED
    return event_pb2.Event.STATE_EXPIRED if reason in _EXPIRED else event_pb2.Event.STATE_SUPPRESSED


def _steps(steps: tuple[Step, ...]) -> list[pb.ExplanationStep]:
    return [
        pb.ExplanationStep(
            shift=event_pb2.SHIFT_UNSPECIFIED if step.shift is None else f"SHIFT_{step.shift}",
            text=step.text,
        )
        for step in steps
    ]
