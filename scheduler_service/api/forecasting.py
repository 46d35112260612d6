"""Forecasts on the wire: the window that is asked about, a rule that is not stored, the answer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from redletter.scheduler.v1 import event_type_pb2
from redletter.scheduler.v1 import schedule_service_pb2 as pb
from whenever import Instant

from chassis.errors import InvalidInput
from chassis.wire import timestamp
from scheduler_service.api import rule_parsing
from scheduler_service.api.spans import covered_instant
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.forecasts import Forecast
from scheduler_service.domain.rule_changes import edited

LONGEST: Final = timedelta(days=400)
MAX_STEPS: Final = 10_000
MAX_CLUSTERS: Final = 10
_SECOND: Final = 1_000_000_000
_OWN: Final = frozenset({"tenant_id", "event_type_id", "version", "timing_version", "enrol_time"})
_FIXED: Final = ("occasion_kind", "recurrence")


def window(start: Instant, end: Instant, *, step: timedelta, key: bytes) -> Forecast:
    """Return the empty forecast of a window.

    Raises:
        InvalidInput: at `end_time`: not within 400 days after its begin; at `step`: more than 10,000 of them.
    """
    covered_instant(start, field="start_time")
    covered_instant(end, field="end_time")
    length = (end - start).to_stdlib()
    if not timedelta(0) < length <= LONGEST:
        raise InvalidInput.at(
            "end_time",
            f"{end} is not within {LONGEST.days} days after the begin of the window, {start}",
            value=f"{end}",
            allowed=f"after {start}, at most {LONGEST.days} days",
        )
    if length > MAX_STEPS * step:
        least = -(-length.total_seconds() // MAX_STEPS)
        raise InvalidInput.at(
            "step",
            f"{step.total_seconds():g} seconds cut the window into more than {MAX_STEPS} steps",
            value=f"{step.total_seconds():g}s",
            allowed=f"at least {least:g} seconds for this window",
        )
    return Forecast(start, end, step, key)


def with_changed(
    rules: Sequence[EventType], wire: event_type_pb2.EventType, tenant_id: str, now: Instant
) -> list[EventType]:
    """Return the rules with this one instead of the stored one of its id, as an update would leave it.

    Raises:
        InvalidInput: at `changed_event_type.…`, what an update or a creation refuses; the words do not count.
    """
    known = next((rule for rule in rules if rule.event_type_id == wire.event_type_id), None)
    wanted = _parsed(wire, tenant_id, now)
    if known is None:
        return [*rules, wanted]
    for name in _FIXED:
        if getattr(known, name) != getattr(wanted, name):
            raise InvalidInput.at(
                f"changed_event_type.{name}",
                f"{name} of an event type never changes",
                value=f"{getattr(wanted, name)}",
                allowed=f"{getattr(known, name)}",
            )
    values = {name: getattr(wanted, name) for name in EventType.__slots__ if name not in (*_OWN, *_FIXED)}
    changed = edited(known, values, now=now)
    return [*(rule for rule in rules if rule is not known), changed]


def response(forecast: Forecast) -> pb.ForecastScheduleResponse:
    """Return the answer."""
    answer = pb.ForecastScheduleResponse(
        total=forecast.total,
        buckets=list(_buckets(forecast)),
        by_event_type=[
            pb.ForecastByEventType(event_type_id=name, count=count)
            for name, count in sorted(forecast.by_event_type.items())
        ],
        clusters=[
            pb.DateCluster(
                occasion_kind=c.kind, month=c.month, day=c.day, count=c.people, times_average=c.times_average
            )
            for c in forecast.clusters()[:MAX_CLUSTERS]
        ],
    )
    if forecast.seconds:
        second, count = max(forecast.seconds.items(), key=lambda item: (item[1], -item[0]))
        answer.peak_time.CopyFrom(timestamp(Instant.from_timestamp(second)))
        answer.peak_per_second = count
    return answer


def _buckets(forecast: Forecast) -> Iterator[pb.ForecastBucket]:
    # In whole nanoseconds: ten thousand instants of their own would hold the loop.
    begin, step = (
        forecast.start.timestamp(unit="nanosecond"),
        forecast.step // timedelta(microseconds=1) * 1000,
    )
    for number, count in sorted(forecast.steps.items()):
        seconds, nanos = divmod(begin + number * step, _SECOND)
        yield pb.ForecastBucket(start_time=Timestamp(seconds=seconds, nanos=nanos), count=count)


def _parsed(wire: event_type_pb2.EventType, tenant_id: str, now: Instant) -> EventType:
    timed = event_type_pb2.EventType()
    timed.CopyFrom(wire)
    del timed.templates[:]
    timed.templates.add(title="-", body="-")
    try:
        return rule_parsing.created(tenant_id, timed, now)
    except InvalidInput as error:
        renamed = (violation.field.removeprefix("event_type.") for violation in error.violations)
        moved = [
            replace(v, field=f"changed_event_type.{name}")
            for v, name in zip(error.violations, renamed, strict=True)
        ]
        raise InvalidInput(moved, reason=error.reason) from None
