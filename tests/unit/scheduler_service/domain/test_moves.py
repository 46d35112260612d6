"""DESIGN 4: the zone or the rule changes before the message is due."""

from dataclasses import replace
from datetime import timedelta

from whenever import Time

from scheduler_service.domain import ids
from scheduler_service.domain.decisions import Defer, Expire, Reason, Send
from scheduler_service.domain.plans import plan_occasion
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    TZDATA,
    Road,
    at,
    occasion,
    plan_id_of,
    rule,
)


def in_berlin(zone: str = "Europe/Berlin") -> Road:
    """Return the plan of 17 May 2026, due at 07:00 UTC."""
    return Road.begin(occasion(), zone=zone)


def test_move_east_before_due_is_recomputed_under_the_same_id() -> None:
    """Berlin to Kathmandu the day before: due at nine there, the same event."""
    road = in_berlin().until("2026-05-16T12:00:00Z")
    before = road.row
    road.moves_to("Asia/Kathmandu")
    assert road.due == at("2026-05-17T03:15:00Z")
    assert ids.event_id(road.row.plan_id, road.row.cycle or "") == ids.event_id(before.plan_id, "2026")
    assert (road.row.version, road.row.recipient_version, road.row.moved) == (2, 2, False)


def test_move_west_before_due_waits_for_nine_there() -> None:
    """Berlin to New York half an hour before nine: due six hours later."""
    road = in_berlin().until("2026-05-17T06:30:00Z").moves_to("America/New_York")
    assert road.due == at("2026-05-17T13:00:00Z")
    assert road.decide() == Defer(road.row, road.due)


def test_move_east_past_the_hour_on_the_same_date_sends_now_and_late() -> None:
    """It is 12:15 in Kathmandu on the birthday: send at once, marked late."""
    road = in_berlin().until("2026-05-17T06:30:00Z").moves_to("Asia/Kathmandu")
    assert road.row.moved
    assert road.decide() == Send(road.row, late=True)


def test_move_east_past_midnight_expires_as_missed_by_move() -> None:
    """From Niue to Kiritimati on the birthday's morning: the day is over there."""
    road = in_berlin("Pacific/Niue").until("2026-05-17T19:00:00Z")
    assert road.moves_to("Pacific/Kiritimati").decide() == Expire(road.row, Reason.MISSED_BY_MOVE)


def test_moving_back_in_time_is_due_again() -> None:
    """Who moves on to the west again before anything was decided is not counted as moved."""
    road = in_berlin("Pacific/Niue").until("2026-05-17T19:00:00Z").moves_to("Pacific/Kiritimati")
    assert not road.moves_to("Pacific/Niue").row.moved
    assert isinstance(road.decide(), Defer)


def test_moved_stays_known_through_later_edits() -> None:
    """An unrelated edit after the move does not turn missed-by-move into missed."""
    road = in_berlin("Pacific/Niue").until("2026-05-17T19:00:00Z").moves_to("Pacific/Kiritimati")
    road.until("2026-05-17T20:00:00Z")
    assert road.corrects(occasion()).row.moved
    assert road.moves_to("Pacific/Tongatapu").row.moved


def test_edit_long_after_the_window_is_missed_not_moved() -> None:
    """Who moves after an outage has swallowed the day was missed; the move is not to blame."""
    road = in_berlin().until("2026-05-19T00:00:00Z").moves_to("Asia/Kathmandu")
    assert road.decide() == Expire(road.row, Reason.MISSED)


def test_rule_moved_to_an_earlier_hour_sends_late_within_the_day() -> None:
    """At eight the rule says seven: the planner's row is due in the past and goes out late."""
    road = in_berlin().until("2026-05-17T06:00:00Z")
    road.has_rule(rule(local_time=Time(7), timing_version=2)).replan()
    assert (road.due, road.row.moved, road.row.event_type_version) == (at("2026-05-17T05:00:00Z"), True, 2)
    assert road.decide() == Send(road.row, late=True)


def test_rule_moved_to_an_earlier_hour_beyond_its_window_expires_as_missed_by_move() -> None:
    """With half an hour to deliver, a rule moved from nine to seven at eight cannot go any more."""
    half_an_hour = timedelta(minutes=30)
    road = Road.begin(occasion(), what=rule(deliver_within=half_an_hour)).until("2026-05-17T06:00:00Z")
    road.has_rule(rule(local_time=Time(7), deliver_within=half_an_hour, timing_version=2)).replan()
    assert road.decide() == Expire(road.row, Reason.MISSED_BY_MOVE)


def test_rule_moved_to_a_later_hour_defers_before_the_planner_came() -> None:
    """At nine the rule already says eleven: the decision defers with the new plan."""
    road = in_berlin().until("2026-05-17T07:00:00Z")
    road.has_rule(rule(local_time=Time(11), timing_version=2))
    decision = road.decide()
    assert isinstance(decision, Defer)
    assert decision.until == decision.plan.due_time == at("2026-05-17T09:00:00Z")
    assert (decision.plan.version, decision.plan.cycle) == (2, "2026")


def test_rule_moved_to_an_earlier_hour_is_sent_before_the_planner_came() -> None:
    """At nine the rule says half past eight: it goes out by the new timing, late by half an hour."""
    road = in_berlin().until("2026-05-17T07:00:00Z")
    decision = road.has_rule(rule(local_time=Time(8, 30), timing_version=2)).decide()
    assert isinstance(decision, Send)
    assert (decision.late, decision.plan.due_time) == (True, at("2026-05-17T06:30:00Z"))


def test_rule_with_another_enrolment_is_planned_anew_before_the_planner_came() -> None:
    """A rule that was activated again after the due time has its next turn a year later."""
    road = in_berlin().until("2026-05-17T08:00:00Z")
    again = rule(enrolled="2026-05-17T07:30:00Z", timing_version=2)
    decision = road.has_rule(again).decide()
    assert isinstance(decision, Defer)
    assert decision.plan.cycle == "2027"


def test_nothing_changed_returns_the_same_plan() -> None:
    """Planning again with nothing new gives the very same object, so that nothing is written."""
    road = in_berlin()
    before = road.row
    assert road.until("2026-05-01T00:00:00Z").replan().row is before


def test_new_recipient_version_alone_raises_the_plans() -> None:
    """A changed name moves no due time, and still every decision on the old copy must lose."""
    road = in_berlin()
    road.who = replace(road.who, given_name="Augusta", version=2)
    assert (road.replan().row.version, road.row.recipient_version) == (2, 2)


def test_new_zone_data_are_stamped() -> None:
    """Planning with another tzdata release gives a new version with its name."""
    road = in_berlin()
    planned = plan_occasion(
        road.row,
        road.who,
        occasion=road.who.occasions[0],
        event_type=road.what,
        defaults=DEFAULTS,
        plan_id=plan_id_of(),
        now=road.now,
        tzdata_version="2027a",
    )
    assert (road.row.tzdata_version, planned.tzdata_version, planned.version) == (TZDATA, "2027a", 2)
