"""Somebody with a birthday, and the rule that greets them."""

from dataclasses import replace
from typing import Any

from whenever import Instant

from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import EventType, Template
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan, first_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.messages import Rendered, render
from scheduler_service.rendering.templates import Cache

SINCE = Instant.from_utc(2028, 1, 1)
DEFAULTS = TenantDefaults("tenant-1", "Europe/Berlin", "de-AT", LeapDayRule.BACKWARD)
RULE = built_in("tenant-1", since=SINCE)[0][1]


def person(*, year: int | None = 1990, **changes: Any) -> Recipient:
    """Return Ada, born on 2 March."""
    birthday = Occasion("birthday", "birthday", 3, 2, year, None, SINCE, OnEnrol.NEXT)
    ada = Recipient("tenant-1", "u1", 1, "Asia/Tokyo", "en", "Ada", "Lovelace", (birthday,), {})
    return replace(ada, **changes)


def rule(*templates: Template, attributes: tuple[str, ...] = ()) -> EventType:
    """Return the birthday rule with these words."""
    return replace(RULE, templates=templates or RULE.templates, attributes=attributes)


def plan_of(recipient: Recipient, event_type: EventType) -> Plan:
    """Return the plan for 2028."""
    return first_plan(
        recipient,
        recipient.occasions[0],
        event_type=event_type,
        defaults=DEFAULTS,
        plan_id=bytes(16),
        tzdata_version="2026a",
    )


def rendered(recipient: Recipient, event_type: EventType) -> Rendered:
    """Return the message for 2028."""
    plan = plan_of(recipient, event_type)
    return render(Cache(), plan, "evt_x_2028", recipient=recipient, event_type=event_type, defaults=DEFAULTS)
