"""Events as the API shows them: ended ones from their rows, planned ones from their open plans."""

from collections.abc import Mapping
from typing import Any

from redletter.scheduler.v1 import event_pb2 as pb
from whenever import Date

from chassis.wire import date, timestamp
from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.ids import event_id
from scheduler_service.domain.plan_records import Plan, Request
from scheduler_service.store.rows import request_from


def planned(plan: Plan, priority: Priority) -> pb.Event:
    """Return an open plan under the id its event will have; `priority` is its event type's."""
    assert plan.cycle is not None
    assert plan.nominal_due_time is not None
    assert plan.due_time is not None
    assert plan.deliver_by is not None
    event = pb.Event(
        event_id=event_id(plan.plan_id, plan.cycle),
        user_id=plan.user_id,
        event_type_id=plan.event_type_id,
        occasion_id=plan.occasion_id,
        instance=plan.instance,
        cycle=plan.cycle,
        occurrence_date=date(plan.occurrence_date),
        state=pb.Event.STATE_PLANNED,
        nominal_due_time=timestamp(plan.nominal_due_time),
        due_time=timestamp(plan.due_time),
        deliver_by=timestamp(plan.deliver_by),
        priority=int(priority),  # type: ignore[arg-type]  # same numbers by design
    )
    if plan.request is not None:
        _add_request(event, plan.request)
        if plan.request.priority is not None:
            event.priority = int(plan.request.priority)  # type: ignore[assignment]
    return event


def ended(row: Mapping[str, Any]) -> pb.Event:
    """Return an ended event, without its outcome."""
    event = pb.Event(
        event_id=row["event_id"],
        user_id=row["user_id"],
        event_type_id=row["event_type_id"],
        occasion_id=row["occasion_id"],
        instance=row["instance"],
        cycle=row["cycle"],
        occurrence_date=date(Date(row["occurrence_date"])),
        state=f"STATE_{row['state']}",
        reason=f"EVENT_REASON_{row['reason'] or 'UNSPECIFIED'}",
        nominal_due_time=timestamp(row["nominal_due_time"]),
        due_time=timestamp(row["due_time"]),
        deliver_by=timestamp(row["deliver_by"]),
        decide_time=timestamp(row["decide_time"]),
        create_time=timestamp(row["decide_time"]),
        decision=pb.Decision(
            event_type_version=row["event_type_version"],
            recipient_version=row["recipient_version"],
            tzdata_version=row["tzdata_version"],
            time_zone=row["time_zone"],
            utc_offset=offset_in_words(row["utc_offset_seconds"]),
            shifts=[f"SHIFT_{name}" for name in row["shifts"].split(",") if name],
        ),
        late=row["late"],
        priority=row["priority"],
    )
    if row["request"] is not None:
        _add_request(event, request_from(row["request"]))
    return event


def _add_request(event: pb.Event, request: Request) -> None:
    event.create_time.CopyFrom(timestamp(request.create_time))
    event.metadata.update(request.metadata)
    event.reissue_of = request.reissue_of
    event.reissue_reason = request.reason


def offset_in_words(seconds: int) -> str:
    """Return an offset from UTC, e.g. `+05:45`; with seconds only where there are any."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours:02d}:{minutes:02d}" + (f":{left:02d}" if left else "")
