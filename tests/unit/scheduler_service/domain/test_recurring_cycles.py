"""DESIGN 4 for rules that are not yearly: their cycles, days 29 to 31, year unknown, the zeroth turn."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date

from scheduler_service.domain.cycles import ONCE, first_date_of, turns, turns_since
from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule
from tests.unit.scheduler_service.domain.domain_examples import Road, date, date_in, occasion, rule

BACKWARD, FORWARD, OMIT = LeapDayRule.BACKWARD, LeapDayRule.FORWARD, LeapDayRule.OMIT
MONTHLY = rule(recurrence=Recurrence.MONTHLY)


def by(rrule: str, **more: object) -> EventType:
    return rule(recurrence=Recurrence.RRULE, rrule=rrule, **more)


@pytest.mark.parametrize(
    ("leap", "expected"),
    [
        (BACKWARD, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2028-02-29"]),
        (FORWARD, ["2027-01-31", "2027-03-01", "2027-03-31", "2027-05-01", "2028-03-01"]),
        (OMIT, ["2027-01-31", None, "2027-03-31", None, None]),
    ],
)
def test_day_31_of_a_monthly_rule(leap: LeapDayRule, expected: list[str | None]) -> None:
    """The leap day rule says where a day is kept that a month lacks, each month from the original day."""
    found = [
        date_in(cycle, occasion("--01-31"), leap, MONTHLY)
        for cycle in ("2027-01", "2027-02", "2027-03", "2027-04", "2028-02")
    ]
    assert found == [text and date(text) for text in expected]


@pytest.mark.parametrize(("day", "expected"), [(29, "2027-02-28"), (30, "2027-02-28"), (28, "2027-02-28")])
def test_days_29_and_30_are_moved_in_february_only(day: int, expected: str) -> None:
    """29 and 30 are days of every other month; a moved one is flagged."""
    road = Road.begin(occasion(f"--01-{day}", enrolled="2027-02-01T00:00:00Z"), what=MONTHLY)
    assert (road.row.cycle, road.row.occurrence_date) == ("2027-02", date(expected))
    assert road.row.shifts == ((Shift.LEAP_DAY,) if day > 28 else ())
    assert road.commit().row.shifts == ()


def test_monthly_rule_begins_with_the_month_after_the_occasion() -> None:
    """The occasion's own month is the zeroth; without a year there is none."""
    known, unknown = occasion("2027-01-10"), occasion("--01-10")
    assert Road.begin(known, what=MONTHLY).row.cycle == "2027-02"
    assert Road.begin(unknown, what=MONTHLY).row.cycle == "2026-01"


def test_monthly_rule_goes_on_over_new_year() -> None:
    """December is followed by January of the next year, in the order of texts."""
    road = Road.begin(occasion("--01-31", enrolled="2026-12-01T00:00:00Z"), what=MONTHLY)
    cycles = [road.row.cycle, road.commit().row.cycle, road.commit().row.cycle]
    assert cycles == ["2026-12", "2027-01", "2027-02"]


def test_monthly_rule_ends_with_the_calendar() -> None:
    """December 9996 is the last month."""
    found = turns_since(occasion("--01-31"), MONTHLY, BACKWARD, since=date("9996-11-01"))
    assert [turn.cycle for turn in found] == ["9996-11", "9996-12"]


def test_once_needs_a_year() -> None:
    """Without a year a rule of ONCE never plans; with one in the past neither, and its row can go."""
    once = rule(recurrence=Recurrence.ONCE)
    assert Road.begin(occasion("--05-17"), what=once).row.is_void
    assert Road.begin(occasion("1990-05-17"), what=once).row.is_void
    assert Road.begin(occasion("9999-05-17"), what=once).row.is_void
    assert Road.begin(occasion("2026-05-17"), what=once).row.cycle == ONCE


def test_once_with_an_offset_can_be_a_reminder_before() -> None:
    """Three days before the very date, once."""
    road = Road.begin(occasion("2026-05-17"), what=rule(recurrence=Recurrence.ONCE, day_offset=-3))
    assert road.row.occurrence_date == date("2026-05-14")
    assert road.commit().row.due_time is None


