"""Decisions: what becomes of a due plan. Pure and total; the same answer explains and forecasts.

Precedence, first match wins:

1. nothing open, or not due yet: Defer. Nothing leaves early, whatever else is true.
2. the person, then the occasion is gone: Suppress(USER_DELETED), Suppress(OCCASION_REMOVED).
3. the rule's timing changed since the plan was made: the same cycle is recomputed, and if it lies in the
   future now: Defer with the new plan. Otherwise the recomputed plan is what is decided on below.
4. the rule is paused: Suppress(PAUSED).
5. too near to the last one that was sent: Suppress(TOO_CLOSE). Before 6: in time it would not have gone
   either, so it must not be listed as missed.
6. too late: Expire(MISSED_BY_MOVE) if a change put it into the past, else Expire(MISSED).
7. Send, late when more than 60 s after the due time.

Fail is the answer of rendering, which happens after Send.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from whenever import Instant, TimeDelta

from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plans import Plan, Recipient, TenantDefaults, plan_occasion

MIN_GAP_DAYS: Final = 180
"""Two sent events of one yearly plan are at least this many days apart, whatever was corrected."""

LATE_AFTER: Final = TimeDelta(seconds=60)
"""How long after its due time an event is still on time."""


class Reason(StrEnum):
    """Why an event ended without being sent."""

    MISSED = "MISSED"
    """Nobody decided it before its `deliver_by`."""
    MISSED_BY_MOVE = "MISSED_BY_MOVE"
    """A move or an edit put the due time so far into the past that its `deliver_by` was over."""
    TOO_CLOSE = "TOO_CLOSE"
    """Less than 180 days from the last one that was sent."""
    PAUSED = "PAUSED"
    """The event type is paused."""
    USER_DELETED = "USER_DELETED"
    """The person is gone."""
    OCCASION_REMOVED = "OCCASION_REMOVED"
    """The person has no such occasion any more, or it is of another kind than the rule's."""
    RENDER = "RENDER"
    """The template cannot be rendered for this person."""
    TOO_LARGE = "TOO_LARGE"
    """The rendered body is larger than a webhook may be."""


@dataclass(frozen=True, slots=True)
class Send:
    """It goes out; `plan` is what was decided on (recomputed if the rule's timing had changed)."""

    plan: Plan
    late: bool


@dataclass(frozen=True, slots=True)
class Suppress:
    """It ends without sending: it may not or should not go."""

    plan: Plan
    reason: Reason


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: look again at `until` (None: when the plan changes). `plan` replaces the row if it differs."""

    plan: Plan
    until: Instant | None


@dataclass(frozen=True, slots=True)
class Expire:
    """It ends without sending: its `deliver_by` is over."""

    plan: Plan
    reason: Reason


@dataclass(frozen=True, slots=True)
class Fail:
    """It ends without sending: it cannot be made."""

    plan: Plan
    reason: Reason


Decision = Send | Suppress | Defer | Expire | Fail


def decide(
    plan: Plan, recipient: Recipient | None, event_type: EventType, defaults: TenantDefaults, now: Instant
) -> Decision:
    """Return what becomes of `plan` at `now`; the module says in which order the rules apply.

    Never raises for a plan that planning made. Never Send before `due_time` or from `deliver_by` on.
    """
    due_time = plan.due_time
    if due_time is None or now < due_time:
        return Defer(plan, due_time)
    if recipient is None:
        return Suppress(plan, Reason.USER_DELETED)
    occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    if occasion is None:
        return Suppress(plan, Reason.OCCASION_REMOVED)
    if plan.event_type_version < event_type.timing_version:
        plan = _retimed(plan, recipient, occasion=occasion, event_type=event_type, defaults=defaults, now=now)
        due_time = plan.due_time
        if due_time is None or now < due_time:
            return Defer(plan, due_time)
    return _decide_due(plan, event_type, due_time=due_time, now=now)


def _decide_due(plan: Plan, event_type: EventType, *, due_time: Instant, now: Instant) -> Decision:
    if event_type.state is EventTypeState.PAUSED:
        return Suppress(plan, Reason.PAUSED)
    if _is_too_close(plan):
        return Suppress(plan, Reason.TOO_CLOSE)
    if plan.deliver_by is not None and now >= plan.deliver_by:
        return Expire(plan, Reason.MISSED_BY_MOVE if plan.moved else Reason.MISSED)
    return Send(plan, late=now - due_time > LATE_AFTER)


def _retimed(
    plan: Plan,
    recipient: Recipient,
    *,
    occasion: Occasion,
    event_type: EventType,
    defaults: TenantDefaults,
    now: Instant,
) -> Plan:
    """Return the plan under the rule's new timing, as if it were active: a pause is looked at afterwards.

    It keeps its tzdata stamp: this is one plan in a hurry, the planner decides when new zone data apply.
    """
    return plan_occasion(
        plan,
        recipient,
        occasion=occasion,
        event_type=replace(event_type, state=EventTypeState.ACTIVE),
        defaults=defaults,
        plan_id=plan.plan_id,
        now=now,
        tzdata_version=plan.tzdata_version,
    )


def _is_too_close(plan: Plan) -> bool:
    if plan.last_date is None or plan.occurrence_date is None:
        return False
    return abs(plan.occurrence_date.since(plan.last_date, total="days")) < MIN_GAP_DAYS
