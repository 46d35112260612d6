"""Timings: when one cycle of one occasion under one rule is due, and until when it is worth sending.

In this order: nominal date (leap rule, offset), weekend or holiday, local time in the person's zone
(skipped date, gap, fold), the person's slot in the spread, an enrolment after the hour, quiet hours.
Whatever departs from the rule's words is noted in `shifts`, in this order.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple, assert_never

from whenever import Date, Instant, Time, TimeDelta

from scheduler_service.domain.cycles import Turn, first_date_of, turns_since
from scheduler_service.domain.event_types import EventType, WeekendShift
from scheduler_service.domain.moments import Shift, due_moment, end_of_local_day, local_date_of
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.quiet_hours import quiet_until
from scheduler_service.domain.recipients import (
    QuietHours,
    Recipient,
    TenantDefaults,
    leap_day_rule_of,
    zone_of,
)
from scheduler_service.domain.working_days import MAX_SHIFT_DAYS, working_day


class Timing(NamedTuple):
    """One cycle's answer; `due_time` departs from `nominal_due_time` by the later steps of the module.

    `deliver_by` counts from the person's slot, and does not move with an enrolment or quiet hours.
    """

    cycle: str
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
    local_time: Time
    quiet_hours: QuietHours | None
    holidays: frozenset[Date]
    slot: TimeDelta | None


def effective_enrolment(occasion: Occasion, event_type: EventType) -> tuple[Instant, OnEnrol]:
    """Return since when this rule applies to this occasion: the later of the two, and the policy.

    A rule that came after the occasion starts with NEXT, unless it says otherwise itself: creating it at
    noon must not greet everyone whose day it is.
    """
    if event_type.enrol_time > occasion.enrol_time:
        return event_type.enrol_time, event_type.on_enrol or OnEnrol.NEXT
    return occasion.enrol_time, event_type.on_enrol or occasion.on_enrol


def rule_for(
    recipient: Recipient,
    occasion: Occasion,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    plan_id: bytes | None,
) -> Rule:
    """Return the resolved rule: whose zone, whose hour, whose leap rule, since when.

    Without `plan_id` nobody has a slot in the spread; which cycles there are does not depend on it.
    """
    enrol_time, on_enrol = effective_enrolment(occasion, event_type)
    preferences = recipient.preferences
    return Rule(
        occasion,
        event_type,
        zone_of(recipient, defaults),
        leap_day_rule_of(occasion, defaults),
        enrol_time,
        on_enrol,
        preferences.local_times.get(event_type.event_type_id, event_type.local_time),
        preferences.quiet_hours,
        defaults.holidays,
        slot_of(plan_id, event_type.spread) if event_type.spread and plan_id else None,
    )


def slot_of(plan_id: bytes, spread: timedelta) -> TimeDelta:
    """Return the plan's own moment within `spread`: whole milliseconds, 0 <= slot < spread, for ever."""
    milliseconds = spread // _MILLISECOND
    # The second half of the id is as good as random, whatever the person's other plans are.
    return TimeDelta(milliseconds=int.from_bytes(plan_id[8:], "big") * milliseconds >> 64)


def timing_of(rule: Rule, turn: Turn) -> Timing:
    """Return when one turn is due, and until when."""
    event_type, zone = rule.event_type, rule.zone
    day = turn.occurrence_date
    shifts: tuple[Shift, ...] = (Shift.LEAP_DAY,) if turn.is_leap_shifted else ()
    if event_type.weekend_shift is not WeekendShift.NONE:
        day = working_day(day, event_type.weekend_shift, holidays=rule.holidays)
        if day != turn.occurrence_date:
            shifts = (*shifts, Shift.WEEKEND)
    moment = due_moment(day, rule.local_time, zone, event_type.gap, event_type.fold, event_type.skipped_date)
    if moment.shifts:
        shifts = (*shifts, *moment.shifts)
    due, local_date = moment.time, moment.local_date
    if rule.slot:
        due += rule.slot
        local_date = local_date_of(due, zone)
        shifts = (*shifts, Shift.SPREAD)
    if event_type.deliver_within is None:
        deliver_by = end_of_local_day(local_date, zone)
    else:
        deliver_by = due + TimeDelta(event_type.deliver_within)
    if rule.on_enrol is OnEnrol.SAME_DAY and due < rule.enrol_time < deliver_by:
        due = rule.enrol_time
    if rule.quiet_hours is not None:
        due, shifts = rested(due, shifts, rule.quiet_hours, zone=zone, deliver_by=deliver_by)
    return Timing(turn.cycle, turn.occurrence_date, moment.local_date, moment.time, due, deliver_by, shifts)


