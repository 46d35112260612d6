"""DESIGN 4: enrolled on the day, after the hour; and rules that come after the people."""

from datetime import timedelta

import pytest

from scheduler_service.domain.decisions import Defer, Expire, Reason, Send
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.plans import effective_enrolment
from tests.unit.scheduler_service.domain.domain_examples import DEFAULTS, Road, at, date, occasion, rule

NEXT, SAME_DAY = OnEnrol.NEXT, OnEnrol.SAME_DAY


@pytest.mark.parametrize(
    ("policy", "enrolled", "cycle"),
    [
        (NEXT, "2026-05-17T06:59:59Z", "2026"),
        (NEXT, "2026-05-17T07:00:00Z", "2026"),
        (NEXT, "2026-05-17T07:00:01Z", "2027"),
        (SAME_DAY, "2026-05-17T07:00:01Z", "2026"),
        (SAME_DAY, "2026-05-17T21:59:59Z", "2026"),
        (SAME_DAY, "2026-05-17T22:00:00Z", "2027"),
    ],
)
def test_enrolled_around_the_hour(policy: OnEnrol, enrolled: str, cycle: str) -> None:
    """NEXT takes this year until nine o'clock in Berlin, SAME_DAY until the end of the day there."""
    assert Road.begin(occasion(enrolled=enrolled, on_enrol=policy)).row.cycle == cycle


def test_enrolled_after_the_hour_leaves_at_once_and_keeps_its_nominal_time() -> None:
    """Under SAME_DAY what was due at nine is due at the enrolment, not marked late, with nine remembered."""
    road = Road.begin(occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=SAME_DAY))
    assert road.row.nominal_due_time == at("2026-05-17T07:00:00Z")
    assert road.row.due_time == at("2026-05-17T10:00:00Z")
    assert road.row.deliver_by == at("2026-05-17T22:00:00Z")
    assert road.decide() == Send(road.row, late=False)


def test_enrolled_before_the_hour_waits_for_it() -> None:
    """SAME_DAY does not bring anything forward."""
    road = Road.begin(occasion(enrolled="2026-05-17T05:00:00Z", on_enrol=SAME_DAY))
    assert road.row.due_time == at("2026-05-17T07:00:00Z")


def test_same_day_ends_with_the_delivery_window() -> None:
    """With two hours to deliver, an enrolment at noon is too late for SAME_DAY."""
    short = rule(deliver_within=timedelta(hours=2))
    noon = occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=SAME_DAY)
    assert Road.begin(noon, what=short).row.cycle == "2027"
    ten = occasion(enrolled="2026-05-17T08:00:00Z", on_enrol=SAME_DAY)
    road = Road.begin(ten, what=short)
    assert (road.row.cycle, road.row.deliver_by) == ("2026", at("2026-05-17T09:00:00Z"))
    closing = occasion(enrolled="2026-05-17T09:00:00Z", on_enrol=SAME_DAY)
    assert Road.begin(closing, what=short).row.cycle == "2027"


def test_enrolled_after_the_hour_and_moved_east_expires_with_its_nominal_time() -> None:
    """When the day was over there before the enrolment, it is the move that missed, not an instant after the end."""
    born = occasion(enrolled="2026-05-17T21:30:00Z", on_enrol=SAME_DAY)
    road = Road.begin(born).moves_to("Asia/Kathmandu")
    assert road.row.due_time == road.row.nominal_due_time == at("2026-05-17T03:15:00Z")
    assert road.decide() == Expire(road.row, Reason.MISSED_BY_MOVE)


def test_same_day_does_not_reach_back_to_yesterday() -> None:
    """A delivery window of three days does not greet on the day after the birthday."""
    wide = rule(deliver_within=timedelta(days=3))
    road = Road.begin(occasion(enrolled="2026-05-18T05:00:00Z", on_enrol=SAME_DAY), what=wide)
    assert road.row.cycle == "2027"


def test_the_day_of_an_enrolment_is_the_one_where_the_person_lives() -> None:
    """At 11:00 UTC on the 16th it is the 17th in Kiritimati, after the hour; in Berlin it is the day before."""
    born = occasion(enrolled="2026-05-16T11:00:00Z", on_enrol=SAME_DAY)
    assert Road.begin(born, zone="Pacific/Kiritimati").row.due_time == at("2026-05-16T19:00:00Z")
    assert Road.begin(born).row.due_time == at("2026-05-17T07:00:00Z")


def test_enrolment_in_the_new_year_finds_the_occurrence_a_skipped_date_moved_there() -> None:
    """Kiritimati's missing New Year's Eve of 1994 is kept on 1 January 1995 as cycle 1994."""
    born = occasion("--12-31", enrolled="1994-12-31T12:00:00Z")
    road = Road.begin(born, zone="Pacific/Kiritimati", what=rule(enrolled="1994-01-01T00:00:00Z"))
    assert (road.row.cycle, road.row.shifts) == ("1994", (Shift.SKIPPED_DATE,))
    assert road.row.due_time == at("1994-12-31T19:00:00Z")
    assert road.row.occurrence_date == date("1994-12-31")


def test_rule_created_after_the_person_greets_nobody_on_the_spot() -> None:
    """A rule made at noon of the day starts with the next cycle, whatever the person's policy."""
    born = occasion(enrolled="2026-01-01T00:00:00Z", on_enrol=SAME_DAY)
    late_rule = rule(enrolled="2026-05-17T10:00:00Z")
    assert effective_enrolment(born, late_rule) == (at("2026-05-17T10:00:00Z"), NEXT)
    assert Road.begin(born, what=late_rule).row.cycle == "2027"


def test_rule_created_after_the_person_greets_at_once_only_if_it_says_so() -> None:
    """With SAME_DAY of its own, a rule made at noon greets those whose day it is."""
    now_too = rule(enrolled="2026-05-17T10:00:00Z", on_enrol=SAME_DAY)
    row = Road.begin(occasion(), what=now_too).row
    assert (row.cycle, row.due_time) == ("2026", at("2026-05-17T10:00:00Z"))


def test_enrolment_of_the_same_instant_as_the_rule_keeps_its_policy() -> None:
    """Only a rule that is really later overrides the occasion's policy."""
    born = occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=SAME_DAY)
    same = rule(enrolled="2026-05-17T10:00:00Z")
    assert effective_enrolment(born, same) == (at("2026-05-17T10:00:00Z"), SAME_DAY)


def test_first_plan_does_not_depend_on_when_the_planner_comes() -> None:
    """A planner three years late plans the same cycle; what is over is decided, not forgotten."""
    born = occasion(enrolled="2026-01-01T00:00:00Z")
    early = Road.begin(born)
    late = Road(early.who, early.what, at("2029-01-01T00:00:00Z"), DEFAULTS).replan()
    assert late.row == early.row


def test_nothing_is_decided_before_the_enrolled_occasion_is_due() -> None:
    """An enrolled occasion waits, and the answer says until when."""
    road = Road.begin(occasion(enrolled="2026-01-01T00:00:00Z"))
    assert road.decide() == Defer(road.row, at("2026-05-17T07:00:00Z"))
