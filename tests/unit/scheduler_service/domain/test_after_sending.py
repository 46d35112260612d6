"""DESIGN 4: what changes after a cycle was sent starts nothing new in it."""

import pytest
from whenever import Time

from scheduler_service.domain.decisions import Expire, Reason, Send, Suppress
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from tests.unit.scheduler_service.domain.domain_examples import Road, at, date, occasion, rule


def sent_in_2026(born: str = "1990-05-17", *, zone: str = "Europe/Berlin") -> Road:
    """Return the plan after its cycle 2026 was sent on time."""
    road = Road.begin(occasion(born), zone=zone)
    road.now = road.due
    assert road.decide() == Send(road.row, late=False)
    return road.commit()


def test_sent_cycle_is_closed_and_the_next_one_opens() -> None:
    """After sending, 2026 is the last cycle, its date is remembered and 2027 is due."""
    row = sent_in_2026().row
    assert (row.cycle, row.last_cycle, row.last_date, row.version) == ("2027", "2026", date("2026-05-17"), 2)
    assert row.due_time == at("2027-05-17T07:00:00Z")


def test_move_west_after_sending_does_not_send_again() -> None:
    """It becomes nine o'clock on the birthday once more in Niue, and nothing happens."""
    road = sent_in_2026(zone="Pacific/Kiritimati").moves_to("Pacific/Niue")
    assert (road.row.cycle, road.due) == ("2027", at("2027-05-17T20:00:00Z"))


def test_later_hour_and_offset_after_sending_do_not_send_again() -> None:
    """A rule moved to the afternoon, or to the day after, starts with the next cycle."""
    road = sent_in_2026()
    road.has_rule(rule(local_time=Time(15), day_offset=1, timing_version=2)).replan()
    assert (road.row.cycle, road.due) == ("2027", at("2027-05-18T13:00:00Z"))


def test_leap_rule_after_sending_does_not_send_again() -> None:
    """Sent on 28 February; FORWARD would be tomorrow, and is next year."""
    road = Road.begin(occasion("1996-02-29", enrolled="2027-01-01T00:00:00Z"))
    road.now = road.due
    road.commit()
    forward = occasion("1996-02-29", leap=LeapDayRule.FORWARD, enrolled="2027-01-01T00:00:00Z")
    assert road.corrects(forward).row.cycle == "2028"


@pytest.mark.parametrize("policy", list(OnEnrol))
@pytest.mark.parametrize("enrolled", ["2026-01-01T00:00:00Z", "2026-12-22T12:00:00Z"])
def test_corrected_date_that_comes_too_close_is_suppressed(policy: OnEnrol, enrolled: str) -> None:
    """Sent on 20 December; corrected to 5 January it would come 16 days later and is suppressed."""
    road = sent_in_2026("1990-12-20").until("2026-12-22T12:00:00Z")
    road.corrects(occasion("1990-01-05", enrolled=enrolled, on_enrol=policy))
    assert (road.row.cycle, road.row.occurrence_date) == ("2027", date("2027-01-05"))
    road.now = road.due
    assert road.decide() == Suppress(road.row, Reason.TOO_CLOSE)
    road.commit(sent=False)
    assert (road.row.cycle, road.row.last_cycle, road.row.last_date) == ("2028", "2027", date("2026-12-20"))
    road.now = road.due
    assert isinstance(road.decide(), Send)


def test_date_corrected_to_later_in_the_year_is_not_sent_twice() -> None:
    """Sent in May; corrected to November of the same year, the next one is next November."""
    road = sent_in_2026().corrects(occasion("1990-11-02", enrolled="2026-06-01T00:00:00Z"))
    assert road.row.cycle == "2027"


def test_what_was_not_sent_leaves_no_gap() -> None:
    """A missed event keeps its cycle closed and does not hold up the next one."""
    road = Road.begin(occasion("1990-12-20")).until("2026-12-22T12:00:00Z")
    assert road.decide() == Expire(road.row, Reason.MISSED)
    road.commit(sent=False)
    assert (road.row.last_cycle, road.row.last_date) == ("2026", None)
    road.corrects(occasion("1990-01-05", enrolled="2026-01-01T00:00:00Z"))
    road.now = road.due
    assert isinstance(road.decide(), Send)


def test_years_nobody_decided_are_decided_one_by_one() -> None:
    """After three years without a scheduler each cycle expires by itself and none is lost."""
    road = Road.begin(occasion()).until("2029-01-01T00:00:00Z")
    missed = []
    while isinstance(road.decide(), Expire):
        missed.append(road.row.cycle)
        road.commit(sent=False)
    assert missed == ["2026", "2027", "2028"]
