"""Manual override > quiet hours > rule: what somebody chose by hand stays with its cycle."""

from dataclasses import replace
from datetime import timedelta

import pytest
from whenever import Time

from chassis.errors import IllegalTransition
from scheduler_service.domain.decisions import Defer, Expire, Reason, Send
from scheduler_service.domain.event_types import EventTypeState, WeekendShift
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule
from scheduler_service.domain.overrides import ended
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    TZDATA,
    Road,
    at,
    date,
    occasion,
    person,
    quiet,
    rule,
)

EVENING = "2026-05-18T18:00:00Z"


def rescheduled(**preferences: object) -> Road:
    return Road.begin(occasion(), **preferences).until("2026-05-01T00:00:00Z").reschedule(EVENING)


def test_rescheduled_cycle_is_due_at_the_instant_chosen() -> None:
    """Another evening: same cycle and date, the day of the instant to deliver, said so."""
    row = rescheduled().row
    assert (row.cycle, row.occurrence_date, row.version) == ("2026", date("2026-05-17"), 2)
    assert row.due_time == row.due_override == at(EVENING)
    assert row.nominal_due_time == at("2026-05-17T07:00:00Z")
    assert (row.deliver_by, row.shifts) == (at("2026-05-18T22:00:00Z"), (Shift.OVERRIDE,))


def test_window_of_the_rule_counts_from_the_override() -> None:
    """With two hours to deliver, two hours from the instant chosen."""
    road = Road.begin(occasion(), what=rule(deliver_within=timedelta(hours=2))).reschedule(EVENING)
    assert road.row.deliver_by == at("2026-05-18T20:00:00Z")


def test_override_stays_whatever_moves() -> None:
    """Another zone, hour, leap rule or wish: the instant stays, its local day is looked at anew."""
    road = rescheduled().moves_to("Asia/Kathmandu")
    assert (road.due, road.row.deliver_by) == (at(EVENING), at("2026-05-18T18:15:00Z"))
    road.has_rule(rule(local_time=Time(15), timing_version=2)).replan()
    assert road.corrects(occasion(leap=LeapDayRule.OMIT)).wants(quiet_hours=quiet(0, 23)).due == at(EVENING)
    assert road.row.nominal_due_time == at("2026-05-17T09:15:00Z")


def test_override_outlives_a_pause_of_its_rule() -> None:
    """Paused and resumed after its nominal hour: the chosen instant stands; due while paused it is not sent."""
    paused = rule(state=EventTypeState.PAUSED, timing_version=2)
    road = rescheduled().has_rule(paused).replan()
    assert (road.row.cycle, road.due) == ("2026", at(EVENING))
    resumed = rule(timing_version=3, enrol_time=at("2026-05-17T20:00:00Z"))
    after = road.until("2026-05-17T20:00:00Z").has_rule(resumed).replan()
    assert (after.row.cycle, after.due) == ("2026", at(EVENING))
    assert isinstance(after.until(EVENING).decide(), Send)
    deleted = rescheduled().has_rule(rule(state=EventTypeState.DELETED, timing_version=2)).replan()
    assert deleted.plan is None or deleted.plan.due_time is None


def test_override_comes_before_quiet_hours_and_gap() -> None:
    """In the middle of the night, a day after the last one: somebody wants it so."""
    road = rescheduled(quiet_hours=quiet(0, 23)).until(EVENING)
    road.plan = replace(road.row, last_date=date("2026-05-16"), last_cycle="2025")
    assert road.decide() == Send(road.row, late=False)


def test_override_ends_with_its_cycle() -> None:
    """The next cycle goes by the rule."""
    road = rescheduled().until(EVENING).commit()
    assert (road.row.cycle, road.row.due_override) == ("2027", None)
    assert road.due == at("2027-05-17T07:00:00Z")


