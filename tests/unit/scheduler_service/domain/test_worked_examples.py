"""The worked examples that the contracts give in the comments of their enums, word for word."""

from dataclasses import replace
from datetime import timedelta

import pytest
from whenever import Date, Time

from scheduler_service.domain.decisions import Expire, Reason, Send, Suppress
from scheduler_service.domain.event_types import (
    FoldPolicy,
    GapPolicy,
    LatePolicy,
    Recurrence,
    SkippedDatePolicy,
    WeekendShift,
)
from scheduler_service.domain.moments import due_moment
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from scheduler_service.domain.recipients import ZoneMode
from tests.unit.scheduler_service.domain.domain_examples import Road, at, date, local, occasion, quiet, rule

BERLIN, APIA = "Europe/Berlin", "Pacific/Apia"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (GapPolicy.FORWARD, "2027-03-28T03:30:00+02:00"),
        (GapPolicy.END, "2027-03-28T03:00:00+02:00"),
        (GapPolicy.BACKWARD, "2027-03-28T01:30:00+01:00"),
    ],
)
def test_gap_policies_at_half_past_two_in_berlin(policy: GapPolicy, expected: str) -> None:
    """02:30 in Berlin on 2027-03-28 is 03:30 CEST, 03:00 CEST or 01:30 CET."""
    assert local(due_moment(date("2027-03-28"), Time(2, 30), BERLIN, policy).time, BERLIN) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(FoldPolicy.FIRST, "2027-10-31T00:30:00Z"), (FoldPolicy.SECOND, "2027-10-31T01:30:00Z")],
)
def test_fold_policies_at_half_past_two_in_berlin(policy: FoldPolicy, expected: str) -> None:
    """02:30 in Berlin on 2027-10-31 is 00:30 UTC or 01:30 UTC."""
    assert due_moment(date("2027-10-31"), Time(2, 30), BERLIN, fold=policy).time == at(expected)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (SkippedDatePolicy.NEXT, "2011-12-31T09:00:00+14:00"),
        (SkippedDatePolicy.PREVIOUS, "2011-12-29T09:00:00-10:00"),
    ],
)
def test_skipped_date_policies_in_apia(policy: SkippedDatePolicy, expected: str) -> None:
    """2011-12-30 09:00 in Apia is the 31st or the 29th at 09:00."""
    moment = due_moment(date("2011-12-30"), Time(9), APIA, skipped_date=policy)
    assert local(moment.time, APIA) == expected


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (WeekendShift.NONE, "2027-05-01T09:00:00+02:00"),
        (WeekendShift.BEFORE, "2027-04-30T09:00:00+02:00"),
        (WeekendShift.AFTER, "2027-05-03T09:00:00+02:00"),
    ],
)
def test_weekend_shifts_of_saturday_1_may_2027(shift: WeekendShift, expected: str) -> None:
    """A reminder for Saturday 2027-05-01 leaves on Saturday, Friday or Monday; date and cycle stay."""
    road = Road.begin(occasion("--05-01", enrolled="2027-01-01T00:00:00Z"), what=rule(weekend_shift=shift))
    assert local(road.due, BERLIN) == expected
    assert (road.row.cycle, road.row.occurrence_date) == ("2027", Date(2027, 5, 1))


def test_late_policies_two_minutes_and_two_hours_after_nine() -> None:
    """Due at 09:00: SEND leaves at 11:00 marked late; EXPIRE does not leave at 09:02."""
    road = Road.begin(occasion()).until("2026-05-17T09:00:00Z")
    assert road.decide() == Send(road.row, late=True)
    road.has_rule(rule(late=LatePolicy.EXPIRE)).until("2026-05-17T07:02:00Z")
    assert road.decide() == Expire(road.row, Reason.MISSED)


def test_recurrence_yearly() -> None:
    """A birthday on 1990-03-04 turns on 2027-03-04 in cycle `2027`."""
    row = Road.begin(occasion("1990-03-04", enrolled="2027-01-01T00:00:00Z")).row
    assert (row.cycle, row.occurrence_date) == ("2027", date("2027-03-04"))


@pytest.mark.parametrize(
    ("leap", "expected"), [(LeapDayRule.BACKWARD, "2027-02-28"), (LeapDayRule.FORWARD, "2027-03-01")]
)
def test_recurrence_monthly(leap: LeapDayRule, expected: str) -> None:
    """2027-01-31 turns on 2027-02-28 or 2027-03-01 in cycle `2027-02`, and on 2027-03-31 in `2027-03`."""
    road = Road.begin(
        occasion("2027-01-31", leap=leap, enrolled="2027-01-01T00:00:00Z"),
        what=rule(recurrence=Recurrence.MONTHLY),
    )
    assert (road.row.cycle, road.row.occurrence_date) == ("2027-02", date(expected))
    road.commit()
    assert (road.row.cycle, road.row.occurrence_date) == ("2027-03", date("2027-03-31"))


