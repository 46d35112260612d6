"""DESIGN 4: quiet hours - deferred to their end, or suppressed when that is too late."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant, Time, TimeDelta

from chassis import zones
from scheduler_service.domain.decisions import Defer, Expire, Reason, Send, Suppress
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.quiet_hours import quiet_until
from scheduler_service.domain.recipients import QuietHours
from tests.unit.scheduler_service.domain.domain_examples import Road, at, occasion, quiet, rule


def test_due_in_quiet_hours_is_deferred_to_their_end() -> None:
    """Due at nine, quiet from eight to ten: it leaves at ten, and nine is remembered."""
    road = Road.begin(occasion(), quiet_hours=quiet(8, 10))
    assert (road.due, road.row.nominal_due_time) == (at("2026-05-17T08:00:00Z"), at("2026-05-17T07:00:00Z"))
    assert (road.row.shifts, road.row.deliver_by) == ((Shift.QUIET_HOURS,), at("2026-05-17T22:00:00Z"))
    assert road.until("2026-05-17T08:00:00Z").decide() == Send(road.row, late=False)


def test_quiet_hours_over_midnight_that_end_after_deliver_by_suppress() -> None:
    """Due at 22:30, quiet from 22 to 7: the day is over before them, so it is suppressed."""
    road = Road.begin(occasion(), what=rule(local_time=Time(22, 30)), quiet_hours=quiet(22, 7))
    assert (road.due, road.row.shifts) == (at("2026-05-17T20:30:00Z"), ())
    assert road.until("2026-05-17T20:30:00Z").decide() == Suppress(road.row, Reason.QUIET_HOURS)


def test_quiet_hours_that_end_with_the_day_end_too_late() -> None:
    """Quiet from 22:00 to midnight: at midnight the day is over, so it is not moved but suppressed."""
    late = rule(local_time=Time(22, 30))
    road = Road.begin(occasion(), what=late, quiet_hours=quiet(22, 0)).until("2026-05-17T20:30:00Z")
    assert (road.due, road.row.shifts) == (at("2026-05-17T20:30:00Z"), ())
    assert road.decide() == Suppress(road.row, Reason.QUIET_HOURS)
    just = QuietHours(Time(22), Time(23, 59, 59))
    assert Road.begin(occasion(), what=late, quiet_hours=just).due == at("2026-05-17T21:59:59Z")


def test_quiet_hours_over_midnight_within_the_window_defer_to_the_morning() -> None:
    """The same with a day to deliver: it leaves at seven in the morning."""
    wide = rule(local_time=Time(22, 30), deliver_within=timedelta(days=1))
    road = Road.begin(occasion(), what=wide, quiet_hours=quiet(22, 7))
    assert road.due == at("2026-05-18T05:00:00Z")
    assert road.row.deliver_by == at("2026-05-18T20:30:00Z")


def test_down_until_the_quiet_hours_is_deferred_by_the_decision() -> None:
    """Due at nine, nobody there until 13:30, quiet from 13 to 15: the decision defers, then sends on time."""
    road = Road.begin(occasion(), quiet_hours=quiet(13, 15)).until("2026-05-17T11:30:00Z")
    decision = road.decide()
    assert isinstance(decision, Defer)
    assert decision.until == decision.plan.due_time == at("2026-05-17T13:00:00Z")
    assert (decision.plan.shifts, decision.plan.version) == ((Shift.QUIET_HOURS,), road.row.version + 1)
    road.plan = decision.plan
    assert road.until("2026-05-17T13:00:00Z").decide() == Send(road.row, late=False)
    assert road.until("2026-05-17T22:00:00Z").decide() == Expire(road.row, Reason.MISSED)


def test_planning_again_takes_a_deferral_back_without_calling_it_a_move() -> None:
    """A replan computes the due time anew; were it missed in the end, no move would be to blame."""
    road = Road.begin(occasion(), quiet_hours=quiet(13, 15)).until("2026-05-17T11:30:00Z")
    road.plan = road.decide().plan
    assert (road.replan().due, road.row.moved) == (at("2026-05-17T07:00:00Z"), False)
    assert isinstance(road.decide(), Defer)


def test_deferred_twice_is_flagged_once() -> None:
    """Planned for the end of a rest, decided in a longer one: there is one flag."""
    road = Road.begin(occasion(), quiet_hours=quiet(8, 10)).until("2026-05-17T08:00:00Z")
    # The person's new wish has arrived, the planner has not.
    plan = road.row
    road.wants(quiet_hours=quiet(8, 11)).plan = plan
    assert road.decide().plan.shifts == (Shift.QUIET_HOURS,)


def test_enrolled_in_the_quiet_hours_of_the_day_waits_for_their_end() -> None:
    """Under SAME_DAY an enrolment at 13:30 leaves at 15:00 where 13 to 15 is quiet."""
    born = occasion(enrolled="2026-05-17T11:30:00Z", on_enrol=OnEnrol.SAME_DAY)
    assert Road.begin(born, quiet_hours=quiet(13, 15)).due == at("2026-05-17T13:00:00Z")


def test_changed_quiet_hours_recompute_the_open_cycle() -> None:
    """Who asks for rest until ten the day before gets it; who takes it back is greeted at nine."""
    road = Road.begin(occasion()).until("2026-05-16T07:00:00Z").wants(quiet_hours=quiet(0, 10))
    assert road.due == at("2026-05-17T08:00:00Z")
    assert road.wants(quiet_hours=None).due == at("2026-05-17T07:00:00Z")


def test_equal_ends_are_never_quiet() -> None:
    """[9, 9) is empty."""
    assert Road.begin(occasion(), quiet_hours=quiet(9, 9)).due == at("2026-05-17T07:00:00Z")


@pytest.mark.parametrize(
    ("end", "now", "until"),
    [
        # 2027-03-28: 02:00 becomes 03:00; an end at 02:30 is the end of the gap.
        (Time(2, 30), "2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z"),
        # 2027-10-31: 03:00 becomes 02:00; asked in the second 02:10, the second 02:30 is meant.
        (Time(2, 30), "2027-10-31T00:10:00Z", "2027-10-31T00:30:00Z"),
        (Time(2, 30), "2027-10-31T01:10:00Z", "2027-10-31T01:30:00Z"),
    ],
)
def test_ends_that_a_date_skips_or_repeats(end: Time, now: str, until: str) -> None:
    """In Berlin, quiet from 22:00 on."""
    assert quiet_until(at(now), QuietHours(Time(22), end), "Europe/Berlin") == at(until)


minutes = st.integers(0, 24 * 60 - 1).map(lambda n: Time(n // 60, n % 60))
instants = st.integers(0, 40 * 366 * 24 * 60).map(
    lambda n: Instant.from_utc(1990, 1, 1) + TimeDelta(minutes=n)
)


@given(st.builds(QuietHours, minutes, minutes), instants, st.sampled_from(sorted(zones.names())))
def test_quiet_hours_end_in_the_future_and_within_two_days(
    hours: QuietHours, time: Instant, zone: str
) -> None:
    """Whatever the zone does, rest ends later than now, within a day and what a date line can add."""
    until = quiet_until(time, hours, zone)
    wall = time.to_tz(zone).time()
    if hours.start <= hours.end:
        inside = hours.start <= wall < hours.end
    else:
        inside = not hours.end <= wall < hours.start
    assert (until is not None) == inside
    if until is not None:
        assert timedelta(0) < (until - time).to_stdlib() <= timedelta(hours=50)
