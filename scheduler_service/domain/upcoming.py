"""Upcoming: the next events of a person, planned and decided by the functions that do it."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from whenever import Instant

from scheduler_service.domain.decisions import Decision, Defer, Send, decide
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan, next_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults


class Upcoming(NamedTuple):
    """A cycle as it will be planned, and what its decision would be at its due time (or now, if it is past)."""

    plan: Plan
    decision: Decision


def upcoming(
    recipient: Recipient,
    event_types: Iterable[EventType],
    *,
    defaults: TenantDefaults,
    now: Instant,
    count: int,
    key: bytes,
    tzdata_version: str,
    existing: Mapping[bytes, Plan] | None = None,
) -> list[Upcoming]:
    """Return the next `count` events in the order of their due times, as if nothing changed until then.

    `existing` are the person's plans, so that what was decided, chosen by hand or asked for counts. What
    would be suppressed is listed with its decision; what is over (`deliver_by`) and not in `existing` is not.
    """
    rules = {event_type.event_type_id: event_type for event_type in event_types}
    plans = dict(existing or {})
    changes = Changes()
    Planner(key, now, tzdata_version).plan_user(
        recipient, rules.values(), defaults=defaults, existing=plans, changes=changes
    )
    plans.update((plan.plan_id, plan) for plan in changes.upserts)
    for gone in changes.deletes:
        plans.pop(gone, None)
    known = existing or {}
    heap: list[tuple[Instant, bytes, Plan]] = []
    for plan in plans.values():
        if plan.event_type_id in rules:
            first = plan if plan.plan_id in known else _not_over(plan, recipient, rules, defaults, now)
            _push(heap, first)
    return list(_walk(heap, recipient, rules, defaults=defaults, now=now, count=count))


def _walk(
    heap: list[tuple[Instant, bytes, Plan]],
    recipient: Recipient,
    rules: Mapping[str, EventType],
    *,
    defaults: TenantDefaults,
    now: Instant,
    count: int,
) -> Iterator[Upcoming]:
    while heap and count > 0:
        due_time, _, plan = heapq.heappop(heap)
        rule = rules[plan.event_type_id]
        decision = decide(plan, recipient, rule, defaults, max(due_time, now))
        if isinstance(decision, Defer):  # into the past's quiet hours: to their end
            _push(heap, decision.plan)
            continue
        count -= 1
        yield Upcoming(decision.plan, decision)
        _push(heap, _next(plan, recipient, rule, defaults, sent=isinstance(decision, Send)))


def _push(heap: list[tuple[Instant, bytes, Plan]], plan: Plan) -> None:
    if plan.due_time is not None:
        heapq.heappush(heap, (plan.due_time, plan.plan_id, plan))


def _not_over(
    plan: Plan, recipient: Recipient, rules: Mapping[str, EventType], defaults: TenantDefaults, now: Instant
) -> Plan:
    """Return the first of the plan's cycles that can still be delivered."""
    while plan.deliver_by is not None and plan.deliver_by <= now:
        plan = _next(plan, recipient, rules[plan.event_type_id], defaults, sent=False)
    return plan


def _next(plan: Plan, recipient: Recipient, rule: EventType, defaults: TenantDefaults, *, sent: bool) -> Plan:
    return next_plan(
        plan,
        recipient,
        event_type=rule,
        defaults=defaults,
        sent=sent,
        tzdata_version=plan.tzdata_version,
    )
