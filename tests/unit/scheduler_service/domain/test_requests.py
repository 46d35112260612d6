"""Plans that a caller made: at an instant, or at a local time that goes with the person."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from whenever import Date, Time

from chassis.errors import IllegalTransition, InvalidInput
from scheduler_service.domain import ids
from scheduler_service.domain.decisions import Defer, Expire, Reason, Send, Suppress, decide
from scheduler_service.domain.event_types import EventType, EventTypeState, GapPolicy, LatePolicy, Recurrence
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.overrides import rescheduled
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan, Recipient, Request, next_plan
from scheduler_service.domain.recipients import ZoneMode
from scheduler_service.domain.requests import new_request_plan, plan_request
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    KEY,
    TZDATA,
    at,
    date,
    occasion,
    person,
    quiet,
    rule,
)

NOW = at("2026-05-01T12:00:00Z")
NOON = "2026-05-10T10:00:00Z"
OWN = rule(recurrence=Recurrence.NONE, occasion_kind="")


def asked(
    *,
    due: str | None = NOON,
    on: Date | None = None,
    who: Recipient | None = None,
    what: EventType = OWN,
    occasion_id: str = "",
    **request: Any,
) -> Plan:
    """Ask for an event of one's own."""
    return new_request_plan(
        who or person(),
        event_type=what,
        defaults=DEFAULTS,
        plan_id=ids.plan_id(KEY, "acme", "ada", "birthday", occasion_id, "order-17"),
        instance="order-17",
        request=Request(NOW, **request),
        tzdata_version=TZDATA,
        due_time=None if due is None else at(due),
        on=on,
        occasion_id=occasion_id,
    )


def at_nine(**more: Any) -> Plan:
    return asked(due=None, on=date("2026-05-10"), local_time=Time(9), **more)


def replanned(plan: Plan, who: Recipient, what: EventType = OWN, now: str = "2026-05-02T00:00:00Z") -> Plan:
    return plan_request(plan, who, event_type=what, defaults=DEFAULTS, now=at(now), tzdata_version=TZDATA)


def test_event_at_an_instant() -> None:
    """Due then; its date and the end of its day are those where the person lives; cycle `once`."""
    plan = asked(due="2026-05-10T22:30:00Z")
    assert (plan.cycle, plan.occurrence_date, plan.time_zone) == ("once", date("2026-05-11"), "Europe/Berlin")
    assert plan.due_time == plan.nominal_due_time == plan.due_override == at("2026-05-10T22:30:00Z")
    assert (plan.deliver_by, plan.shifts) == (at("2026-05-11T22:00:00Z"), ())


def test_event_at_a_local_time() -> None:
    """Nine o'clock on that date in Berlin; nothing was chosen over a rule."""
    plan = at_nine()
    assert (plan.due_time, plan.due_override) == (at("2026-05-10T07:00:00Z"), None)
    assert (plan.occurrence_date, plan.deliver_by) == (date("2026-05-10"), at("2026-05-10T22:00:00Z"))


def test_window_of_the_request_before_that_of_the_rule() -> None:
    """An hour if asked for, else the event type's two, else the day."""
    two_hours = replace(OWN, deliver_within=timedelta(hours=2))
    assert asked(what=two_hours).deliver_by == at("2026-05-10T12:00:00Z")
    assert asked(what=two_hours, deliver_within=timedelta(hours=1)).deliver_by == at("2026-05-10T11:00:00Z")


def test_gap_policy_of_the_rule_counts_for_a_local_time() -> None:
    """02:30 on the night of the change, by END: 03:00, flagged."""
    plan = asked(
        due=None, on=date("2027-03-28"), local_time=Time(2, 30), what=replace(OWN, gap=GapPolicy.END)
    )
    assert (plan.due_time, plan.shifts) == (at("2027-03-28T01:00:00Z"), (Shift.GAP,))


@pytest.mark.parametrize(
    ("due", "on", "local_time"),
    [
        (None, None, None),
        (NOON, date("2026-05-10"), Time(9)),
        (None, date("2026-05-10"), None),
        (None, None, Time(9)),
        (NOON, None, Time(9)),
        (NOON, date("2026-05-10"), None),
    ],
)
def test_either_an_instant_or_a_local_time(due: str | None, on: Date | None, local_time: Time | None) -> None:
    """Neither, both or half of one is refused."""
    with pytest.raises(InvalidInput, match="an event needs one time"):
        asked(due=due, on=on, local_time=local_time)


