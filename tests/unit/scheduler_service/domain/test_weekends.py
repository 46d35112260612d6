"""Weekends and holidays: where a message goes whose day is no working day; its identity stays."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Time

from scheduler_service.domain.event_types import Recurrence, WeekendShift
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.working_days import MAX_SHIFT_DAYS, working_day
from tests.unit.scheduler_service.domain.domain_examples import DEFAULTS, Road, at, date, occasion, rule

BEFORE, AFTER = WeekendShift.BEFORE, WeekendShift.AFTER
MAY_DAY = occasion("--05-01", enrolled="2027-01-01T00:00:00Z")  # a Saturday in 2027


def test_moved_message_keeps_cycle_and_occurrence_date_and_says_so() -> None:
    """Saturday 1 May 2027 goes to Friday; it is still the event of cycle 2027 and of 1 May."""
    row = Road.begin(MAY_DAY, what=rule(weekend_shift=BEFORE)).row
    assert (row.cycle, row.occurrence_date, row.shifts) == ("2027", date("2027-05-01"), (Shift.WEEKEND,))
    assert (row.due_time, row.deliver_by) == (at("2027-04-30T07:00:00Z"), at("2027-04-30T22:00:00Z"))


def test_working_day_stays() -> None:
    """Monday 17 May 2027 is a working day in both directions."""
    row = Road.begin(occasion(enrolled="2027-01-01T00:00:00Z"), what=rule(weekend_shift=AFTER)).row
    assert (row.occurrence_date, row.shifts) == (date("2027-05-17"), ())


def test_holidays_of_the_tenant_are_no_working_days() -> None:
    """With Monday 3 May and Friday 30 April off, 1 May goes to the 4th or the 29th."""
    off = replace(DEFAULTS, holidays=frozenset({date("2027-05-03"), date("2027-04-30")}))
    after = Road.begin(MAY_DAY, what=rule(weekend_shift=AFTER), defaults=off)
    before = Road.begin(MAY_DAY, what=rule(weekend_shift=BEFORE), defaults=off)
    assert after.due == at("2027-05-04T07:00:00Z")
    assert before.due == at("2027-04-29T07:00:00Z")


def test_new_holiday_recomputes_the_open_cycle() -> None:
    """A tenant that takes the 17th off moves what is planned there, under the same cycle."""
    road = Road.begin(occasion(enrolled="2027-01-01T00:00:00Z"), what=rule(weekend_shift=AFTER))
    road.defaults = replace(DEFAULTS, holidays=frozenset({date("2027-05-17")}))
    assert (road.replan().row.cycle, road.due) == ("2027", at("2027-05-18T07:00:00Z"))


def test_offset_comes_before_the_weekend() -> None:
    """Two days before Monday 17 May is Saturday the 15th; AFTER brings it back to Monday."""
    row = Road.begin(
        occasion(enrolled="2027-01-01T00:00:00Z"), what=rule(weekend_shift=AFTER, day_offset=-2)
    ).row
    assert (row.occurrence_date, row.due_time) == (date("2027-05-15"), at("2027-05-17T07:00:00Z"))


def test_enrolled_on_the_weekend_for_the_monday_after() -> None:
    """Enrolled on Sunday 2 May 2027, the reminder of Saturday the 1st still leaves on Monday."""
    sunday = occasion("--05-01", enrolled="2027-05-02T12:00:00Z")
    assert Road.begin(sunday, what=rule(weekend_shift=AFTER)).due == at("2027-05-03T07:00:00Z")
    assert Road.begin(sunday, what=rule(weekend_shift=BEFORE)).row.cycle == "2028"


def test_enrolled_in_the_new_year_for_what_the_holidays_moved_there() -> None:
    """27 December, kept on 5 January because all days between are off, is found by an enrolment of the 4th."""
    off = frozenset(date("2026-12-27").add(days=n) for n in range(9))
    road = Road.begin(
        occasion("--12-27", enrolled="2027-01-04T12:00:00Z"),
        what=rule(weekend_shift=AFTER),
        defaults=replace(DEFAULTS, holidays=off),
    )
    assert (road.row.cycle, road.due) == ("2026", at("2027-01-05T08:00:00Z"))


def test_a_month_of_holidays_moves_nothing() -> None:
    """Beyond 31 days there is no working day near: the message stays where it is."""
    always = frozenset(date("2027-04-01").add(days=n) for n in range(70))
    for shift in (BEFORE, AFTER):
        assert working_day(date("2027-05-05"), shift, holidays=always) == date("2027-05-05")


def test_daily_turns_of_a_weekend_may_meet_on_monday() -> None:
    """Saturday, Sunday and Monday of a daily rule are three cycles that are due on Monday."""
    daily = rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY", weekend_shift=AFTER, local_time=Time(9))
    road = Road.begin(occasion("2027-01-01", enrolled="2027-05-01T00:00:00Z"), what=daily)
    found = []
    for _ in range(4):
        found.append((road.row.cycle, road.due.to_tz("Europe/Berlin").day))
        road.commit()
    # The enrolment is two hours into Saturday there; Friday's turn was due on Friday.
    assert found == [("20270501", 3), ("20270502", 3), ("20270503", 3), ("20270504", 4)]


@given(
    st.dates(Date(2020, 1, 1).to_stdlib(), Date(2040, 1, 1).to_stdlib()),
    st.sampled_from([BEFORE, AFTER]),
    st.frozensets(st.integers(-40, 40)),
)
def test_nearest_working_day(day: Date, shift: WeekendShift, off: frozenset[int]) -> None:
    """Nothing between the day and where it goes is a working day, and the distance is bounded."""
    start = Date(day)
    holidays = frozenset(start.add(days=n) for n in off)
    found = working_day(start, shift, holidays=holidays)
    distance = int(found.since(start, total="days"))
    assert abs(distance) <= MAX_SHIFT_DAYS
    assert distance <= 0 if shift is BEFORE else distance >= 0
    passed = [start.add(days=n if shift is AFTER else -n) for n in range(abs(distance))]
    assert all(each.to_stdlib().isoweekday() > 5 or each in holidays for each in passed)
    assert working_day(start, WeekendShift.NONE, holidays=holidays) == start
