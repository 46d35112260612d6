"""Timings: when one cycle of one occasion under one rule is due, and until when it is worth sending."""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

from whenever import Date, Instant, TimeDelta

from scheduler_service.domain.cycles import LAST_YEAR, is_leap_shifted, occurrence_date
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.moments import Shift, due_moment, end_of_local_day, local_date_of
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.recipients import Recipient, TenantDefaults, leap_day_rule_of, zone_of

_SEARCHED_YEARS = 12  # 29 February with OMIT leaves 8 years between two cycles around 2100


class Timing(NamedTuple):
    """One cycle's answer; `due_time` is later than `nominal_due_time` only when enrolled after the hour."""

    year: int
    occurrence_date: Date
    local_date: Date
    nominal_due_time: Instant
    due_time: Instant
    deliver_by: Instant
    shifts: tuple[Shift, ...]


class Rule(NamedTuple):
    """Everything a cycle's timing depends on, resolved once per occasion."""

    occasion: Occasion
    event_type: EventType
    zone: str
    leap_day_rule: LeapDayRule
    enrol_time: Instant
    on_enrol: OnEnrol


def effective_enrolment(occasion: Occasion, event_type: EventType) -> tuple[Instant, OnEnrol]:
    """Return since when this rule applies to this occasion: the later of the two, and the policy.

    A rule that came after the occasion starts with NEXT: creating it at noon must not greet everyone
    whose day it is.
    """
    if event_type.enrol_time > occasion.enrol_time:
        return event_type.enrol_time, OnEnrol.NEXT
    return occasion.enrol_time, occasion.on_enrol


def rule_for(
    recipient: Recipient, occasion: Occasion, *, event_type: EventType, defaults: TenantDefaults
) -> Rule:
    """Return the resolved rule: whose zone, whose leap rule, since when."""
    enrol_time, on_enrol = effective_enrolment(occasion, event_type)
    zone = zone_of(recipient, defaults)
    return Rule(occasion, event_type, zone, leap_day_rule_of(occasion, defaults), enrol_time, on_enrol)


def timing_in(rule: Rule, year: int) -> Timing | None:
    """Return the timing of the cycle `year`; None when that cycle does not apply."""
    occasion, event_type, zone = rule.occasion, rule.event_type, rule.zone
    on = occurrence_date(occasion, event_type, year, rule.leap_day_rule)
    if on is None:
        return None
    moment = due_moment(on, event_type.local_time, zone)
    nominal, shifts = moment.time, moment.shifts
    if event_type.deliver_within is None:
        deliver_by = end_of_local_day(moment.local_date, zone)
    else:
        deliver_by = nominal + TimeDelta(event_type.deliver_within)
    due = nominal
    if rule.on_enrol is OnEnrol.SAME_DAY and nominal < rule.enrol_time < deliver_by:
        due = rule.enrol_time
    if is_leap_shifted(occasion, year):
        shifts = (*shifts, Shift.LEAP_DAY)
    return Timing(year, on, moment.local_date, nominal, due, deliver_by, shifts)


def first_timing(rule: Rule, *, after_year: int | None) -> Timing | None:
    """Return the earliest cycle later than `after_year` that the enrolment admits; independent of now.

    NEXT admits what is due at or after the enrolment; SAME_DAY also what was due earlier on the local
    day of the enrolment, as long as its `deliver_by` lies after it. None after 12 years without any.
    """
    enrol_date = local_date_of(rule.enrol_time, rule.zone)
    # Two days of slack: a skipped date or a gap across midnight moves an occurrence to the next day.
    first = enrol_date.subtract(days=rule.event_type.day_offset + 2).year
    if after_year is not None:
        first = max(first, after_year + 1)
    return next((t for t in _timings(rule, first) if _admits(rule, t, enrol_date)), None)


def timing_from(rule: Rule, year: int) -> Timing | None:
    """Return the timing of the first cycle in or after `year` that applies, whenever it is due."""
    return next(_timings(rule, year), None)


def _timings(rule: Rule, first: int) -> Iterator[Timing]:
    """Yield the cycles that apply from `first` on, or from the occasion's first anniversary; bounded."""
    if rule.occasion.year is not None:
        first = max(first, rule.occasion.year + 1)
    for year in range(first, min(first + _SEARCHED_YEARS, LAST_YEAR + 1)):
        timing = timing_in(rule, year)
        if timing is not None:
            yield timing


def _admits(rule: Rule, timing: Timing, enrol_date: Date) -> bool:
    match rule.on_enrol:
        case OnEnrol.NEXT:
            return timing.nominal_due_time >= rule.enrol_time
        case OnEnrol.SAME_DAY:
            return timing.local_date >= enrol_date and timing.deliver_by > rule.enrol_time
        case _:
            assert_never(rule.on_enrol)
