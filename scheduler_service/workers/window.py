"""The next seconds in memory: plans that are read and rendered ahead, in due order."""

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from whenever import Instant

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.messages import Rendered

CAPACITY: Final = 20_000


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with everything its decision needs, and what follows when it is sent.

    `rendered` is None when rendering failed (`failure`).
    """

    plan: Plan
    following: Plan
    recipient: Recipient | None
    event_type: EventType
    defaults: TenantDefaults
    event_id: str
    rendered: Rendered | None
    failure: Reason | None


class Window:
    """At most 20,000 plans of the shards this replica holds."""

    def __init__(self) -> None:
        self._ready: dict[bytes, Ready] = {}
        self._heap: list[tuple[Instant, bytes, int]] = []

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def space(self) -> int:
        """How many more plans fit."""
        return CAPACITY - len(self._ready)

    def holds(self, plan_id: bytes, version: int) -> bool:
        """Return whether this version of the plan is here."""
        ready = self._ready.get(plan_id)
        return ready is not None and ready.plan.version == version

    def put(self, ready: Ready) -> None:
        """Add a plan, or replace an older version of it."""
        plan = ready.plan
        assert plan.due_time is not None
        self._ready[plan.plan_id] = ready
        heapq.heappush(self._heap, (plan.due_time, plan.plan_id, plan.version))

    def take_due(self, now: Instant, *, size: int) -> list[Ready]:
        """Remove and return up to `size` plans that are due, the earliest first."""
        taken: list[Ready] = []
        while self._heap and self._heap[0][0] <= now and len(taken) < size:
            _, plan_id, version = heapq.heappop(self._heap)
            if self.holds(plan_id, version):
                taken.append(self._ready.pop(plan_id))
        return taken

    def next_due(self) -> Instant | None:
        """Return when the earliest plan is due."""
        while self._heap and not self.holds(*self._heap[0][1:]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def retain(self, shards: Collection[int]) -> None:
        """Drop the plans of shards that are no longer held."""
        held = frozenset(shards)
        self._ready = {key: ready for key, ready in self._ready.items() if ready.plan.shard in held}
