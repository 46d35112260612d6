"""Decisions: what becomes of a due plan. Pure and total; the same answer explains and forecasts.

Precedence, first match wins:

1. nothing open, or not due yet: Defer. Nothing leaves early, whatever else is true.
2. the person is gone: Suppress(USER_DELETED).
3. a test, which goes to one endpoint of the caller's: Expire if its `deliver_by` is over, else Send. What
   the person or the rule says is not asked.
4. "never again" for the person or this occasion: Suppress(CARE_SWITCH). Also for what a caller asked for.
5. the occasion is gone: Suppress(OCCASION_REMOVED); the rule is: Suppress(EVENT_TYPE_DELETED).
6. the rule's timing changed since the plan was made: the same cycle is recomputed, and if it lies in the
   future now: Defer with the new plan. Otherwise the recomputed plan is what is decided on below.
7. the rule is paused: Suppress(PAUSED).
8. the person opted out of the event type: Suppress(OPTED_OUT). Also of what a caller asked for.
9. too near to the last one that was sent: Suppress(TOO_CLOSE), unless somebody chose the instant. Before
   10: in time it would not have gone either, so it must not be listed as missed.
10. too late - `deliver_by` is over, or the rule wants nothing that is more than 60 s late:
    Expire(MISSED_BY_MOVE) if a change put it into the past, else Expire(MISSED).
11. quiet hours now, unless somebody chose the instant: Defer to their end, which becomes the due time; if
    `deliver_by` comes first: Suppress(QUIET_HOURS).
12. Send, late when more than 60 s after the due time.

Fail is the answer of rendering, which happens after Send.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from whenever import Instant, TimeDelta

from scheduler_service.domain.event_types import EventType, EventTypeState, LatePolicy, Recurrence
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plans import Plan, Recipient, TenantDefaults, plan_occasion
from scheduler_service.domain.quiet_hours import quiet_until
from scheduler_service.domain.recipients import zone_of
from scheduler_service.domain.requests import plan_request

MIN_GAPS: Final[Mapping[Recurrence, timedelta]] = {
    Recurrence.YEARLY: timedelta(days=180),
    Recurrence.MONTHLY: timedelta(days=15),
}
"""Two sent events of one plan are at least this far apart, whatever was corrected; else no distance."""

LATE_AFTER: Final = TimeDelta(seconds=60)
"""How long after its due time an event is still on time."""


class Reason(StrEnum):
    """Why an event ended without being sent."""

    MISSED = "MISSED"
    """Nobody decided it before its `deliver_by`."""
    MISSED_BY_MOVE = "MISSED_BY_MOVE"
    """A move or an edit put the due time so far into the past that its `deliver_by` was over."""
    TOO_CLOSE = "TOO_CLOSE"
    """Nearer to the last one that was sent than the rule's `min_gap`."""
    PAUSED = "PAUSED"
    """The event type is paused."""
    USER_DELETED = "USER_DELETED"
    """The person is gone."""
    OCCASION_REMOVED = "OCCASION_REMOVED"
    """The person has no such occasion any more, or it is of another kind than the rule's."""
    OPTED_OUT = "OPTED_OUT"
    """The person does not want messages of this event type."""
    QUIET_HOURS = "QUIET_HOURS"
    """The person's quiet hours last beyond its `deliver_by`."""
    CARE_SWITCH = "CARE_SWITCH"
    """"Never again" was said for the person or the occasion."""
    EVENT_TYPE_DELETED = "EVENT_TYPE_DELETED"
    """The rule is gone."""
    SKIPPED = "SKIPPED"
    """Somebody skipped this cycle by hand."""
    CANCELLED = "CANCELLED"
    """Somebody cancelled it before it was decided."""
    HELD_BACK = "HELD_BACK"
    """It fell due between a backup and its restore, and an operator chose not to send it."""
    POISON = "POISON"
    """Rendering it ended the process, more than once."""
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
    if plan.request is not None and plan.request.endpoint_id:
        return _expired(plan, now) or Send(plan, late=now - due_time > LATE_AFTER)
    if recipient.care_switches and recipient.is_spared(plan.occasion_id):
        return Suppress(plan, Reason.CARE_SWITCH)
    occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    if occasion is None and (plan.occasion_id or plan.request is None):
        return Suppress(plan, Reason.OCCASION_REMOVED)
    if event_type.state is EventTypeState.DELETED:
        return Suppress(plan, Reason.EVENT_TYPE_DELETED)
    if plan.event_type_version < event_type.timing_version:
        plan = _retimed(plan, recipient, occasion=occasion, event_type=event_type, defaults=defaults, now=now)
        due_time = plan.due_time
        if due_time is None or now < due_time:
            return Defer(plan, due_time)
    return (
        _suppressed(plan, recipient, event_type)
        or _too_late(plan, event_type, due_time=due_time, now=now)
        or _resting(plan, recipient, defaults, now=now)
        or Send(plan, late=now - due_time > LATE_AFTER)
    )


