"""Overrides: what somebody does with an open cycle by hand - another instant, or none."""

from dataclasses import replace

from whenever import Instant

from chassis.errors import IllegalTransition
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.plans import Plan, next_plan, plan_occasion
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.requests import plan_request


def rescheduled(
    plan: Plan,
    due_time: Instant | None,
    *,
    recipient: Recipient,
    event_type: EventType,
    defaults: TenantDefaults,
    now: Instant,
    tzdata_version: str,
) -> Plan:
    """Return the plan with its open cycle due at `due_time`, whatever moves; None: by its rule again.

    Its `deliver_by` is that of any due time there; quiet hours and the person's slot do not count. The
    next cycle goes by the rule. The same object when it is so already.

    Raises:
        IllegalTransition: no cycle is open, the person or rule has changed so that it is over, or None
            for an event that was asked for at an instant and has no rule to go back to.
    """
    if plan.cycle is None:
        raise IllegalTransition("Nothing is planned here that could be rescheduled.")
    wanted = replace(plan, due_override=due_time)
    if plan.request is not None:
        if due_time is None and plan.request.local_time is None:
            raise IllegalTransition(
                "This event was asked for at an instant; it has no local time to go back to."
            )
        after = plan_request(
            wanted,
            recipient,
            event_type=event_type,
            defaults=defaults,
            now=now,
            tzdata_version=tzdata_version,
        )
        return _unless_same(plan, after)
    occasion = recipient.occasion(plan.occasion_id, kind=event_type.occasion_kind)
    if occasion is None:
        raise IllegalTransition(f'The occasion "{plan.occasion_id}" is gone; its cycle {plan.cycle} is over.')
    after = plan_occasion(
        wanted,
        recipient,
        occasion=occasion,
        event_type=event_type,
        defaults=defaults,
        plan_id=plan.plan_id,
        now=now,
        tzdata_version=tzdata_version,
    )
    if after.cycle != plan.cycle:
        raise IllegalTransition(f"Cycle {plan.cycle} is no longer open.")
    return _unless_same(plan, after)


def ended(
    plan: Plan,
    recipient: Recipient | None,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    tzdata_version: str,
) -> Plan:
    """Return the plan after its open cycle was skipped or cancelled: it is over, the next one opens.

    Raises:
        IllegalTransition: no cycle is open.
    """
    if plan.cycle is None:
        raise IllegalTransition("Nothing is planned here that could end.")
    return next_plan(
        plan, recipient, event_type=event_type, defaults=defaults, sent=False, tzdata_version=tzdata_version
    )


def _unless_same(plan: Plan, after: Plan) -> Plan:
    return plan if replace(after, version=plan.version) == plan else replace(after, version=plan.version + 1)
