"""Excuses: what accounts for an event on one side of the books only, though no version has changed since.

A plan that is open stays at its cycle whatever changes, and a cycle that was passed stays passed; the
expectation knows only what is true today. Where the two may differ, and nowhere else, there is an excuse.
"""

from typing import Final

from whenever import Date

from scheduler_service.domain.cycles import Turn, turns_since
from scheduler_service.domain.event_types import EventType, WeekendShift
from scheduler_service.domain.ledger import Elsewhere, Entry, Wanted, is_passed
from scheduler_service.domain.moments import local_date_of
from scheduler_service.domain.plans import is_planned
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.timings import Rule, is_admitted, rule_for, timing_of
from scheduler_service.domain.working_days import MAX_SHIFT_DAYS

_NEAR_DAYS: Final = 3  # zones are a day apart, an hour another one, a skipped date a third
_FIRST_DAYS: Final = 367


def of_missing(
    wanted: Wanted,
    elsewhere: Elsewhere,
    *,
    person: Recipient,
    event_type: EventType,
    defaults: TenantDefaults,
    on: Date,
    redated: bool,
) -> str:
    """Return what accounts for an expected event that its plan has passed over; empty: nothing does.

    `redated`: an earlier version of the rule had other dates.
    """
    found = _turn(person, wanted.occasion_id, event_type, defaults, cycle=wanted.cycle, on=on)
    if found is None or not is_passed(wanted, elsewhere):
        return ""
    rule, turn = found
    if redated:
        return "the rule's dates were changed after the plan had passed over it"
    if turn.is_leap_shifted:
        return "the leap day rule was changed after the plan had passed over it"
    days = on.since(local_date_of(rule.enrol_time, rule.zone), total="days")
    if days <= _slack(event_type):
        return "by a change after the enrolment it would have been due after it"
    if days <= _FIRST_DAYS and elsewhere.last_cycle is None and elsewhere.plan_version > 1:
        return "the person was changed after the plan had passed over the first turn"
    return ""


def of_unexpected(
    entry: Entry,
    *,
    person: Recipient,
    event_type: EventType,
    defaults: TenantDefaults,
    on: Date,
    redated: bool,
) -> str:
    """Return what accounts for a plan or event that nothing calls for today; empty: nothing does.

    `redated`: an earlier version of the rule had other dates.
    """
    if redated and entry.reason:
        # Skipped, cancelled or silenced after the change, before the leader had come to its plan: what decides
        # to send makes the plan anew first, an end by hand takes it as it is.
        return "it ended unsent under dates that its rule had before"
    found = _turn(person, entry.occasion_id, event_type, defaults, cycle=entry.cycle, on=on)
    if found is None:
        return ""
    rule, turn = found
    enrolled = local_date_of(rule.enrol_time, rule.zone)
    near = abs(on.since(enrolled, total="days")) <= _slack(event_type)
    if near and not is_admitted(rule, timing_of(rule, turn), enrolled):
        return "it was planned for a moment after the enrolment; a change has put it before that"
    return ""


def _turn(
    person: Recipient,
    occasion_id: str,
    event_type: EventType,
    defaults: TenantDefaults,
    *,
    cycle: str,
    on: Date,
) -> tuple[Rule, Turn] | None:
    """Return the rule's turn of this cycle, if it is on this date."""
    occasion = person.occasion(occasion_id, kind=event_type.occasion_kind)
    if occasion is None:
        return None
    rule = rule_for(person, occasion, event_type=event_type, defaults=defaults, plan_id=None)
    if not is_planned(rule):
        return None
    since = on.subtract(days=event_type.day_offset + 1)
    for turn in turns_since(occasion, event_type, rule.leap_day_rule, since=since):
        if turn.cycle == cycle and turn.occurrence_date == on:
            return rule, turn
        if turn.occurrence_date > on:
            break
    return None


def _slack(event_type: EventType) -> int:
    shifted = event_type.weekend_shift is not WeekendShift.NONE
    return _NEAR_DAYS + (MAX_SHIFT_DAYS if shifted else 0)