def _suppressed(plan: Plan, recipient: Recipient, event_type: EventType) -> Suppress | None:
    if event_type.state is EventTypeState.PAUSED:
        return Suppress(plan, Reason.PAUSED)
    if event_type.event_type_id in recipient.preferences.opted_out:
        return Suppress(plan, Reason.OPTED_OUT)
    if _is_too_close(plan, event_type):
        return Suppress(plan, Reason.TOO_CLOSE)
    return None


def _too_late(plan: Plan, event_type: EventType, *, due_time: Instant, now: Instant) -> Expire | None:
    if event_type.late is LatePolicy.EXPIRE and now - due_time > LATE_AFTER:
        return Expire(plan, _missed(plan))
    return _expired(plan, now)


def _expired(plan: Plan, now: Instant) -> Expire | None:
    if plan.deliver_by is not None and now >= plan.deliver_by:
        return Expire(plan, _missed(plan))
    return None


def _missed(plan: Plan) -> Reason:
    return Reason.MISSED_BY_MOVE if plan.moved else Reason.MISSED


def _resting(
    plan: Plan, recipient: Recipient, defaults: TenantDefaults, *, now: Instant
) -> Defer | Suppress | None:
    """Return what the person's quiet hours make of it; an instant somebody chose comes before them."""
    quiet_hours = recipient.preferences.quiet_hours
    if quiet_hours is None or plan.due_override is not None:
        return None
    until = quiet_until(now, quiet_hours, plan.time_zone or zone_of(recipient, defaults))
    if until is None:
        return None
    if plan.deliver_by is not None and until >= plan.deliver_by:
        return Suppress(plan, Reason.QUIET_HOURS)
    shifts = plan.shifts if Shift.QUIET_HOURS in plan.shifts else (*plan.shifts, Shift.QUIET_HOURS)
    return Defer(replace(plan, due_time=until, shifts=shifts, version=plan.version + 1), until)


def _retimed(
    plan: Plan,
    recipient: Recipient,
    *,
    occasion: Occasion | None,
    event_type: EventType,
    defaults: TenantDefaults,
    now: Instant,
) -> Plan:
    """Return the plan under the rule's new timing, as if it were active: a pause is looked at afterwards.

    It keeps its tzdata stamp: this is one plan in a hurry, the planner decides when new zone data apply.
    """
    if occasion is None or plan.request is not None:
        return plan_request(
            plan,
            recipient,
            event_type=event_type,
            defaults=defaults,
            now=now,
            tzdata_version=plan.tzdata_version,
        )
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


def min_gap_of(event_type: EventType) -> timedelta:
    """Return how far apart two sent events of one plan have to be: the rule's, or its recurrence's."""
    if event_type.min_gap is not None:
        return event_type.min_gap
    return MIN_GAPS.get(event_type.recurrence, timedelta(0))


def _is_too_close(plan: Plan, event_type: EventType) -> bool:
    if plan.last_date is None or plan.occurrence_date is None:
        return False
    if plan.due_override is not None or plan.request is not None:
        return False
    days = abs(plan.occurrence_date.since(plan.last_date, total="days"))
    return timedelta(days=days) < min_gap_of(event_type)