def test_override_is_dropped_when_its_cycle_no_longer_applies() -> None:
    """A date corrected so that the open cycle becomes the zeroth opens the next one, by the rule."""
    road = rescheduled().corrects(occasion("2026-05-17"))
    assert (road.row.cycle, road.row.due_override) == ("2027", None)


def test_override_survives_a_new_enrolment_into_the_same_cycle() -> None:
    """A corrected date that leaves the cycle open leaves the instant too."""
    road = rescheduled().corrects(occasion("1990-05-20", enrolled="2026-05-02T00:00:00Z"))
    assert (road.row.cycle, road.due) == ("2026", at(EVENING))


def test_going_back_to_the_rule() -> None:
    """None takes the override away; doing so twice changes nothing."""
    road = rescheduled().reschedule(None)
    assert (road.due, road.row.due_override) == (at("2026-05-17T07:00:00Z"), None)
    before = road.row
    assert road.reschedule(None).row is before


def test_rescheduling_to_the_same_instant_changes_nothing() -> None:
    """The same object, so that nothing is written."""
    road = rescheduled()
    before = road.row
    assert road.reschedule(EVENING).row is before


def test_override_without_slot_and_weekend() -> None:
    """A spread does not add to an instant chosen; the weekend that moved the nominal time is still said."""
    shifted = rule(spread=timedelta(hours=1), weekend_shift=WeekendShift.AFTER)
    row = Road.begin(occasion(), what=shifted).reschedule(EVENING).row
    assert (row.due_time, row.shifts) == (at(EVENING), (Shift.WEEKEND, Shift.OVERRIDE))


def test_override_into_the_past_is_due_at_once() -> None:
    """An instant that has passed leaves now if its day is not over, and expires if it is."""
    road = Road.begin(occasion()).until("2026-05-10T10:00:00Z").reschedule("2026-05-10T09:00:00Z")
    assert road.decide() == Send(road.row, late=True)
    assert road.until("2026-05-12T10:00:00Z").decide() == Expire(road.row, Reason.MISSED_BY_MOVE)


def test_retimed_before_the_planner_came_keeps_the_override() -> None:
    """A decision that recomputes the plan under a new timing defers to the instant chosen."""
    road = rescheduled().until(EVENING)
    road.has_rule(rule(local_time=Time(15), timing_version=2))
    decision = road.decide()
    assert isinstance(decision, Send)
    assert decision.plan.due_time == at(EVENING)
    assert isinstance(road.until("2026-05-18T17:59:59Z").decide(), Defer)


def test_what_cannot_be_rescheduled() -> None:
    """Nothing open, the occasion gone, the cycle over: each is said."""
    closed = Road.begin(occasion(), what=rule(state=EventTypeState.PAUSED))
    with pytest.raises(IllegalTransition, match="Nothing is planned"):
        closed.reschedule(EVENING)
    gone = rescheduled()
    gone.who = person()
    with pytest.raises(IllegalTransition, match='The occasion "birthday" is gone'):
        gone.reschedule(None)
    over = rescheduled().has_rule(rule(enrolled="2026-06-01T00:00:00Z", timing_version=2))
    with pytest.raises(IllegalTransition, match="Cycle 2026 is no longer open"):
        over.reschedule(None)


def test_skipped_cycle_is_over_and_leaves_no_gap() -> None:
    """Skipping or cancelling closes the cycle without counting as sent; the next one opens."""
    road = rescheduled()
    after = ended(road.row, road.who, event_type=road.what, defaults=DEFAULTS, tzdata_version=TZDATA)
    assert (after.cycle, after.last_cycle, after.last_date, after.version) == ("2027", "2026", None, 3)
    assert after.due_override is None


def test_what_is_not_open_cannot_end() -> None:
    """A tombstone has nothing to skip."""
    closed = Road.begin(occasion(), what=rule(state=EventTypeState.PAUSED))
    with pytest.raises(IllegalTransition, match="Nothing is planned"):
        ended(closed.row, closed.who, event_type=closed.what, defaults=DEFAULTS, tzdata_version=TZDATA)
