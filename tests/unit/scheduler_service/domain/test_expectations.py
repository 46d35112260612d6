"""Expectations: derived from people and rules alone, they are what planning plans and the enrolment admits."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Date

from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence, WeekendShift
from scheduler_service.domain.expectations import expected_between, expected_on
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    KEY,
    Road,
    at,
    date,
    occasion,
    person,
    rule,
)

MONTHLY = rule(recurrence=Recurrence.MONTHLY)


@pytest.mark.parametrize(
    ("born", "what", "on", "cycle"),
    [
        ("1990-05-17", rule(), "2027-05-17", "2027"),
        ("1990-05-17", rule(), "2027-05-18", None),
        ("2027-05-17", rule(), "2027-05-17", None),
        ("1996-02-29", rule(), "2027-02-28", "2027"),
        ("1990-01-03", rule(day_offset=-7), "2026-12-27", "2027"),
        ("1990-05-01", rule(weekend_shift=WeekendShift.AFTER), "2027-05-01", "2027"),
        ("1990-05-01", rule(weekend_shift=WeekendShift.AFTER), "2027-05-03", None),
        ("1990-05-31", MONTHLY, "2027-06-30", "2027-06"),
        (
            "2027-03-04",
            rule(recurrence=Recurrence.RRULE, rrule="FREQ=WEEKLY;BYDAY=MO"),
            "2027-03-08",
            "20270308",
        ),
        ("2027-03-04", rule(recurrence=Recurrence.ONCE), "2027-03-04", "once"),
        ("1990-05-17", rule(state=EventTypeState.PAUSED), "2027-05-17", None),
        ("1990-05-17", rule(occasion_kind="anniversary"), "2027-05-17", None),
    ],
)
def test_what_is_expected_on_a_date(born: str, what: EventType, on: str, cycle: str | None) -> None:
    """By its nominal date, of active rules and their kind of occasion; the zeroth is not expected."""
    found = expected_on(person(occasion(born)), (what,), defaults=DEFAULTS, on=date(on))
    assert found == ([] if cycle is None else [("birthday", "birthday", cycle)])


def test_month_that_lacks_the_day_is_expected_in_the_next_with_forward() -> None:
    """30 February is expected on 1 March, as cycle 2027-02."""
    who = person(occasion("--01-30", leap=LeapDayRule.FORWARD))
    assert expected_on(who, (MONTHLY,), defaults=DEFAULTS, on=date("2027-03-01")) == [
        ("birthday", "birthday", "2027-02")
    ]


def test_what_was_due_before_the_enrolment_is_not_expected() -> None:
    """Enrolled at noon: with NEXT nothing on that day, with SAME_DAY this year's turn."""
    for policy, count in ((OnEnrol.NEXT, 0), (OnEnrol.SAME_DAY, 1)):
        noon = occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=policy)
        assert len(expected_on(person(noon), (rule(),), defaults=DEFAULTS, on=date("2026-05-17"))) == count


def test_window_has_due_times_and_with_the_key_the_slots() -> None:
    """A forecast counts them at the moment at which they will be planned."""
    spread = rule(spread=timedelta(hours=1))
    who, window = person(occasion()), {"start": date("2026-01-01"), "end": date("2028-12-31")}
    plain = list(expected_between(who, (spread,), defaults=DEFAULTS, **window))
    assert [each.cycle for each in plain] == ["2026", "2027", "2028"]
    assert plain[0].due_time == at("2026-05-17T07:00:00Z")
    slotted = next(expected_between(who, (spread,), defaults=DEFAULTS, key=KEY, **window))
    planned = Road.begin(occasion(), what=spread).row
    assert (slotted.due_time, slotted.deliver_by) == (planned.due_time, planned.deliver_by)


rules = st.sampled_from(
    [
        rule(),
        MONTHLY,
        rule(recurrence=Recurrence.RRULE, rrule="FREQ=WEEKLY;INTERVAL=2"),
        rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY;COUNT=30"),
        rule(recurrence=Recurrence.ONCE),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    rules,
    st.sampled_from(WeekendShift),
    st.integers(-40, 40),
    st.dates(Date(2025, 6, 1).to_stdlib(), Date(2027, 6, 1).to_stdlib()),
    st.booleans(),
    st.sampled_from(LeapDayRule),
    st.sampled_from(OnEnrol),
    st.integers(0, 400 * 24),
    st.sampled_from(["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue", "Africa/Cairo"]),
)
def test_expected_is_what_is_planned_one_after_the_other(
    what: EventType,
    shift: WeekendShift,
    offset: int,
    born: Date,
    known: bool,
    leap: LeapDayRule,
    policy: OnEnrol,
    hours: int,
    zone: str,
) -> None:
    """Whatever the rule, the cycles expected in two years are those that planning opens in them."""
    made = replace(
        occasion(leap=leap, on_enrol=policy),
        year=born.year if known else None,
        month=born.month,
        day=born.day,
        enrol_time=at("2026-01-01T00:00:00Z").add(hours=hours),
    )
    mine = replace(what, weekend_shift=shift, day_offset=offset)
    road = Road.begin(made, zone=zone, what=mine)
    end = date("2028-03-01")
    planned = []
    while road.row.occurrence_date is not None and road.row.occurrence_date <= end:
        planned.append((road.row.cycle, road.row.occurrence_date, road.row.due_time, road.row.deliver_by))
        road.commit()
    found = expected_between(road.who, (mine,), defaults=DEFAULTS, start=date("2025-01-01"), end=end)
    assert [(e.cycle, e.occurrence_date, e.due_time, e.deliver_by) for e in found] == planned
