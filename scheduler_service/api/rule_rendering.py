"""From event types to the wire."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from redletter.scheduler.v1 import event_type_pb2 as pb

from chassis.wire import duration, time_of_day, timestamp
from scheduler_service.api import rule_parsing
from scheduler_service.store.event_types import Stored


def _turned(numbers: Mapping[Any, Any]) -> dict[Any, Any]:
    return {value: number for number, value in numbers.items()}


_STATES = _turned(rule_parsing.STATES)
_RECURRENCES = _turned(rule_parsing.RECURRENCES)
_GAPS = _turned(rule_parsing.GAPS)
_FOLDS = _turned(rule_parsing.FOLDS)
_SKIPPED_DATES = _turned(rule_parsing.SKIPPED_DATES)
_LATES = _turned(rule_parsing.LATES)
_ENROLS = _turned(rule_parsing.ENROLS)
_WEEKEND_SHIFTS = _turned(rule_parsing.WEEKEND_SHIFTS)


def render(stored: Stored) -> pb.EventType:
    """Return the wire form of an event type, with its defaults filled in."""
    rule = stored.rule
    return pb.EventType(
        event_type_id=rule.event_type_id,
        display_name=stored.display_name,
        version=rule.version,
        state=_STATES[rule.state],
        occasion_kind=rule.occasion_kind,
        local_time=time_of_day(rule.local_time),
        day_offset=rule.day_offset,
        deliver_within=_span(rule.deliver_within),
        priority=int(rule.priority),  # type: ignore[arg-type]  # same numbers by design
        templates=[
            pb.Template(
                locale=t.locale,
                title=t.title,
                body=t.body,
                belated_title=t.belated_title,
                belated_body=t.belated_body,
            )
            for t in rule.templates
        ],
        attributes=rule.attributes,
        built_in=stored.built_in,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        etag=etag_of(stored),
        recurrence=_RECURRENCES[rule.recurrence],
        rrule=rule.rrule,
        gap_policy=_GAPS[rule.gap],
        fold_policy=_FOLDS[rule.fold],
        skipped_date_policy=_SKIPPED_DATES[rule.skipped_date],
        late_policy=_LATES[rule.late],
        on_enrol=None if rule.on_enrol is None else _ENROLS[rule.on_enrol],
        weekend_shift=_WEEKEND_SHIFTS[rule.weekend_shift],
        min_gap=_span(rule.min_gap),
        spread=_span(rule.spread),
    )


def etag_of(stored: Stored) -> str:
    """Return what differs after every change."""
    return str(stored.rule.version)


def _span(span: timedelta | None) -> Duration | None:
    return None if span is None else duration(span)
