"""Explanations: why one turn of a rule leaves when it does, or why it does not; by the functions that decide."""

from dataclasses import replace

from whenever import Date, Instant

from scheduler_service.domain.cycles import Turn, turns_since
from scheduler_service.domain.decisions import Expire, Reason, Suppress, decide
from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence
from scheduler_service.domain.explained_steps import Step, steps_of, steps_of_request
from scheduler_service.domain.explained_words import (
    Explanation,
    PassedOver,
    WhyNot,
    day_in_words,
    preferences_in_words,
    rule_in_words,
    worded,
)
from scheduler_service.domain.moments import local_date_of, utc_offset_seconds
from scheduler_service.domain.occasions import LeapDayRule, Occasion
from scheduler_service.domain.plans import Plan, plan_occasion
from scheduler_service.domain.recipients import Recipient, TenantDefaults, zone_of
from scheduler_service.domain.timings import Rule, Timing, is_admitted, overridden, rule_for, timing_of

__all__ = ["Explanation", "PassedOver", "Step", "WhyNot", "explain"]


def explain(
    plan: Plan | None,
    recipient: Recipient,
    event_type: EventType,
    occasion: Occasion | None,
    *,
    defaults: TenantDefaults,
    now: Instant,
    plan_id: bytes,
    tzdata_version: str,
    on_or_after: Date | None = None,
) -> Explanation:
    """Explain the turn on or after a date; without a date the open one, or the next from today.

    `plan` is the row as it is stored, None when there is none. What a caller asked for is explained by
    itself, whatever date is given.
    """
    found = Explanation(
        event_type_id=event_type.event_type_id,
        event_type_version=event_type.version,
        occasion_id="" if occasion is None else occasion.occasion_id,
        rule=rule_in_words(event_type),
        time_zone=zone_of(recipient, defaults),
        tzdata_version=tzdata_version,
        preferences=preferences_in_words(recipient, event_type),
    )
    if plan is not None and plan.request is not None:
        return worded(_of_request(found, plan, recipient, event_type, defaults=defaults, now=now))
    if event_type.recurrence is Recurrence.NONE:
        return worded(replace(found, reason=WhyNot.BY_REQUEST_ONLY))
    if occasion is None or occasion.kind != event_type.occasion_kind:
        return worded(replace(found, reason=Reason.OCCASION_REMOVED))
    current = plan_occasion(
        plan,
        recipient,
        occasion=occasion,
        event_type=replace(event_type, state=EventTypeState.ACTIVE),
        defaults=defaults,
        plan_id=plan_id,
        now=now,
        tzdata_version=tzdata_version,
    )
    # Its zone may be frozen in the last hour.
    rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults, plan_id=plan_id)._replace(
        zone=current.time_zone
    )
    today = local_date_of(now, rule.zone)
    turn = _turn(rule, on_or_after or current.occurrence_date or today)
    found = replace(
        found, time_zone=rule.zone, passed_over=tuple(_passed_over(rule, turn, on_or_after or today))
    )
    if turn is None:
        once = event_type.recurrence is Recurrence.ONCE and occasion.year is None
        return worded(replace(found, reason=WhyNot.NO_YEAR if once else WhyNot.NO_TURN))
    return worded(_of_turn(found, turn, rule, current, recipient, defaults=defaults, now=now))


def _turn(rule: Rule, since: Date) -> Turn | None:
    nominal = since.subtract(days=rule.event_type.day_offset + 1)
    turns = turns_since(rule.occasion, rule.event_type, rule.leap_day_rule, since=nominal)
    return next((turn for turn in turns if turn.occurrence_date >= since), None)


def _of_turn(
    found: Explanation,
    turn: Turn,
    rule: Rule,
    current: Plan,
    recipient: Recipient,
    *,
    defaults: TenantDefaults,
    now: Instant,
) -> Explanation:
    timing = timing_of(rule, turn)
    if current.cycle == turn.cycle and current.due_override is not None:
        timing = overridden(timing, rule, current.due_override)
    return replace(
        found,
        cycle=turn.cycle,
        occurrence_date=turn.occurrence_date,
        utc_offset_seconds=utc_offset_seconds(timing.due_time, rule.zone),
        nominal_due_time=timing.nominal_due_time,
        due_time=timing.due_time,
        deliver_by=timing.deliver_by,
        reason=_reason(timing, rule, current, recipient, defaults=defaults, now=now),
        steps=steps_of(turn, timing, rule),
    )


