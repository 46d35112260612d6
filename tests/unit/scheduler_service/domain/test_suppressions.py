"""DESIGN 4: opted out, care switch, rule deleted, too close; and what comes before what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from whenever import Time

from scheduler_service.domain.decisions import Expire, Reason, Send, Suppress, min_gap_of
from scheduler_service.domain.event_types import EventTypeState, LatePolicy, Recurrence
from tests.unit.scheduler_service.domain.domain_examples import Road, at, date, occasion, quiet, rule

DUE = "2026-05-17T07:00:00Z"
DELETED = EventTypeState.DELETED


def due(**preferences: object) -> Road:
    return Road.begin(occasion(), **preferences).until(DUE)


def spared(road: Road, *switches: str) -> Road:
    road.who = replace(road.who, care_switches=frozenset(switches))
    return road


def test_opted_out_of_the_event_type_is_suppressed() -> None:
    """Who does not want birthdays gets none; another type's opt-out does not count."""
    road = due(opted_out=frozenset({"birthday"}))
    assert road.decide() == Suppress(road.row, Reason.OPTED_OUT)
    other = due(opted_out=frozenset({"anniversary"}))
    assert other.decide() == Send(other.row, late=False)


@pytest.mark.parametrize("switch", ["", "birthday"])
def test_care_switch_for_the_person_or_the_occasion_suppresses(switch: str) -> None:
    """Never again: for everything about a person, or for one occasion."""
    road = spared(due(), switch)
    assert road.decide() == Suppress(road.row, Reason.CARE_SWITCH)


def test_care_switch_for_another_occasion_does_not_count() -> None:
    """The occasion that is not meant is celebrated."""
    road = spared(due(), "wedding")
    assert road.decide() == Send(road.row, late=False)


def test_deleted_rule_is_suppressed_and_plans_nothing() -> None:
    """Between the deletion and the planner a due plan is suppressed; then there is nothing to plan."""
    road = due().has_rule(rule(state=DELETED))
    assert road.decide() == Suppress(road.row, Reason.EVENT_TYPE_DELETED)
    assert road.has_rule(rule(state=DELETED, timing_version=2)).decide() == Suppress(
        road.row, Reason.EVENT_TYPE_DELETED
    )
    assert road.replan().row.is_void


def test_precedence_of_reasons() -> None:
    """Taken away one by one, the reasons come in the order that the module promises."""
    rest = quiet(0, 23)
    road = due(opted_out=frozenset({"birthday"})).until("2026-05-17T08:00:00Z")
    road.plan = replace(road.row, last_date=date("2026-05-01"), last_cycle="2025")
    road.who = replace(road.who, preferences=replace(road.who.preferences, quiet_hours=rest))
    everything = {"state": DELETED, "timing_version": 2, "late": LatePolicy.EXPIRE}
    spared(road, "").has_rule(rule(**everything))
    mine, road.who = road.who, None  # type: ignore[assignment]
    reasons = [road.decide()]
    road.who = replace(mine, occasions=())
    reasons.append(road.decide())
    spared(road)
    reasons.append(road.decide())
    road.who = replace(road.who, occasions=mine.occasions)
    reasons.append(road.decide())
    for state in (EventTypeState.PAUSED, EventTypeState.ACTIVE):
        reasons.append(road.has_rule(rule(**{**everything, "state": state, "timing_version": 1})).decide())
    road.who = replace(road.who, preferences=replace(road.who.preferences, opted_out=frozenset()))
    reasons.append(road.decide())
    road.plan = replace(road.row, last_date=None)
    reasons.append(road.decide())
    reasons.append(road.has_rule(rule()).decide())
    assert [getattr(decision, "reason", decision) for decision in reasons[:-1]] == [
        Reason.USER_DELETED,
        Reason.CARE_SWITCH,
        Reason.OCCASION_REMOVED,
        Reason.EVENT_TYPE_DELETED,
        Reason.PAUSED,
        Reason.OPTED_OUT,
        Reason.TOO_CLOSE,
        Reason.MISSED,
    ]
    assert getattr(reasons[-1], "until", None) is not None


@pytest.mark.parametrize(
    ("recurrence", "own", "days"),
    [
        (Recurrence.YEARLY, None, 180),
        (Recurrence.MONTHLY, None, 15),
        (Recurrence.RRULE, None, 0),
        (Recurrence.ONCE, None, 0),
        (Recurrence.YEARLY, timedelta(0), 0),
        (Recurrence.RRULE, timedelta(days=3), 3),
    ],
)
def test_minimum_gap_of_a_rule(recurrence: Recurrence, own: timedelta | None, days: int) -> None:
    """180 days for yearly rules, 15 for monthly, else none, unless the rule has its own."""
    assert min_gap_of(rule(recurrence=recurrence, min_gap=own)) == timedelta(days=days)


def test_own_minimum_gap_of_zero_lets_a_corrected_date_come_again() -> None:
    """Sent on 20 December, corrected to 5 January, and the rule does not mind."""
    road = Road.begin(occasion("1990-12-20"), what=rule(min_gap=timedelta(0)))
    road.now = road.due
    road.commit().corrects(occasion("1990-01-05"))
    road.now = road.due
    assert road.decide() == Send(road.row, late=False)


def test_expired_by_the_late_policy_after_a_move_is_missed_by_move() -> None:
    """A rule that sends nothing late, moved to an earlier hour: it was the move."""
    strict = rule(late=LatePolicy.EXPIRE)
    road = Road.begin(occasion(), what=strict).until("2026-05-17T06:30:00Z").moves_to("Asia/Kathmandu")
    assert road.decide() == Expire(road.row, Reason.MISSED_BY_MOVE)


def test_a_minute_late_is_not_late() -> None:
    """Within 60 seconds the strictest rule sends."""
    road = Road.begin(occasion(), what=rule(late=LatePolicy.EXPIRE)).until("2026-05-17T07:01:00Z")
    assert road.decide() == Send(road.row, late=False)


def test_own_local_time_counts_for_its_event_type_only() -> None:
    """Who wants birthdays at seven gets them at seven, and anniversaries at nine."""
    seven = {"birthday": Time(7)}
    assert Road.begin(occasion(), local_times=seven).due == at("2026-05-17T05:00:00Z")
    assert Road.begin(occasion(), local_times={"anniversary": Time(7)}).due == at(DUE)