def test_local_time_goes_with_the_person() -> None:
    """Moved to Kathmandu: nine o'clock there, same date, same cycle, next version."""
    moved = replanned(at_nine(), person(zone="Asia/Kathmandu", version=2))
    assert (moved.due_time, moved.occurrence_date) == (at("2026-05-10T03:15:00Z"), date("2026-05-10"))
    assert (moved.version, moved.recipient_version, moved.time_zone) == (2, 2, "Asia/Kathmandu")


def test_instant_does_not_go_with_the_person() -> None:
    """Moved to Kathmandu: the same instant, until the end of its day there; the version rises."""
    moved = replanned(asked(), person(zone="Asia/Kathmandu", version=2))
    assert (moved.due_time, moved.occurrence_date) == (at(NOON), date("2026-05-10"))
    assert (moved.deliver_by, moved.version) == (at("2026-05-10T18:15:00Z"), 2)


def test_nothing_changed_returns_the_same_plan() -> None:
    """Planning again with nothing new gives the same object, also for what is over."""
    for plan in (asked(), at_nine()):
        assert replanned(plan, person()) is plan
        over = next_plan(plan, person(), event_type=OWN, defaults=DEFAULTS, sent=True, tzdata_version=TZDATA)
        assert replanned(over, person(zone="Asia/Tokyo")) is over


def test_moved_past_its_day_expires_as_missed_by_move() -> None:
    """From Niue to Kiritimati in the morning: nine o'clock was yesterday."""
    niue, kiritimati = person(zone="Pacific/Niue"), person(zone="Pacific/Kiritimati", version=2)
    moved = replanned(at_nine(who=niue), kiritimati, now="2026-05-10T19:00:00Z")
    assert moved.moved
    now = at("2026-05-10T19:00:00Z")
    assert decide(moved, kiritimati, OWN, DEFAULTS, now) == Expire(moved, Reason.MISSED_BY_MOVE)


def test_phone_in_the_last_hour_does_not_move_a_local_time() -> None:
    """The freeze is that of any plan."""
    berlin = person(zone_mode=ZoneMode.FOLLOW, current_time_zone="Europe/Berlin")
    tokyo = person(zone_mode=ZoneMode.FOLLOW, current_time_zone="Asia/Tokyo", version=2)
    plan = at_nine(who=berlin)
    assert replanned(plan, tokyo, now="2026-05-10T06:30:00Z").time_zone == "Europe/Berlin"
    assert replanned(plan, tokyo, now="2026-05-10T05:30:00Z").time_zone == "Asia/Tokyo"


def test_quiet_hours_defer_a_local_time_and_not_an_instant() -> None:
    """Nine o'clock waits for ten; noon sharp is noon sharp."""
    who = person(quiet_hours=quiet(8, 13))
    plan = at_nine(who=who)
    assert (plan.due_time, plan.shifts) == (at("2026-05-10T11:00:00Z"), (Shift.QUIET_HOURS,))
    sharp = asked(who=who)
    assert decide(sharp, who, OWN, DEFAULTS, at(NOON)) == Send(sharp, late=False)
    late = decide(at_nine(), person(quiet_hours=quiet(9, 11)), OWN, DEFAULTS, at("2026-05-10T07:00:00Z"))
    assert isinstance(late, Defer)
    assert late.until == at("2026-05-10T09:00:00Z")


def test_decided_request_leaves_a_closed_row() -> None:
    """After its one cycle nothing follows; the row remembers that it was."""
    plan = next_plan(at_nine(), person(), event_type=OWN, defaults=DEFAULTS, sent=True, tzdata_version=TZDATA)
    assert (plan.cycle, plan.last_cycle, plan.due_time, plan.request) == (None, "once", None, None)


def test_request_is_stopped_by_opt_out_care_switch_and_pause() -> None:
    """Who does not want it does not get it, whoever asks; a paused or deleted rule sends nothing."""
    who, due = person(), at(NOON)
    plan = asked()
    no = replace(who, preferences=replace(who.preferences, opted_out=frozenset({"birthday"})))
    assert decide(plan, no, OWN, DEFAULTS, due) == Suppress(plan, Reason.OPTED_OUT)
    never = replace(who, care_switches=frozenset({""}))
    assert decide(plan, never, OWN, DEFAULTS, due) == Suppress(plan, Reason.CARE_SWITCH)
    for state, reason in (
        (EventTypeState.PAUSED, Reason.PAUSED),
        (EventTypeState.DELETED, Reason.EVENT_TYPE_DELETED),
    ):
        stopped = decide(plan, who, replace(OWN, state=state), DEFAULTS, due)
        assert stopped == Suppress(plan, reason)