def _reason(
    timing: Timing, rule: Rule, current: Plan, recipient: Recipient, *, defaults: TenantDefaults, now: Instant
) -> Reason | WhyNot | None:
    if current.last_cycle is not None and timing.cycle <= current.last_cycle:
        return WhyNot.ALREADY_DECIDED
    supposed = current
    if current.cycle != timing.cycle:
        if not is_admitted(rule, timing, local_date_of(rule.enrol_time, rule.zone)):
            return WhyNot.ENROLLED_AFTER
        supposed = _supposed(current, timing)
    return _withheld(supposed, recipient, rule.event_type, defaults=defaults, now=now)


def _withheld(
    plan: Plan, recipient: Recipient, event_type: EventType, *, defaults: TenantDefaults, now: Instant
) -> Reason | None:
    """Return why the plan will not be sent at its due time, or now if that is past."""
    at = now if plan.due_time is None else max(now, plan.due_time)
    decision = decide(plan, recipient, event_type, defaults, at)
    return decision.reason if isinstance(decision, Suppress | Expire) else None


def _supposed(current: Plan, timing: Timing) -> Plan:
    """Return the plan as it will be when this later turn is the open one."""
    return replace(
        current,
        cycle=timing.cycle,
        occurrence_date=timing.occurrence_date,
        nominal_due_time=timing.nominal_due_time,
        due_time=timing.due_time,
        deliver_by=timing.deliver_by,
        shifts=timing.shifts,
        moved=False,
        due_override=None,
        last_date=None,
    )


def _of_request(
    found: Explanation,
    plan: Plan,
    recipient: Recipient,
    event_type: EventType,
    *,
    defaults: TenantDefaults,
    now: Instant,
) -> Explanation:
    found = replace(
        found, occasion_id=plan.occasion_id, rule="asked for by a caller", time_zone=plan.time_zone
    )
    if plan.due_time is None:
        return replace(found, reason=WhyNot.ALREADY_DECIDED)
    return replace(
        found,
        cycle=plan.cycle,
        occurrence_date=plan.occurrence_date,
        utc_offset_seconds=utc_offset_seconds(plan.due_time, plan.time_zone),
        nominal_due_time=plan.nominal_due_time,
        due_time=plan.due_time,
        deliver_by=plan.deliver_by,
        reason=_withheld(plan, recipient, event_type, defaults=defaults, now=now),
        steps=steps_of_request(plan),
    )


def _passed_over(rule: Rule, turn: Turn | None, since: Date) -> list[PassedOver]:
    """Return the years or months from `since` to the turn that have none, at most the first twelve."""
    recurrence = rule.event_type.recurrence
    if turn is None or recurrence not in (Recurrence.YEARLY, Recurrence.MONTHLY):
        return []
    monthly = recurrence is Recurrence.MONTHLY
    nominal = since.subtract(days=rule.event_type.day_offset).replace(day=1)
    passed: list[PassedOver] = []
    for _ in range(12):
        cycle = f"{nominal.year:04d}-{nominal.month:02d}" if monthly else f"{nominal.year:04d}"
        if cycle >= turn.cycle:
            break
        nominal = nominal if monthly else nominal.replace(month=rule.occasion.month)
        passed += _absent(rule, cycle, nominal, monthly=monthly)
        nominal = nominal.add(months=1 if monthly else 12)
    return passed


def _absent(rule: Rule, cycle: str, nominal: Date, *, monthly: bool) -> list[PassedOver]:
    occasion = rule.occasion
    own = "" if occasion.year is None else f"{occasion.year:04d}-{occasion.month:02d}"
    if own and cycle <= own[: len(cycle)]:
        return [PassedOver(cycle, WhyNot.ZEROTH, f"{cycle} is not after the occasion itself")]
    if rule.leap_day_rule is LeapDayRule.OMIT and occasion.day > nominal.days_in_month():
        day = day_in_words(occasion, monthly=monthly)
        return [PassedOver(cycle, WhyNot.LEAP_DAY_OMITTED, f"{day} with OMIT has no cycle in {cycle}")]
    return []