def test_a_rule_without_occasions_never_plans() -> None:
    """NONE has no cycles, whatever the occasion."""
    assert Road.begin(occasion(), what=rule(recurrence=Recurrence.NONE)).row.is_void


def test_recurrence_of_an_occasion_without_year_counts_from_2000() -> None:
    """Every second day of a yearless 1 January: the phase is that of 2000-01-01."""
    road = Road.begin(occasion("--01-01", enrolled="2026-05-01T00:00:00Z"), what=by("FREQ=DAILY;INTERVAL=2"))
    days = (road.row.occurrence_date or Date.MIN).since(Date(2000, 1, 1), total="days")
    assert days % 2 == 0
    assert road.row.cycle == "20260501" if days == 9617 else "20260502"


def test_recurrence_begins_after_the_occasion_itself() -> None:
    """The occasion's own date is the zeroth and never fires, also when the rule meets it."""
    road = Road.begin(occasion("2027-03-08"), what=by("FREQ=WEEKLY;BYDAY=MO"))
    assert (road.row.cycle, road.commit().row.cycle) == ("20270315", "20270322")


def test_recurrence_that_is_over_leaves_a_tombstone() -> None:
    """After the last of COUNT nothing is due, and what was decided is remembered."""
    road = Road.begin(occasion("2027-03-08"), what=by("FREQ=DAILY;COUNT=2"))
    assert road.row.cycle == "20270309"
    road.commit()
    assert (road.row.cycle, road.row.due_time, road.row.last_cycle) == (None, None, "20270309")


def test_changed_rrule_passes_on_to_the_next_date_that_applies() -> None:
    """An open cycle that is no date of the new rule gives way to the next one that is."""
    road = Road.begin(occasion("2027-03-08"), what=by("FREQ=WEEKLY;BYDAY=MO"))
    road.has_rule(by("FREQ=WEEKLY;BYDAY=FR", timing_version=2)).replan()
    assert road.row.cycle == "20270319"


@pytest.mark.parametrize(
    ("cycle", "age"), [("2027", 37), ("2027-03", None), ("20270304", None), (ONCE, None)]
)
def test_only_a_year_makes_somebody_older(cycle: str, age: int | None) -> None:
    """Turns are counted in yearly cycles; there is no number in a month, a date or an own event."""
    assert turns(occasion("1990-05-17"), cycle) == age


@pytest.mark.parametrize(
    ("cycle", "first"),
    [("2027", "2027-01-01"), ("2027-03", "2027-03-01"), ("20270304", "2027-03-04"), (ONCE, "0001-01-01")],
)
def test_first_date_of_a_cycle(cycle: str, first: str) -> None:
    """A cycle names a year, a month or a day; `once` begins with the calendar."""
    assert first_date_of(cycle) == date(first)


RULES = [rule(), MONTHLY, by("FREQ=DAILY"), by("FREQ=MONTHLY;BYDAY=-1FR"), rule(recurrence=Recurrence.ONCE)]


@given(
    st.sampled_from(RULES),
    st.sampled_from(LeapDayRule),
    st.dates(Date(1600, 1, 1).to_stdlib(), Date(2400, 1, 1).to_stdlib()),
    st.dates(Date(1600, 1, 1).to_stdlib(), Date(9000, 1, 1).to_stdlib()),
)
def test_cycles_sort_as_texts_in_the_order_of_time(
    what: EventType, leap: LeapDayRule, born: Date, since: Date
) -> None:
    """Cycles and their dates rise together, and each begins not before the date that was asked for."""
    mine = replace(occasion(), year=born.year, month=born.month, day=born.day)
    begin = Date(since)
    found = list(itertools.islice(turns_since(mine, what, leap, since=begin), 10))
    assert found == sorted(found)
    assert len({turn.cycle for turn in found}) == len({turn.occurrence_date for turn in found}) == len(found)
    if found and what.recurrence is not Recurrence.ONCE:
        after = turns_since(mine, what, leap, since=begin, after=found[0].cycle)
        assert list(itertools.islice(after, len(found) - 1)) == found[1:]
