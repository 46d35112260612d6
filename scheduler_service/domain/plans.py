"""Plans: the one open row for a user, an event type and an occasion. Which cycle is next, and when.

Planning is a function of what is known, not of when it runs: a planner that comes late, twice or after
a restore gives the same rows. `now` only says whether a change moved something into the past.
"""

from dataclasses import dataclass, replace

from whenever import Date, Instant

from scheduler_service.domain.cycles import cycle_of
from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.ids import shard_of
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.timings import (
    Rule,
    Timing,
    effective_enrolment,
    first_timing,
    rule_for,
    timing_from,
)

__all__ = [
    "Plan",
    "Recipient",
    "TenantDefaults",
    "effective_enrolment",
    "first_plan",
    "next_plan",
    "plan_occasion",
    "tombstone",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which cycle is next and when.

    `due_time` None means that nothing is due: a tombstone that remembers `last_cycle` (the last decided
    cycle) and `last_date` (the occurrence date of the last one that was sent). `enrol_time` is the
    effective enrolment it was planned for, `event_type_version` the rule's `timing_version`; `moved` says
    that a change put the due time into the past while it could still have been sent.
    """

    plan_id: bytes
    tenant_id: str
    user_id: str
    event_type_id: str
    occasion_id: str
    instance: str
    shard: int
    version: int
    cycle: str | None
    last_cycle: str | None
    last_date: Date | None
    occurrence_date: Date | None
    nominal_due_time: Instant | None
    due_time: Instant | None
    deliver_by: Instant | None
    enrol_time: Instant
    recipient_version: int
    event_type_version: int
    tzdata_version: str
    shifts: tuple[Shift, ...]
    moved: bool

    @property
    def is_void(self) -> bool:
        """True when nothing is open and nothing was ever decided: the row can go."""
        return self.cycle is None and self.last_cycle is None


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

    Independent of now. `cycle` and `due_time` are None when no cycle applies within 12 years, when the
    event type is paused, or when the occasion is not of its kind.
    """
    rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults)
    timing = None
    if _is_planned(rule):
        timing = first_timing(rule, after_year=None if last_cycle is None else int(last_cycle))
    return _plan(
        rule,
        timing,
        recipient=recipient,
        plan_id=plan_id,
        version=version,
        last_cycle=last_cycle,
        last_date=last_date,
        tzdata_version=tzdata_version,
        moved=False,
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
    enrolment plans anew, after `last_cycle`. Any difference raises `version` by one.
    """
    rule = rule_for(recipient, occasion, event_type=event_type, defaults=defaults)
    if existing is None or existing.cycle is None or existing.enrol_time != rule.enrol_time:
        planned = first_plan(
            recipient,
            occasion,
            event_type=event_type,
            defaults=defaults,
            plan_id=plan_id,
            tzdata_version=tzdata_version,
            last_cycle=existing.last_cycle if existing else None,
            last_date=existing.last_date if existing else None,
            version=existing.version if existing else 1,
        )
    else:
        timing = timing_from(rule, int(existing.cycle)) if _is_planned(rule) else None
        planned = _plan(
            rule,
            timing,
            recipient=recipient,
            plan_id=plan_id,
            version=existing.version,
            last_cycle=existing.last_cycle,
            last_date=existing.last_date,
            tzdata_version=tzdata_version,
            moved=timing is not None and _is_moved(existing, timing, now=now),
        )
    if existing is None or planned == existing:
        return existing or planned
    return replace(planned, version=existing.version + 1)


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
    occasion or active rule are gone, what remains is a tombstone.
    """
    last_cycle = plan.cycle or plan.last_cycle
    last_date = plan.occurrence_date if sent else plan.last_date
    occasion = None
    if recipient is not None:
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


def _is_planned(rule: Rule) -> bool:
    """True when the rule is active and meant for this kind of occasion."""
    active = rule.event_type.state is EventTypeState.ACTIVE
    return active and rule.occasion.kind == rule.event_type.occasion_kind


def _is_moved(existing: Plan, timing: Timing, *, now: Instant) -> bool:
    """True when the due time is past because of a change, not because nobody came in time."""
    if timing.due_time > now:
        return False
    if timing.due_time == existing.due_time and timing.deliver_by == existing.deliver_by:
        return existing.moved
    return existing.moved or (existing.deliver_by is not None and existing.deliver_by > now)


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
    moved: bool,
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
        cycle=cycle_of(timing.year) if timing else None,
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
    )