def test_recurrence_once() -> None:
    """2027-03-04 turns on that very date in cycle `once`, and then never."""
    born = occasion("2027-03-04", enrolled="2027-01-01T00:00:00Z")
    road = Road.begin(born, what=rule(recurrence=Recurrence.ONCE))
    assert (road.row.cycle, road.row.occurrence_date) == ("once", date("2027-03-04"))
    assert road.commit().row.cycle is None


def test_recurrence_rrule() -> None:
    """`FREQ=WEEKLY;BYDAY=MO` from 2027-03-04, a Thursday, turns first on 2027-03-08 in cycle `20270308`."""
    weekly = rule(recurrence=Recurrence.RRULE, rrule="FREQ=WEEKLY;BYDAY=MO")
    road = Road.begin(occasion("2027-03-04", enrolled="2027-01-01T00:00:00Z"), what=weekly)
    assert (road.row.cycle, road.row.occurrence_date) == ("20270308", date("2027-03-08"))


@pytest.mark.parametrize(("policy", "cycle"), [(OnEnrol.NEXT, "2027"), (OnEnrol.SAME_DAY, "2026")])
def test_enrolment_policy_of_the_rule_overrides_that_of_the_occasion(policy: OnEnrol, cycle: str) -> None:
    """Enrolled at 12:00 for 09:00: NEXT waits for 2027, SAME_DAY leaves at once, whatever the occasion says."""
    for own in OnEnrol:
        noon = occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=own)
        assert Road.begin(noon, what=rule(on_enrol=policy)).row.cycle == cycle


LISBON = occasion("--05-17", enrolled="2027-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("mode", "expected"), [(ZoneMode.HOME, "2027-05-17T08:00:00Z"), (ZoneMode.FOLLOW, "2027-05-17T00:00:00Z")]
)
def test_zone_modes_of_somebody_from_lisbon_in_tokyo(mode: ZoneMode, expected: str) -> None:
    """A birthday on 17 May 2027 at 09:00: in Lisbon that is 08:00 UTC, in Tokyo 00:00 UTC."""
    road = Road.begin(LISBON, zone="Europe/Lisbon", zone_mode=mode, current_time_zone="Asia/Tokyo")
    assert road.due == at(expected)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("2027-05-16T22:59:59Z", "2027-05-17T08:00:00Z"),
        ("2027-05-16T23:00:00Z", "2027-05-17T00:00:00Z"),
        ("2027-05-16T23:30:00Z", "2027-05-17T00:00:00Z"),
    ],
)
def test_zone_mode_follow_freezes_an_hour_before(changed: str, expected: str) -> None:
    """Back in Lisbon at 22:59:59 UTC it is due at 08:00 UTC; at 23:00:00 or later it stays at 00:00."""
    road = Road.begin(LISBON, zone="Europe/Lisbon", zone_mode=ZoneMode.FOLLOW, current_time_zone="Asia/Tokyo")
    assert road.until(changed).wants(current_time_zone="Europe/Lisbon").due == at(expected)


def test_own_local_time() -> None:
    """Rule 09:00, own time 18:30 in Lisbon: due 17:30 UTC instead of 08:00."""
    own = {"birthday": Time(18, 30)}
    assert Road.begin(LISBON, zone="Europe/Lisbon", local_times=own).due == at("2027-05-17T17:30:00Z")


def test_quiet_hours() -> None:
    """Quiet from 22:00 to 07:00, a rule at 06:30 on 17 May 2027 in Lisbon: sent at 06:00 UTC."""
    early = rule(local_time=Time(6, 30))
    road = Road.begin(LISBON, zone="Europe/Lisbon", what=early, quiet_hours=quiet(22, 7))
    assert road.due == at("2027-05-17T06:00:00Z")


@pytest.mark.parametrize(
    ("leap", "expected"),
    [
        (LeapDayRule.BACKWARD, ("2027", "2027-02-28")),
        (LeapDayRule.FORWARD, ("2027", "2027-03-01")),
        (LeapDayRule.OMIT, ("2028", "2028-02-29")),
    ],
)
def test_leap_day_rules_in_2027(leap: LeapDayRule, expected: tuple[str, str]) -> None:
    """29 February in 2027 is kept on 28 February, on 1 March, or not before 2028-02-29."""
    row = Road.begin(occasion("1996-02-29", leap=leap, enrolled="2027-01-01T00:00:00Z")).row
    assert (row.cycle, row.occurrence_date) == (expected[0], date(expected[1]))


def test_min_gap_of_a_monthly_rule() -> None:
    """Sent for 2027-03-31; the day corrected to the 10th, April comes 10 days later and is TOO_CLOSE."""
    monthly = rule(recurrence=Recurrence.MONTHLY)
    road = Road.begin(occasion("--01-31", enrolled="2027-03-15T00:00:00Z"), what=monthly)
    road.now = road.due
    road.commit()
    tenth = replace(road.who.occasions[0], day=10)
    road.corrects(tenth)
    road.now = road.due
    assert road.row.cycle == "2027-04"
    assert road.decide() == Suppress(road.row, Reason.TOO_CLOSE)
    assert road.has_rule(replace(monthly, min_gap=timedelta(days=10))).decide() == Send(road.row, late=False)
