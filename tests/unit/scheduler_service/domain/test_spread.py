"""Spread: a moment of one's own within a span, the same in every cycle."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from whenever import Time, TimeDelta

from scheduler_service.domain import ids
from scheduler_service.domain.decisions import Defer, Send
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.timings import slot_of
from tests.unit.scheduler_service.domain.domain_examples import (
    KEY,
    Road,
    at,
    occasion,
    plan_id_of,
    quiet,
    rule,
)

HOUR = timedelta(hours=1)
OWN = slot_of(plan_id_of(), HOUR)


@given(st.binary(min_size=16, max_size=16), st.integers(1, 6 * 3600 * 1000))
def test_slots_are_whole_milliseconds_within_the_spread(plan_id: bytes, milliseconds: int) -> None:
    """0 <= slot < spread, and the same each time."""
    spread = timedelta(milliseconds=milliseconds)
    slot = slot_of(plan_id, spread)
    assert timedelta(0) <= slot.to_stdlib() < spread
    assert slot.to_stdlib() % timedelta(milliseconds=1) == timedelta(0)
    assert slot == slot_of(plan_id, spread)


def test_slots_of_many_people_fill_the_spread_evenly() -> None:
    """Of 6,000 people over an hour every minute has between 60 and 150."""
    counts = [0] * 60
    for n in range(6000):
        name = ids.plan_id(KEY, "acme", f"user-{n}", "birthday", "birthday")
        counts[int(slot_of(name, HOUR).to_stdlib() / timedelta(minutes=1))] += 1
    assert 60 < min(counts) <= max(counts) < 150


def test_due_time_has_the_persons_slot_and_nine_is_remembered() -> None:
    """Due within the hour after nine, never before; the flag says why."""
    road = Road.begin(occasion(), what=rule(spread=HOUR))
    nine = at("2026-05-17T07:00:00Z")
    assert road.row.nominal_due_time == nine
    assert road.due == nine + OWN
    assert road.row.shifts == (Shift.SPREAD,)
    assert isinstance(road.until("2026-05-17T07:00:00Z").decide(), Defer)
    road.now = road.due
    assert road.decide() == Send(road.row, late=False)
    assert road.commit().due == at("2027-05-17T07:00:00Z") + OWN


def test_window_counts_from_the_slot() -> None:
    """With two hours to deliver everybody has two hours, and at the end of a day its day."""
    short = Road.begin(occasion(), what=rule(spread=HOUR, deliver_within=timedelta(hours=2)))
    assert short.row.deliver_by == short.due + TimeDelta(hours=2)
    night = Road.begin(occasion(), what=rule(spread=HOUR, local_time=Time(23, 59, 59)))
    assert night.row.deliver_by == at("2026-05-18T22:00:00Z")


def test_quiet_hours_see_the_slot() -> None:
    """A slot that falls into a rest is deferred to its end."""
    road = Road.begin(occasion(), what=rule(spread=HOUR), quiet_hours=quiet(9, 10))
    assert (road.due, road.row.shifts) == (at("2026-05-17T08:00:00Z"), (Shift.SPREAD, Shift.QUIET_HOURS))


def test_enrolled_between_the_hour_and_the_slot() -> None:
    """NEXT counts from the hour, whatever the slot; SAME_DAY keeps a slot that is still to come."""
    between = "2026-05-17T07:00:00.001Z"
    spread = rule(spread=HOUR)
    assert OWN.total("milliseconds") > 1
    assert Road.begin(occasion(enrolled=between), what=spread).row.cycle == "2027"
    same = Road.begin(occasion(enrolled=between, on_enrol=OnEnrol.SAME_DAY), what=spread)
    assert same.due == at("2026-05-17T07:00:00Z") + OWN


def test_the_slot_does_not_decide_who_is_admitted() -> None:
    """Under SAME_DAY the window before any slot counts: two people of one enrolment have the same cycles."""
    two_hours = rule(spread=HOUR, deliver_within=timedelta(hours=2))
    over = occasion(enrolled="2026-05-17T09:00:00.001Z", on_enrol=OnEnrol.SAME_DAY)
    assert Road.begin(over, what=two_hours).row.cycle == "2027"
