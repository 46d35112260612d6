"""Planning one person: which plans there should be, given what there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from whenever import Instant

from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import plan_id
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plans import Plan, plan_occasion, tombstone
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.requests import plan_request


@dataclass
class Changes:
    """What has to be written: plans to upsert, ids of plans to forget."""

    upserts: list[Plan] = field(default_factory=list)
    deletes: list[bytes] = field(default_factory=list)

    def keep(self, before: Plan | None, after: Plan) -> None:
        """Note the difference between a plan as it is and as it should be; an empty one needs no row."""
        if after is before:
            return
        if not after.is_void:
            self.upserts.append(after)
        elif before is not None:
            self.deletes.append(before.plan_id)

    def retire(self, plan: Plan) -> None:
        """Let a plan end: a tombstone while its cycle may still come back, else nothing."""
        left = tombstone(plan)
        if left is None:
            self.deletes.append(plan.plan_id)
        elif left is not plan:
            self.upserts.append(left)

    def forget(self, plan: Plan) -> None:
        """Let the plan of somebody who is erased end: what is left of it does not name them."""
        left = tombstone(plan)
        if left is None:
            self.deletes.append(plan.plan_id)
        elif left.user_id:
            version = plan.version + 1  # also when it was a tombstone before
            self.upserts.append(replace(left, user_id="", version=version))


@dataclass(frozen=True)
class Planner:
    """What planning depends on besides the person: the ids' key, business time, zone data."""

    key: bytes
    now: Instant
    tzdata_version: str

    def plan_user(
        self,
        recipient: Recipient,
        event_types: Iterable[EventType],
        *,
        defaults: TenantDefaults,
        existing: Mapping[bytes, Plan],
        changes: Changes,
    ) -> None:
        """Add to `changes` what makes this person's `existing` plans what they should be.

        Plans of other event types than the given ones are not touched by a replan: pass only those
        `existing` plans that these event types decide about. What a caller asked for is never retired here.
        """
        rules = {event_type.event_type_id: event_type for event_type in event_types}
        wanted: set[bytes] = set()
        for event_type in rules.values():
            for occasion in recipient.occasions:
                if occasion.kind == event_type.occasion_kind:
                    wanted.add(
                        self._plan_occasion(recipient, occasion, event_type, defaults, existing, changes)
                    )
        for name, plan in existing.items():
            if plan.instance:
                self._plan_request(plan, recipient, rules.get(plan.event_type_id), defaults, changes)
            elif name not in wanted:
                changes.retire(plan)

    def _plan_occasion(
        self,
        recipient: Recipient,
        occasion: Occasion,
        event_type: EventType,
        defaults: TenantDefaults,
        existing: Mapping[bytes, Plan],
        changes: Changes,
    ) -> bytes:
        name = plan_id(
            self.key,
            recipient.tenant_id,
            recipient.user_id,
            event_type.event_type_id,
            occasion.occasion_id,
        )
        before = existing.get(name)
        after = plan_occasion(
            before,
            recipient,
            occasion=occasion,
            event_type=event_type,
            defaults=defaults,
            plan_id=name,
            now=self.now,
            tzdata_version=self.tzdata_version,
        )
        changes.keep(before, after)
        return name

    def _plan_request(
        self,
        plan: Plan,
        recipient: Recipient,
        event_type: EventType | None,
        defaults: TenantDefaults,
        changes: Changes,
    ) -> None:
        if event_type is None:
            return
        after = plan_request(
            plan,
            recipient,
            event_type=event_type,
            defaults=defaults,
            now=self.now,
            tzdata_version=self.tzdata_version,
        )
        changes.keep(plan, after)