def test_request_about_an_occasion_needs_it() -> None:
    """An event about a birthday is suppressed when the birthday is gone or spared, and only then."""
    plan = asked(what=rule(), occasion_id="birthday")
    who, due = person(occasion()), at(NOON)
    assert decide(plan, who, rule(), DEFAULTS, due) == Send(plan, late=False)
    assert decide(plan, person(), rule(), DEFAULTS, due) == Suppress(plan, Reason.OCCASION_REMOVED)
    spared = replace(who, care_switches=frozenset({"birthday"}))
    assert decide(plan, spared, rule(), DEFAULTS, due) == Suppress(plan, Reason.CARE_SWITCH)


def test_two_requests_of_a_day_are_not_too_close() -> None:
    """The minimum gap is between turns of a rule."""
    plan = replace(at_nine(what=rule(), occasion_id="birthday"), last_date=date("2026-05-09"))
    yearly = decide(plan, person(occasion()), rule(), DEFAULTS, at("2026-05-10T07:00:00Z"))
    assert yearly == Send(plan, late=False)


def test_trial_to_one_endpoint_is_stopped_only_by_its_deadline() -> None:
    """A test goes out under a paused rule, to whoever opted out and never wants anything; not too late."""
    who = person(opted_out=frozenset({"birthday"}), quiet_hours=quiet(0, 23))
    who = replace(who, care_switches=frozenset({""}))
    strict = replace(OWN, state=EventTypeState.DELETED, late=LatePolicy.EXPIRE, timing_version=9)
    plan = asked(who=who, endpoint_id="ep_1")
    assert decide(plan, who, strict, DEFAULTS, at(NOON)) == Send(plan, late=False)
    assert decide(plan, who, strict, DEFAULTS, at("2026-05-10T21:00:00Z")) == Send(plan, late=True)
    over = at("2026-05-10T22:00:00Z")
    assert decide(plan, who, strict, DEFAULTS, over) == Expire(plan, Reason.MISSED)
    assert decide(plan, None, strict, DEFAULTS, at(NOON)) == Suppress(plan, Reason.USER_DELETED)


def test_request_under_a_retimed_rule_is_recomputed_at_its_decision() -> None:
    """A new window of the rule counts although the planner has not come yet."""
    hour = replace(OWN, deliver_within=timedelta(hours=1), timing_version=2)
    assert decide(asked(), person(), hour, DEFAULTS, at("2026-05-10T11:00:00Z")) == Expire(
        replanned(asked(), person(), hour, now="2026-05-10T11:00:00Z"), Reason.MISSED_BY_MOVE
    )


def moved_by_hand(plan: Plan, due: str | None, who: Recipient | None = None) -> Plan:
    return rescheduled(
        plan,
        None if due is None else at(due),
        recipient=who or person(),
        event_type=OWN,
        defaults=DEFAULTS,
        now=NOW,
        tzdata_version=TZDATA,
    )


def test_rescheduled_request() -> None:
    """Another instant for either kind; a local time can be gone back to, an instant cannot."""
    for plan in (asked(), at_nine()):
        later = moved_by_hand(plan, "2026-05-12T10:00:00Z")
        assert (later.due_time, later.shifts) == (at("2026-05-12T10:00:00Z"), (Shift.OVERRIDE,))
        assert (later.deliver_by, later.version) == (at("2026-05-12T22:00:00Z"), 2)
        assert replanned(later, person(zone="Asia/Tokyo", version=2)).due_time == later.due_time
    assert moved_by_hand(later, None).due_time == at_nine().due_time
    with pytest.raises(IllegalTransition, match="asked for at an instant"):
        moved_by_hand(asked(), None)


def test_planning_a_person_recomputes_requests_and_never_retires_them() -> None:
    """A request goes with a move; one of another rule than those replanned, and one that is over, are left."""
    plan, own = at_nine(what=rule()), rule()
    over = next_plan(plan, person(), event_type=own, defaults=DEFAULTS, sent=True, tzdata_version=TZDATA)
    moved = person(zone="Asia/Kathmandu", version=2)
    for existing, rules, expected in (
        (plan, (own,), [replanned(plan, moved, own, now="2026-05-01T12:00:00Z")]),
        (plan, (), []),
        (over, (own,), []),
    ):
        changes = Changes()
        Planner(KEY, NOW, TZDATA).plan_user(
            moved, rules, defaults=DEFAULTS, existing={plan.plan_id: existing}, changes=changes
        )
        assert (changes.upserts, changes.deletes) == (expected, [])
