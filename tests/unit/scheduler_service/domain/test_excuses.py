"""What accounts for a difference that no version explains: a plan stays where it is, an expectation does not."""

from dataclasses import replace
from typing import Any

import pytest

from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence, WeekendShift
from scheduler_service.domain.excuses import of_missing, of_unexpected
from scheduler_service.domain.ledger import Elsewhere, Entry, Wanted
from scheduler_service.domain.occasions import LeapDayRule, Occasion
from scheduler_service.domain.recipients import Recipient
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    Road,
    date,
    local,
    occasion,
    person,
    plan_id_of,
    rule,
)

ENTRY = Entry("evt", "ada", "birthday", "birthday", "2027", False, 1, 1)
WANTED = Wanted(plan_id_of(), "ada", "birthday", "birthday", "2027")
PASSED = Elsewhere(plan_version=2, cycle="2028")


def unexpected(
    who: Recipient,
    *,
    on: str = "2027-05-17",
    what: EventType | None = None,
    reason: str = "",
    redated: bool = False,
) -> str:
    """Return what accounts for an event of 2027 that nothing calls for."""
    entry = replace(ENTRY, reason=reason)
    return of_unexpected(
        entry, person=who, event_type=what or rule(), defaults=DEFAULTS, on=date(on), redated=redated
    )


def missing(
    an_occasion: Occasion, *, on: str = "2027-05-17", what: EventType | None = None, **fields: Any
) -> str:
    """Return what accounts for an event of 2027 that its plan has passed over."""
    return of_missing(
        fields.pop("wanted", WANTED),
        fields.pop("elsewhere", PASSED),
        person=person(an_occasion),
        event_type=what or rule(),
        defaults=DEFAULTS,
        on=date(on),
        redated=fields.pop("redated", False),
    )


def test_a_move_puts_the_hour_before_the_enrolment() -> None:
    """Enrolled at 08:30 UTC for 09:00 UTC, moved to Berlin where 09:00 is earlier: sent, and not expected."""
    mine = occasion("1990-05-17", enrolled="2027-05-17T08:30:00Z")
    road = Road.begin(mine, zone="UTC").moves_to("Europe/Berlin")
    assert (road.row.cycle, local(road.due, "UTC")) == ("2027", "2027-05-17T07:00:00+00:00")
    assert "enrolment" in unexpected(road.who)


def test_an_end_by_hand_under_dates_that_the_rule_had_before() -> None:
    """Skipped after the offset was changed, before its plan was made anew; what was sent has no such excuse."""
    assert "dates that its rule had before" in unexpected(person(), reason="SKIPPED", redated=True)
    assert unexpected(person(), reason="SKIPPED") == ""
    assert unexpected(person(), redated=True) == ""


def test_no_excuse_for_what_the_enrolment_admits_or_no_turn_makes() -> None:
    """Admitted; enrolled a month later; another date; no such occasion; a rule that is paused."""
    early, late = (
        occasion("1990-05-17", enrolled=f"{day}T08:30:00Z") for day in ("2027-01-01", "2027-06-20")
    )
    near = occasion("1990-05-17", enrolled="2027-05-17T20:00:00Z")
    assert unexpected(person(near)) != ""
    assert unexpected(person(early)) == ""
    assert unexpected(person(late)) == ""
    assert unexpected(person(near), on="2027-05-16") == ""
    assert unexpected(person()) == ""
    assert unexpected(person(near), what=rule(state=EventTypeState.PAUSED)) == ""


def test_a_rule_that_has_no_more_turns_has_no_excuse() -> None:
    """What once was and is over does not call for anything."""
    once = rule(recurrence=Recurrence.ONCE)
    mine = occasion("2020-05-17", enrolled="2027-05-17T20:00:00Z")
    assert unexpected(person(mine), what=once) == ""


def test_the_other_way_round_the_plan_has_passed_over_the_turn() -> None:
    """Enrolled at 08:30 UTC in Berlin, where nine is over, then moved to UTC: expected, and never planned."""
    mine = occasion("1990-05-17", enrolled="2027-05-17T08:30:00Z")
    road = Road.begin(mine, zone="Europe/Berlin").moves_to("UTC")
    assert road.row.cycle == "2028"
    elsewhere = Elsewhere(plan_version=road.row.version, cycle=road.row.cycle)
    assert "enrolment" in missing(road.who.occasions[0], elsewhere=elsewhere)


@pytest.mark.parametrize(("shift", "excused"), [(WeekendShift.NONE, False), (WeekendShift.BEFORE, True)])
def test_holidays_widen_what_is_near(shift: WeekendShift, *, excused: bool) -> None:
    """A rule that keeps away from holidays may be moved over an enrolment by weeks."""
    mine = occasion("1990-05-17", enrolled="2027-05-01T00:00:00Z")
    unchanged = replace(PASSED, plan_version=1)
    assert (missing(mine, what=rule(weekend_shift=shift), elsewhere=unchanged) != "") is excused


def test_an_unchanged_plan_that_has_passed_over_a_turn_has_no_excuse() -> None:
    """Long enrolled, never changed since it was made, or with events behind it."""
    assert missing(occasion("1990-05-17", enrolled="2025-01-01T00:00:00Z")) == ""
    for elsewhere in (replace(PASSED, plan_version=1), replace(PASSED, last_cycle="2026")):
        assert missing(occasion("1990-05-17", enrolled="2027-01-01T00:00:00Z"), elsewhere=elsewhere) == ""


def test_the_first_turn_after_the_enrolment_may_have_been_no_turn() -> None:
    """Born "this year", corrected to 1990: the zeroth anniversary was passed over and is the 37th now."""
    road = Road.begin(occasion("2027-05-17", enrolled="2027-01-01T00:00:00Z"))
    assert road.row.cycle == "2028"
    road.corrects(occasion("1990-05-17", enrolled="2027-01-01T00:00:00Z"))
    assert road.row.cycle == "2028"
    elsewhere = Elsewhere(plan_version=road.row.version, cycle="2028")
    assert "first turn" in missing(road.who.occasions[0], elsewhere=elsewhere)


def test_a_leap_day_that_was_omitted() -> None:
    """OMIT passes over 2027; under BACKWARD it has a turn on 28 February."""
    mine = occasion("1992-02-29", leap=LeapDayRule.BACKWARD, enrolled="2025-01-01T00:00:00Z")
    assert "leap day" in missing(mine, on="2027-02-28")


def test_a_rule_whose_dates_were_others() -> None:
    """An offset that was changed, with plans beyond the turn, accounts for it."""
    mine = occasion("1990-05-17", enrolled="2025-01-01T00:00:00Z")
    assert "dates were changed" in missing(mine, redated=True)


def test_only_what_was_passed_over_has_an_excuse() -> None:
    """A plan that is gone, closed, or says that it was decided has none, whatever was changed."""
    mine = occasion("1990-05-17", enrolled="2027-05-17T08:30:00Z")
    for elsewhere in (Elsewhere(), Elsewhere(plan_version=3, cycle="2028", last_cycle="2027")):
        assert missing(mine, elsewhere=elsewhere, redated=True) == ""
