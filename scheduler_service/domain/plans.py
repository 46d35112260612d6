"""Plans: the one open row for a user, an event type and an occasion. Which cycle is next, and when.

Planning is a function of what is known, not of when it runs: a planner that comes late, twice or after
a restore gives the same rows. `now` only says whether a change moved something into the past, and whether
it is too late to follow a person to another zone.
"""

from dataclasses import replace
from typing import Final

from whenever import Date, Instant, TimeDelta

from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.ids import shard_of
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plan_records import Plan, Request
from scheduler_service.domain.recipients import Recipient, TenantDefaults, ZoneMode
from scheduler_service.domain.timings import (
    Rule,
    Timing,
    effective_enrolment,
    first_timing,
    overridden,
    rule_for,
    timing_from,
)

__all__ = [
    "FREEZE",
    "Plan",
    "Recipient",
    "Request",
    "TenantDefaults",
    "effective_enrolment",
    "first_plan",
    "is_frozen",
    "is_moved",
    "is_planned",
    "next_plan",
    "plan_occasion",
    "tombstone",
]

FREEZE: Final = TimeDelta(hours=1)
"""How long before its due time, to the second, a plan stops following a person to another zone."""


def first_plan(
    recipient: Recipient,
    occasion: Occasion,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    plan_id: bytes,
    tzdata_version: str,
    last_cycle: str | None = None,
    last_date: Date | None = None,
    version: int = 1,
) -> Plan:
    """Return the plan of the smallest cycle after `last_cycle` that the enrolment admits.

    Independent of now. `cycle` and `due_time` are None when no cycle applies (a yearly rule gives up
    after 12 years), when the event type is paused or deleted, or when the occasion is not of its kind.
    """
    rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults, plan_id=plan_id)
    return _plan(
        rule,
        first_timing(rule, after=last_cycle) if is_planned(rule) else None,
        recipient=recipient,
        plan_id=plan_id,
        version=version,
        last_cycle=last_cycle,
        last_date=last_date,
        tzdata_version=tzdata_version,
    )


def plan_occasion(
    existing: Plan | None,
    recipient: Recipient,
    *,
    occasion: Occasion,
    event_type: EventType,
    defaults: TenantDefaults,
    plan_id: bytes,
    now: Instant,
    tzdata_version: str,
) -> Plan:
    """Return the plan as it should be now; `existing` itself (the same object) when nothing changed.

    An open cycle stays open as long as the effective enrolment is the one it was planned for: a move, a
    leap rule, another local time recompute the same cycle, even into the past (then `moved`). A new
    enrolment plans anew, after `last_cycle`. An override stays with its cycle, also through a pause. Who follows their phone
    keeps their zone in the last hour before a message is due. Any difference raises `version` by one.
    """
    if existing is None:
        return first_plan(
            recipient,
            occasion,
            event_type=event_type,
            defaults=defaults,
            plan_id=plan_id,
            tzdata_version=tzdata_version,
        )
    rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults, plan_id=plan_id)
    # What somebody has moved by hand is no longer a matter of when the rule was resumed.
    by_hand = existing.due_override is not None
    stays = existing.cycle is not None and (by_hand or existing.enrol_time == rule.enrol_time)
    if stays and rule.zone != existing.time_zone and is_frozen(existing, recipient, now=now):
        rule = rule._replace(zone=existing.time_zone)
    timing, override = _timing_after(existing, rule, stays=stays)
    planned = _plan(
        rule,
        timing,
        recipient=recipient,
        plan_id=plan_id,
        version=existing.version,
        last_cycle=existing.last_cycle,
        last_date=existing.last_date,
        tzdata_version=tzdata_version,
        moved=stays and timing is not None and is_moved(existing, timing, now=now),
        due_override=override,
    )
    return existing if planned == existing else replace(planned, version=existing.version + 1)


def next_plan(
    plan: Plan,
    recipient: Recipient | None,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    sent: bool,
    tzdata_version: str,
) -> Plan:
    """Return the plan after its cycle was decided: that cycle is the last, the next one that applies opens.

    `sent` says whether the decision was Send: only then its date counts for the minimum gap. When person,
    occasion or active rule are gone, and for what a caller asked for, what remains is a tombstone.
    """
    last_cycle = plan.cycle or plan.last_cycle
    last_date = plan.occurrence_date if sent else plan.last_date
    occasion = None
    if recipient is not None and plan.request is None:
        occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    if recipient is None or occasion is None:
        return _closed(plan, last_cycle=last_cycle, last_date=last_date)
    return first_plan(
        recipient,
        occasion,
        event_type=event_type,
        defaults=defaults,
        plan_id=plan.plan_id,
        tzdata_version=tzdata_version,
        last_cycle=last_cycle,
        last_date=last_date,
        version=plan.version + 1,
    )


