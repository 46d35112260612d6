"""DESIGN 4: pausing and resuming a rule, deleting and importing a person again."""

from dataclasses import replace

from scheduler_service.domain.decisions import Defer, Reason, Suppress
from scheduler_service.domain.event_types import EventTypeState
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.plans import tombstone
from tests.unit.scheduler_service.domain.domain_examples import Road, at, occasion, person, rule

PAUSED = EventTypeState.PAUSED


def sent_in_2026() -> Road:
    road = Road.begin(occasion())
    road.now = road.due
    return road.commit()


def test_paused_rule_has_nothing_due_and_remembers_what_was_sent() -> None:
    """Planning under a paused rule leaves a row without due time that knows the last cycle."""
    road = sent_in_2026()
    row = road.has_rule(rule(state=PAUSED, timing_version=2)).replan().row
    assert (row.cycle, row.due_time, row.last_cycle, row.is_void) == (None, None, "2026", False)
    assert row.version == 3


def test_resumed_rule_starts_with_its_new_activation() -> None:
    """What was due during the pause is not made up for: the next cycle after the activation is."""
    road = Road.begin(occasion()).has_rule(rule(state=PAUSED, timing_version=2)).replan()
    assert road.row.is_void
    road.until("2026-05-17T10:00:00Z")
    road.has_rule(rule(enrolled="2026-05-17T10:00:00Z", timing_version=3)).replan()
    assert road.row.cycle == "2027"


def test_rule_resumed_before_the_hour_loses_nothing() -> None:
    """A pause that is over before nine o'clock changes nothing but versions."""
    road = Road.begin(occasion()).has_rule(rule(state=PAUSED, timing_version=2)).replan()
    road.has_rule(rule(enrolled="2026-05-17T06:00:00Z", timing_version=3)).replan()
    assert (road.row.cycle, road.due) == ("2026", at("2026-05-17T07:00:00Z"))


def test_plan_due_under_a_paused_rule_is_suppressed() -> None:
    """Between the pause and the planner a due plan is suppressed, also by a stale copy of the timing."""
    road = Road.begin(occasion()).until("2026-05-17T07:00:00Z")
    assert road.has_rule(rule(state=PAUSED)).decide() == Suppress(road.row, Reason.PAUSED)
    decision = road.has_rule(rule(state=PAUSED, timing_version=2)).decide()
    assert isinstance(decision, Suppress)
    assert decision.reason is Reason.PAUSED


def test_committing_under_a_paused_rule_leaves_a_tombstone() -> None:
    """The decision of a paused rule's plan closes the cycle and opens none."""
    road = Road.begin(occasion()).has_rule(rule(state=PAUSED)).commit(sent=False)
    assert (road.row.cycle, road.row.last_cycle) == (None, "2026")


def test_deleted_person_leaves_a_tombstone_only_if_something_was_decided() -> None:
    """A tombstone keeps the last cycle; a plan that never decided anything can go."""
    assert tombstone(Road.begin(occasion()).row) is None
    stone = tombstone(sent_in_2026().row)
    assert stone is not None
    assert (stone.cycle, stone.due_time, stone.last_cycle, stone.version) == (None, None, "2026", 3)
    assert tombstone(stone) is stone


def test_tombstone_is_never_due() -> None:
    """Whenever it is asked, a tombstone waits for a change."""
    road = sent_in_2026().until("2031-01-01T00:00:00Z")
    road.plan = tombstone(road.row)
    assert road.decide() == Defer(road.row, None)


def test_deleted_and_imported_again_the_same_day_is_not_greeted_twice() -> None:
    """The tombstone of a person greeted this morning makes the import at noon start next year."""
    road = sent_in_2026()
    road.plan = tombstone(road.row)
    road.now = at("2026-05-17T10:00:00Z")
    road.corrects(occasion(enrolled="2026-05-17T10:00:00Z", on_enrol=OnEnrol.SAME_DAY))
    assert (road.row.cycle, road.row.last_cycle, road.row.version) == ("2027", "2026", 4)


def test_deleted_before_and_imported_again_is_planned_as_new() -> None:
    """Who was deleted before anything was decided gets this year's message under the same id."""
    before = Road.begin(occasion()).row
    again = Road.begin(occasion(enrolled="2026-03-01T00:00:00Z")).row
    assert (again.plan_id, again.cycle) == (before.plan_id, "2026")


def test_due_plan_of_a_deleted_person_is_suppressed() -> None:
    """A plan whose person has vanished in between is suppressed and its row becomes a tombstone."""
    road = Road.begin(occasion()).until("2026-05-17T07:00:00Z")
    road_without = replace(road)
    road_without.who = None  # type: ignore[assignment]
    assert road_without.decide() == Suppress(road.row, Reason.USER_DELETED)
    row = road_without.commit(sent=False).row
    assert (row.cycle, row.due_time, row.last_cycle) == (None, None, "2026")


def test_due_plan_of_a_removed_occasion_is_suppressed() -> None:
    """A plan whose occasion is gone, or is of another kind now, is suppressed."""
    road = Road.begin(occasion()).until("2026-05-17T07:00:00Z")
    road.who = person(version=2)
    assert road.decide() == Suppress(road.row, Reason.OCCASION_REMOVED)
    assert road.commit(sent=False).row.cycle is None


def test_rule_for_another_kind_of_occasion_plans_nothing() -> None:
    """When a rule is given another kind, the plans of the old kind have nothing due."""
    road = Road.begin(occasion()).has_rule(rule(occasion_kind="anniversary", timing_version=2))
    assert road.replan().row.due_time is None