def rested(
    due: Instant, shifts: tuple[Shift, ...], quiet_hours: QuietHours, *, zone: str, deliver_by: Instant
) -> tuple[Instant, tuple[Shift, ...]]:
    """Return the due time after the person's rest, and the shifts with it.

    When the rest lasts until `deliver_by` nothing is moved: the decision suppresses it.
    """
    until = quiet_until(due, quiet_hours, zone)
    if until is None or until >= deliver_by:
        return due, shifts
    return until, (*shifts, Shift.QUIET_HOURS)


def overridden(timing: Timing, rule: Rule, due_time: Instant) -> Timing:
    """Return the timing of a cycle whose instant somebody chose by hand: no slot, no quiet hours."""
    kept = tuple(shift for shift in timing.shifts if shift not in (Shift.SPREAD, Shift.QUIET_HOURS))
    return timing._replace(
        due_time=due_time,
        deliver_by=end_of_window(due_time, rule.zone, within=rule.event_type.deliver_within),
        shifts=(*kept, Shift.OVERRIDE),
    )


def end_of_window(due_time: Instant, zone: str, *, within: timedelta | None) -> Instant:
    """Return the `deliver_by` of a due time: `within` later, or None for the end of its local day."""
    if within is not None:
        return due_time + TimeDelta(within)
    return end_of_local_day(local_date_of(due_time, zone), zone)


def first_timing(rule: Rule, *, after: str | None) -> Timing | None:
    """Return the earliest cycle later than `after` that the enrolment admits; independent of now.

    NEXT admits what is nominally due at or after the enrolment; SAME_DAY also what was due earlier on the
    local day of the enrolment, as long as its window (before any slot) ends after it. None after 12 years without any.
    """
    return next(admitted(rule, after=after), None)


def admitted(rule: Rule, *, after: str | None) -> Iterator[Timing]:
    """Yield the cycles later than `after` that the enrolment admits, in order."""
    enrol_date = local_date_of(rule.enrol_time, rule.zone)
    # Two days of slack: a skipped date or a gap across midnight moves an occurrence to the next day.
    event_type = rule.event_type
    slack = 2 if event_type.weekend_shift is WeekendShift.NONE else 2 + MAX_SHIFT_DAYS
    since = enrol_date.subtract(days=event_type.day_offset + slack)
    for turn in turns_since(rule.occasion, event_type, rule.leap_day_rule, since=since, after=after):
        timing = timing_of(rule, turn)
        if is_admitted(rule, timing, enrol_date):
            yield timing


def timing_from(rule: Rule, cycle: str) -> Timing | None:
    """Return the timing of the first cycle from `cycle` on that applies, whenever it is due."""
    since = first_date_of(cycle)
    turn = next(turns_since(rule.occasion, rule.event_type, rule.leap_day_rule, since=since), None)
    return None if turn is None else timing_of(rule, turn)


def is_admitted(rule: Rule, timing: Timing, enrol_date: Date) -> bool:
    """True when the enrolment, on the local `enrol_date`, does not come too late for this cycle."""
    match rule.on_enrol:
        case OnEnrol.NEXT:
            return timing.nominal_due_time >= rule.enrol_time
        case OnEnrol.SAME_DAY:
            return timing.local_date >= enrol_date and _nominal_end(rule, timing) > rule.enrol_time
        case _:
            assert_never(rule.on_enrol)


def _nominal_end(rule: Rule, timing: Timing) -> Instant:
    """Return the `deliver_by` of the nominal due time: a person's slot must not decide who is admitted."""
    if rule.slot is None:
        return timing.deliver_by
    return end_of_window(timing.nominal_due_time, rule.zone, within=rule.event_type.deliver_within)


_MILLISECOND: Final = timedelta(milliseconds=1)
