"""DESIGN 4: years unknown, long ago, not yet; and two occasions of a kind."""

from dataclasses import replace

import pytest
from whenever import Date

from scheduler_service.domain.cycles import LAST_YEAR, turns
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from tests.unit.scheduler_service.domain.domain_examples import Road, at, date, date_in, occasion, person

BACKWARD = LeapDayRule.BACKWARD


@pytest.mark.parametrize(("born", "age"), [("1847-03-01", 180), ("1899-03-01", 128), ("0001-03-01", 2026)])
def test_occasions_long_before_1970_are_planned_like_any_other(born: str, age: int) -> None:
    """A date of 1847, 1899 or the year 1 has its anniversary in 2027 and a number of years."""
    road = Road.begin(occasion(born, enrolled="2027-01-01T00:00:00Z"))
    assert road.row.due_time == at("2027-03-01T08:00:00Z")
    assert turns(road.who.occasions[0], "2027") == age


def test_unknown_year_has_anniversaries_and_no_number() -> None:
    """Without a year every year has its turn, and nobody is told how old they are."""
    road = Road.begin(occasion("--05-17"))
    assert road.row.cycle == "2026"
    assert turns(road.who.occasions[0], "2026") is None


def test_29_february_without_year_is_moved_like_any_leap_day() -> None:
    """A yearless 29 February is celebrated on the 28th in a common year."""
    assert date_in(2027, occasion("--02-29"), BACKWARD) == Date(2027, 2, 28)


def test_zeroth_anniversary_never_fires() -> None:
    """Somebody born this year, or next year, has the first anniversary the year after."""
    newborn = occasion("2026-05-17")
    assert [date_in(year, newborn, BACKWARD) for year in (2025, 2026)] == [None, None]
    assert date_in(2027, newborn, BACKWARD) == Date(2027, 5, 17)
    assert Road.begin(newborn).row.cycle == "2027"
    assert Road.begin(occasion("2050-05-17")).row.cycle == "2051"


def test_corrected_year_that_leaves_no_anniversary_passes_on_to_the_next() -> None:
    """When the open cycle turns out to be the zeroth, or long before it, the plan waits for the first."""
    road = Road.begin(occasion("1990-05-17"))
    assert road.row.cycle == "2026"
    assert road.corrects(occasion("2026-05-17")).row.cycle == "2027"
    assert road.corrects(occasion("2150-05-17")).row.cycle == "2151"


def test_two_occasions_of_a_kind_are_two_plans() -> None:
    """Two birthdays of one person have two ids, two cycles and two due times, in one shard."""
    legal, real = occasion("1990-05-17"), occasion("1990-11-02", occasion_id="real-birthday")
    roads = [Road.begin(legal), Road.begin(real)]
    first, second = (road.row for road in roads)
    assert first.plan_id != second.plan_id
    assert first.shard == second.shard
    assert (first.occurrence_date, second.occurrence_date) == (date("2026-05-17"), date("2026-11-02"))


def test_occasion_is_found_by_id_and_kind() -> None:
    """A person's occasion counts for a rule only if it is of the rule's kind."""
    ada = person(occasion(), occasion("1990-11-02", occasion_id="second"))
    found = ada.occasion("second", kind="birthday")
    assert found is not None
    assert found.month == 11
    assert ada.occasion("second", kind="anniversary") is None
    assert ada.occasion("third", kind="birthday") is None


def test_occasion_whose_years_are_over_has_nothing_due() -> None:
    """Beyond the calendar there is an empty plan, not an error; its row can go."""
    road = Road.begin(occasion("9999-05-17"))
    assert (road.row.cycle, road.row.due_time, road.row.is_void) == (None, None, True)
    assert date_in(LAST_YEAR + 1, occasion("--05-17"), BACKWARD) is None


def test_person_without_zone_lives_in_the_tenants() -> None:
    """An empty zone means the tenant's default, resolved when planning."""
    nowhere = Road.begin(occasion("--05-17"), zone="")
    assert nowhere.row.due_time == at("2026-05-17T09:00:00Z")
    nowhere.defaults = replace(nowhere.defaults, time_zone="Asia/Kathmandu")
    assert nowhere.replan().row.due_time == at("2026-05-17T03:15:00Z")
    assert nowhere.row.version == 2


def test_last_year_of_the_calendar_is_not_stepped_over() -> None:
    """The plan of the last cycle there is has an empty successor."""
    road = Road.begin(occasion("--05-17", enrolled="9996-01-01T00:00:00Z", on_enrol=OnEnrol.NEXT))
    assert road.row.cycle == f"{LAST_YEAR}"
    assert (road.commit().row.cycle, road.row.last_cycle) == (None, f"{LAST_YEAR}")
