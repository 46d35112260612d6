"""Upcoming: the next N of a person are those that planning and deciding one after the other give."""

from dataclasses import replace

from whenever import Time

from scheduler_service.domain import ids
from scheduler_service.domain.decisions import Reason, Send, Suppress
from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence
from scheduler_service.domain.plans import Plan, Recipient, Request
from scheduler_service.domain.requests import new_request_plan
from scheduler_service.domain.upcoming import Upcoming, upcoming
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    KEY,
    TZDATA,
    Road,
    at,
    occasion,
    person,
    quiet,
    rule,
)

NOW = "2026-06-01T00:00:00Z"


def following(
    who: Recipient, *rules: EventType, count: int = 5, now: str = NOW, existing: tuple[Plan, ...] = ()
) -> list[Upcoming]:
    return upcoming(
        who,
        rules,
        defaults=DEFAULTS,
        now=at(now),
        count=count,
        key=KEY,
        tzdata_version=TZDATA,
        existing={plan.plan_id: plan for plan in existing},
    )


def cycles(found: list[Upcoming]) -> list[tuple[str, str | None]]:
    return [(each.plan.event_type_id, each.plan.cycle) for each in found]


def test_next_ones_of_several_rules_in_the_order_of_their_due_times() -> None:
    """A birthday in May and a monthly rule: May comes when it is May's turn."""
    monthly = rule(recurrence=Recurrence.MONTHLY, event_type_id="monthly", local_time=Time(10))
    found = following(person(occasion()), rule(), monthly, now="2027-03-20T00:00:00Z", count=4)
    assert cycles(found) == [
        ("monthly", "2027-04"),
        ("birthday", "2027"),
        ("monthly", "2027-05"),
        ("monthly", "2027-06"),
    ]
    assert all(isinstance(each.decision, Send) for each in found)


def test_what_is_over_and_was_never_planned_is_left_out() -> None:
    """Enrolled in January, asked in June: this year's birthday is not among the next ones."""
    assert cycles(following(person(occasion()), rule(), count=2)) == [
        ("birthday", "2027"),
        ("birthday", "2028"),
    ]


def test_open_plan_that_is_late_is_listed_with_its_decision_now() -> None:
    """A plan from May that nobody decided is the first; what it will be is said."""
    plan = Road.begin(occasion()).row
    first, second = following(person(occasion()), rule(), count=2, existing=(plan,))
    assert (first.plan.cycle, getattr(first.decision, "reason", None)) == ("2026", Reason.MISSED)
    assert second.plan.cycle == "2027"


def test_what_was_decided_and_chosen_by_hand_counts() -> None:
    """A plan that was sent goes on after it, one that was rescheduled stands at its instant."""
    road = Road.begin(occasion())
    road.now = road.due
    road.commit().reschedule("2027-08-01T10:00:00Z")
    first, second = following(road.who, rule(), count=2, existing=(road.row,))
    assert (first.plan.cycle, first.plan.due_time) == ("2027", at("2027-08-01T10:00:00Z"))
    assert second.plan.due_time == at("2028-05-17T07:00:00Z")


def test_suppressed_ones_are_listed_as_such() -> None:
    """Who opted out sees what would have come."""
    who = person(occasion(), opted_out=frozenset({"birthday"}))
    [only] = following(who, rule(), count=1)
    assert only.decision == Suppress(only.plan, Reason.OPTED_OUT)


def test_late_plan_in_quiet_hours_comes_at_their_end() -> None:
    """Asked in the middle of a rest, a late plan is listed at its end."""
    who = person(occasion(), quiet_hours=quiet(13, 15))
    plan = Road.begin(occasion()).row
    [only] = following(who, rule(), count=1, now="2026-05-17T11:30:00Z", existing=(plan,))
    assert (only.plan.due_time, only.decision) == (at("2026-05-17T13:00:00Z"), Send(only.plan, late=False))


def test_rules_that_plan_nothing_have_no_next() -> None:
    """Paused, over, or without such an occasion: nothing; a plan they leave behind is gone."""
    plan = Road.begin(occasion()).row
    assert following(person(occasion()), rule(state=EventTypeState.PAUSED), existing=(plan,)) == []
    assert following(person(), rule()) == []
    over = rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY;UNTIL=20200101")
    assert following(person(occasion()), over) == []
    other = replace(plan, event_type_id="gone", plan_id=ids.plan_id(KEY, "acme", "ada", "gone", "birthday"))
    assert cycles(following(person(occasion()), rule(), count=1, existing=(other,))) == [("birthday", "2027")]


def test_what_a_caller_asked_for_is_among_the_next_if_its_rule_is_asked_about() -> None:
    """An event of one's own is listed in its place, and not when only other rules are asked about."""
    own = new_request_plan(
        person(occasion()),
        event_type=rule(event_type_id="order"),
        defaults=DEFAULTS,
        plan_id=ids.plan_id(KEY, "acme", "ada", "order", "", "17"),
        instance="17",
        request=Request(at(NOW)),
        tzdata_version=TZDATA,
        due_time=at("2026-07-01T10:00:00Z"),
    )
    order = rule(event_type_id="order", recurrence=Recurrence.NONE, occasion_kind="")
    both = following(person(occasion()), rule(), order, count=2, existing=(own,))
    assert cycles(both) == [("order", "once"), ("birthday", "2027")]
    assert cycles(following(person(occasion()), rule(), count=1, existing=(own,))) == [("birthday", "2027")]


def test_a_rule_that_ends_ends_the_list() -> None:
    """COUNT leaves two; more are not invented."""
    two = rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY;COUNT=3", local_time=Time(7))
    assert len(following(person(occasion("2026-07-01")), two, count=10)) == 2
