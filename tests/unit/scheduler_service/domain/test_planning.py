"""Planning one person: what is written and what is forgotten."""

from dataclasses import replace

from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan, Recipient, tombstone
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    KEY,
    TZDATA,
    at,
    occasion,
    person,
    plan_id_of,
    rule,
)

NOW = at("2026-01-01T00:00:00Z")


def planned(who: Recipient, *rules: EventType, existing: tuple[Plan, ...] = ()) -> Changes:
    """Return what planning this person writes."""
    changes = Changes()
    Planner(KEY, NOW, TZDATA).plan_user(
        who,
        rules or (rule(),),
        defaults=DEFAULTS,
        existing={plan.plan_id: plan for plan in existing},
        changes=changes,
    )
    return changes


def decided(plan: Plan) -> Plan:
    """Return the plan after its first cycle was decided."""
    return replace(plan, last_cycle="2025", version=plan.version + 1)


def test_each_occasion_of_the_kind_gets_its_plan() -> None:
    """Two birthdays are two plans; an occasion of another kind is nobody's business here."""
    other = replace(occasion(occasion_id="wedding"), kind="anniversary")
    found = planned(person(occasion(), occasion(occasion_id="second"), other))
    assert {plan.plan_id for plan in found.upserts} == {plan_id_of(), plan_id_of("second")}
    assert found.deletes == []


def test_what_is_as_it_should_be_is_not_written() -> None:
    """Planning again writes nothing."""
    [plan] = planned(person(occasion())).upserts
    assert planned(person(occasion()), existing=(plan,)) == Changes()


def test_a_rule_that_is_paused_from_the_start_needs_no_row() -> None:
    """Nothing open and nothing ever decided: neither a new row nor the old one."""
    paused = rule(state=EventTypeState.PAUSED, timing_version=2)
    assert planned(person(occasion()), paused) == Changes()
    [plan] = planned(person(occasion())).upserts
    assert planned(person(occasion()), paused, existing=(plan,)).deletes == [plan.plan_id]


def test_a_vanished_occasion_leaves_a_tombstone_only_if_something_was_decided() -> None:
    """A plan with a decided cycle stays as its memory; one without goes."""
    [plan] = planned(person(occasion())).upserts
    assert planned(person(), existing=(plan,)).deletes == [plan.plan_id]
    [left] = planned(person(), existing=(decided(plan),)).upserts
    assert (left.due_time, left.last_cycle) == (None, "2025")


def test_a_tombstone_stays_as_it_is() -> None:
    """Who is gone already is not written again."""
    [plan] = planned(person(occasion())).upserts
    grave = tombstone(decided(plan))
    assert grave is not None
    assert planned(person(), existing=(grave,)) == Changes()