def tombstone(plan: Plan) -> Plan | None:
    """Return what stays of the plan of a deleted user, a vanished occasion or a paused rule.

    A row without due time that remembers `last_cycle`, so that a second import of the same person cannot
    repeat it; the same object when it is one already; None when nothing was ever decided: the row can go.
    """
    if plan.last_cycle is None:
        return None
    if plan.cycle is None:
        return plan
    return _closed(plan, last_cycle=plan.last_cycle, last_date=plan.last_date)


def is_planned(rule: Rule) -> bool:
    """True when the rule is active and meant for this kind of occasion."""
    active = rule.event_type.state is EventTypeState.ACTIVE
    return active and rule.occasion.kind == rule.event_type.occasion_kind


def is_frozen(plan: Plan, recipient: Recipient, *, now: Instant) -> bool:
    """True when the person's phone may no longer move this open plan to another zone."""
    if recipient.preferences.zone_mode is not ZoneMode.FOLLOW or not plan.time_zone:
        return False
    return plan.due_time is not None and plan.due_time - now <= FREEZE


def is_moved(existing: Plan, timing: Timing, *, now: Instant) -> bool:
    """True when the due time is past because of a change, not because nobody came in time."""
    if timing.due_time > now:
        return False
    if timing.due_time == existing.due_time and timing.deliver_by == existing.deliver_by:
        return existing.moved
    if Shift.QUIET_HOURS in existing.shifts and timing.nominal_due_time == existing.nominal_due_time:
        return existing.moved  # a decision had deferred it; planning takes it back
    return existing.moved or (existing.deliver_by is not None and existing.deliver_by > now)


def _timing_after(existing: Plan, rule: Rule, *, stays: bool) -> tuple[Timing | None, Instant | None]:
    """Return the timing of the open cycle, or of the next one, and what was chosen for it by hand."""
    override = existing.due_override
    rests = override is not None and rule.event_type.state is EventTypeState.PAUSED
    if not is_planned(rule) and not rests:
        return None, None
    if stays and existing.cycle is not None:
        timing = timing_from(rule, existing.cycle)
    else:
        timing = first_timing(rule, after=existing.last_cycle)
    if override is None or timing is None or timing.cycle != existing.cycle:
        return timing, None
    return overridden(timing, rule, override), override


def _closed(plan: Plan, *, last_cycle: str | None, last_date: Date | None) -> Plan:
    return replace(
        plan,
        version=plan.version + 1,
        cycle=None,
        last_cycle=last_cycle,
        last_date=last_date,
        occurrence_date=None,
        nominal_due_time=None,
        due_time=None,
        deliver_by=None,
        shifts=(),
        moved=False,
        due_override=None,
        request=None,
    )


def _plan(
    rule: Rule,
    timing: Timing | None,
    *,
    recipient: Recipient,
    plan_id: bytes,
    version: int,
    last_cycle: str | None,
    last_date: Date | None,
    tzdata_version: str,
    moved: bool = False,
    due_override: Instant | None = None,
) -> Plan:
    return Plan(
        plan_id=plan_id,
        tenant_id=recipient.tenant_id,
        user_id=recipient.user_id,
        event_type_id=rule.event_type.event_type_id,
        occasion_id=rule.occasion.occasion_id,
        instance="",
        shard=shard_of(plan_id),
        version=version,
        cycle=timing.cycle if timing else None,
        last_cycle=last_cycle,
        last_date=last_date,
        occurrence_date=timing.occurrence_date if timing else None,
        nominal_due_time=timing.nominal_due_time if timing else None,
        due_time=timing.due_time if timing else None,
        deliver_by=timing.deliver_by if timing else None,
        enrol_time=rule.enrol_time,
        recipient_version=recipient.version,
        event_type_version=rule.event_type.timing_version,
        tzdata_version=tzdata_version,
        shifts=timing.shifts if timing else (),
        moved=moved,
        time_zone=rule.zone,
        due_override=due_override,
    )
