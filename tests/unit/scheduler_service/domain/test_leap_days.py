"""DESIGN 4: 29 February, by rule, from the original date each year."""

import pytest
from whenever import Date

from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule
from scheduler_service.domain.plans import first_plan
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    Road,
    at,
    date,
    date_in,
    occasion,
    person,
    plan_id_of,
    rule,
)

BACKWARD, FORWARD, OMIT = LeapDayRule.BACKWARD, LeapDayRule.FORWARD, LeapDayRule.OMIT
AROUND_2100 = [
    (BACKWARD, ["2096-02-29", "2097-02-28", "2100-02-28", "2103-02-28", "2104-02-29"]),
    (FORWARD, ["2096-02-29", "2097-03-01", "2100-03-01", "2103-03-01", "2104-02-29"]),
    (OMIT, ["2096-02-29", None, None, None, "2104-02-29"]),
]


@pytest.mark.parametrize(("leap", "expected"), AROUND_2100)
def test_leap_day_comes_back_to_29_february_and_2100_is_no_leap_year(
    leap: LeapDayRule, expected: list[str | None]
) -> None:
    """Each year starts from the original date, so a common year leaves no trace in the next leap year."""
    born = occasion("1996-02-29")
    found = [date_in(year, born, leap) for year in (2096, 2097, 2100, 2103, 2104)]
    assert found == [text and date(text) for text in expected]


@pytest.mark.parametrize("leap", list(LeapDayRule))
def test_no_rule_moves_an_ordinary_date(leap: LeapDayRule) -> None:
    """28 February and 1 March stay where they are, whatever the rule."""
    assert date_in(2100, occasion("1996-02-28"), leap) == Date(2100, 2, 28)
    assert date_in(2100, occasion("1996-03-01"), leap) == Date(2100, 3, 1)


@pytest.mark.parametrize(
    ("own", "expected"),
    [(None, "2027-02-28"), (FORWARD, "2027-03-01"), (BACKWARD, "2027-02-28"), (OMIT, "2028-02-29")],
)
def test_occasion_rule_comes_before_the_tenants(own: LeapDayRule | None, expected: str) -> None:
    """The tenant's leap rule (here BACKWARD) counts only for occasions without one of their own."""
    born = occasion("1996-02-29", leap=own, enrolled="2027-01-01T00:00:00Z")
    assert Road.begin(born).row.occurrence_date == date(expected)


def test_moved_leap_day_is_flagged_and_keeps_the_cycle_of_its_year() -> None:
    """A 29 February kept on 1 March says so; in a leap year there is nothing to say."""
    road = Road.begin(occasion("1996-02-29", leap=FORWARD, enrolled="2027-01-01T00:00:00Z"))
    assert (road.row.cycle, road.row.shifts) == ("2027", (Shift.LEAP_DAY,))
    road.commit()
    assert (road.row.cycle, road.row.shifts) == ("2028", ())


def test_omit_plans_across_the_eight_years_around_2100() -> None:
    """Under OMIT the turn after 2096 is 2104."""
    born = occasion("1996-02-29", leap=OMIT, enrolled="2096-02-01T00:00:00Z")
    road = Road.begin(born)
    assert road.row.cycle == "2096"
    assert road.commit().row.cycle == "2104"
    late = occasion("1996-02-29", leap=OMIT, enrolled="2096-03-01T00:00:00Z")
    assert Road.begin(late).row.cycle == "2104"


def test_offset_counts_from_the_moved_date() -> None:
    """A reminder three days ahead of a 29 February in a common year is three days ahead of where it is kept."""
    born, ahead = occasion("1996-02-29"), rule(day_offset=-3)
    assert date_in(2027, born, BACKWARD, ahead) == Date(2027, 2, 25)
    assert date_in(2027, born, FORWARD, ahead) == Date(2027, 2, 26)
    assert date_in(2027, born, OMIT, ahead) is None


def test_changed_leap_rule_recomputes_the_open_cycle() -> None:
    """Before due, another leap rule moves the same cycle; OMIT passes on to the next that applies."""
    road = Road.begin(occasion("1996-02-29", enrolled="2027-01-01T00:00:00Z")).until("2027-02-01T00:00:00Z")
    forward = occasion("1996-02-29", leap=FORWARD, enrolled="2027-01-01T00:00:00Z")
    assert (road.corrects(forward).row.cycle, road.row.occurrence_date) == ("2027", date("2027-03-01"))
    omit = occasion("1996-02-29", leap=OMIT, enrolled="2027-01-01T00:00:00Z")
    assert (road.corrects(omit).row.cycle, road.row.moved) == ("2028", False)


def test_leap_day_at_a_negative_offset_is_found_in_the_year_before() -> None:
    """An offset that carries an occurrence into the year before keeps the name of its anniversary."""
    born = occasion("--01-03", enrolled="2026-12-20T00:00:00Z")
    plan = first_plan(
        person(born),
        born,
        event_type=rule(day_offset=-7),
        defaults=DEFAULTS,
        plan_id=plan_id_of(),
        tzdata_version="2026f",
    )
    assert (plan.cycle, plan.occurrence_date) == ("2027", date("2026-12-27"))
    assert plan.due_time == at("2026-12-27T08:00:00Z")
