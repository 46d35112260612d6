"""`decide`: the borders in time and which answer comes before which."""

from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler_service.domain.decisions import Defer, Expire, Reason, Send, Suppress
from scheduler_service.domain.event_types import EventTypeState
from tests.unit.scheduler_service.domain.domain_examples import Road, at, date, occasion, rule

DUE = "2026-05-17T07:00:00Z"


@pytest.mark.parametrize(
    ("now", "kind", "late"),
    [
        ("2026-05-17T06:59:59.999999Z", Defer, None),
        ("2026-05-17T07:00:00Z", Send, False),
        ("2026-05-17T07:01:00Z", Send, False),
        ("2026-05-17T07:01:00.000001Z", Send, True),
        ("2026-05-17T21:59:59.999999Z", Send, True),
        ("2026-05-17T22:00:00Z", Expire, None),
    ],
)
def test_borders_in_time(now: str, kind: type, late: bool | None) -> None:
    """Nothing before due, nothing from deliver_by on, late after more than 60 seconds."""
    decision = Road.begin(occasion()).until(now).decide()
    assert isinstance(decision, kind)
    assert late is None or getattr(decision, "late", None) is late


def test_window_of_the_rule_replaces_the_end_of_the_day() -> None:
    """With two hours to deliver it expires two hours after due."""
    road = Road.begin(occasion(), what=rule(deliver_within=timedelta(hours=2)))
    assert isinstance(road.until("2026-05-17T08:59:59Z").decide(), Send)
    assert road.until("2026-05-17T09:00:00Z").decide() == Expire(road.row, Reason.MISSED)


def test_nothing_early_comes_before_everything() -> None:
    """A deleted person under a paused rule still waits for the due time."""
    road = Road.begin(occasion()).has_rule(rule(state=EventTypeState.PAUSED, timing_version=2))
    road.who = None  # type: ignore[assignment]
    assert road.decide() == Defer(road.row, at(DUE))


def test_paused_comes_before_too_close_and_too_close_before_too_late() -> None:
    """Of several reasons the first of the documented order is given."""
    road = Road.begin(occasion()).until("2026-06-01T00:00:00Z")
    road.plan = replace(road.row, last_date=date("2026-03-01"), last_cycle="2025")
    paused = road.has_rule(rule(state=EventTypeState.PAUSED)).decide()
    assert paused == Suppress(road.row, Reason.PAUSED)
    assert road.has_rule(rule()).decide() == Suppress(road.row, Reason.TOO_CLOSE)
    road.plan = replace(road.row, last_date=None)
    assert road.decide() == Expire(road.row, Reason.MISSED)


@pytest.mark.parametrize(
    ("last", "suppressed"),
    [("2025-11-18", False), ("2025-11-19", True), ("2026-11-12", True), ("2027-05-17", False)],
)
def test_minimum_gap_is_180_days_in_both_directions(last: str, *, suppressed: bool) -> None:
    """17 May 2026 is 180 days after 18 November 2025 and 179 after the 19th; the sign does not matter."""
    road = Road.begin(occasion()).until(DUE)
    road.plan = replace(road.row, last_date=date(last), last_cycle="2025")
    assert isinstance(road.decide(), Suppress if suppressed else Send)


def test_edit_of_the_words_alone_does_not_delay() -> None:
    """A rule whose version rose without its timing version is sent as planned."""
    road = Road.begin(occasion()).until(DUE)
    road.has_rule(replace(rule(), version=7))
    assert road.decide() == Send(road.row, late=False)


def test_plan_newer_than_the_copy_of_the_rule_is_taken_as_it_is() -> None:
    """A replica with an old copy of the rule does not replan what the planner has already replanned."""
    road = Road.begin(occasion(), what=rule(timing_version=2)).until(DUE)
    assert road.has_rule(rule(timing_version=1)).decide() == Send(road.row, late=False)


def test_retimed_plan_with_nothing_left_waits_for_a_change() -> None:
    """When the new timing has no cycle to offer, the answer is a plan without due time."""
    road = Road.begin(occasion("--05-17", enrolled="9996-01-01T00:00:00Z")).until("9996-05-17T07:00:00Z")
    decision = road.has_rule(rule(enrolled="9996-06-01T00:00:00Z", timing_version=2)).decide()
    assert isinstance(decision, Defer)
    assert (decision.until, decision.plan.due_time) == (None, None)
