"""Expectations: which events recipients and rules call for, derived anew and not from plans.

The ledger compares them with what was planned and decided; a forecast counts them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from whenever import Date, Instant

from scheduler_service.domain.cycles import turns_since
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import plan_id
from scheduler_service.domain.moments import local_date_of
from scheduler_service.domain.plans import is_planned
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.timings import Rule, Timing, is_admitted, rule_for, timing_of


class Expected(NamedTuple):
    """One event that a rule calls for; whether a decision would let it go is not asked."""

    event_type_id: str
    occasion_id: str
    cycle: str
    occurrence_date: Date
    due_time: Instant
    deliver_by: Instant


def expected_on(
    recipient: Recipient, event_types: Iterable[EventType], *, defaults: TenantDefaults, on: Date
) -> list[tuple[str, str, str]]:
    """Return (event_type_id, occasion_id, cycle) of each event whose occurrence date is `on`.

    Those that the enrolment admits, of active rules; what a caller asked for is not among them.
    """
    found = expected_between(recipient, event_types, defaults=defaults, start=on, end=on)
    return [(each.event_type_id, each.occasion_id, each.cycle) for each in found]


def expected_between(
    recipient: Recipient,
    event_types: Iterable[EventType],
    *,
    defaults: TenantDefaults,
    start: Date,
    end: Date,
    key: bytes | None = None,
) -> Iterator[Expected]:
    """Yield the events whose occurrence date is from `start` to `end`, rule by rule.

    `key` is the ids' key; without it `due_time` lacks the person's slot in a spread.
    """
    for event_type in event_types:
        for occasion in recipient.occasions:
            if occasion.kind != event_type.occasion_kind:
                continue
            name = None
            if key is not None and event_type.spread:
                name = plan_id(
                    key,
                    recipient.tenant_id,
                    recipient.user_id,
                    event_type.event_type_id,
                    occasion.occasion_id,
                )
            rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults, plan_id=name)
            for timing in _timings(rule, start, end):
                yield Expected(
                    event_type.event_type_id,
                    occasion.occasion_id,
                    timing.cycle,
                    timing.occurrence_date,
                    timing.due_time,
                    timing.deliver_by,
                )


def _timings(rule: Rule, start: Date, end: Date) -> Iterator[Timing]:
    if not is_planned(rule):
        return
    enrol_date = local_date_of(rule.enrol_time, rule.zone)
    # One day more: FORWARD keeps 30 February on 1 March, in the month after its own.
    since = start.subtract(days=rule.event_type.day_offset + 1)
    for turn in turns_since(rule.occasion, rule.event_type, rule.leap_day_rule, since=since):
        if turn.occurrence_date > end:
            return
        if turn.occurrence_date >= start:
            timing = timing_of(rule, turn)
            if is_admitted(rule, timing, enrol_date):
                yield timing
