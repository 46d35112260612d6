"""The next seconds in memory: plans that are read and rendered ahead, in due order within their lane."""

import heapq
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from whenever import Instant

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.messages import Rendered

CAPACITY: Final = 20_000
QUANTUM: Final = 50
"""A lane with at most as many due plans is served at once, with others of its kind, in a batch of their own."""
_LANES_AT_ONCE: Final = 512

Lane = tuple[str, bool]
"""A tenant, and whether its plans were late already when they were read."""
_Entry = tuple[Instant, bytes, int]


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with everything its decision needs, and what follows when it is sent.

    `rendered` is None when it cannot or may not be sent (`failure`). `late`: it goes beside what is on time.
    """

    plan: Plan
    following: Plan
    recipient: Recipient | None
    event_type: EventType
    defaults: TenantDefaults
    event_id: str
    rendered: Rendered | None
    failure: Reason | None
    late: bool = False

    @property
    def lane(self) -> Lane:
        """The lane it waits in."""
        return self.plan.tenant_id, self.late


class Window:
    """At most 20,000 plans of the shards this replica holds, in one lane per tenant and lateness."""

    def __init__(self) -> None:
        self._ready: dict[bytes, Ready] = {}
        self._taken: dict[bytes, int] = {}
        self._lanes: dict[Lane, list[_Entry]] = {}
        self._waiting: list[tuple[Instant, Lane]] = []
        self._active: dict[Lane, None] = {}  # lanes whose first plan is due, the next one first
        self._large_next = False

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def space(self) -> int:
        """How many more plans fit."""
        return CAPACITY - len(self._ready)

    @property
    def shared(self) -> bool:
        """Whether plans of more than one tenant are here."""
        tenants = (tenant for tenant, _ in self._lanes)
        first = next(tenants, None)
        return any(tenant != first for tenant in tenants)

    def holds(self, plan_id: bytes, version: int) -> bool:
        """Return whether this version of the plan is here, or is being decided."""
        return self._is_ready(plan_id, version) or self._taken.get(plan_id) == version

    def put(self, ready: Ready) -> None:
        """Add a plan, or replace an older version of it."""
        plan = ready.plan
        assert plan.due_time is not None
        self._ready[plan.plan_id] = ready
        lane = self._lanes.setdefault(ready.lane, [])
        entry = (plan.due_time, plan.plan_id, plan.version)
        heapq.heappush(lane, entry)
        if lane[0] is entry and ready.lane not in self._active:
            heapq.heappush(self._waiting, (plan.due_time, ready.lane))

    def take_due(self, now: Instant, *, size: int, only_small: bool = False) -> list[Ready]:
        """Take up to `size` plans that are due, the earliest of a lane first, until they are `settled`.

        A lane that can be finished with a few plans does not wait for the others, and is not in one batch
        with them: their transaction would be longer. Lanes with more share a batch; the two kinds take turns,
        unless `only_small` ones are asked for.
        """
        self._activate(now)
        small: list[Lane] = []
        large: list[Lane] = []
        for lane in list(islice(self._active, _LANES_AT_ONCE)):
            if self._first(lane) is None:
                del self._active[lane]
            else:
                (large if _count_due(self._lanes[lane], now) > QUANTUM else small).append(lane)
        if only_small:
            large = []
        chosen = large if large and (self._large_next or not small) else small
        if not only_small:
            self._large_next = chosen is small
        taken: list[Ready] = []
        for position, lane in enumerate(chosen):
            if len(taken) >= size:
                break
            share = max(QUANTUM, (size - len(taken)) // (len(chosen) - position))
            taken += self._take(lane, now, size=min(share, size - len(taken)))
        return taken

    def settled(self, taken: Iterable[Ready]) -> None:
        """Forget plans that were taken: they are decided, or to be read again."""
        for ready in taken:
            self._taken.pop(ready.plan.plan_id, None)

    def next_due(self) -> Instant | None:
        """Return when the earliest plan is due of the lanes of which nothing is due yet."""
        while self._waiting:
            due_time, lane = self._waiting[0]
            first = None if lane in self._active else self._first(lane)
            if first == due_time:
                return due_time
            heapq.heappop(self._waiting)
            if first is not None:
                heapq.heappush(self._waiting, (first, lane))
        return None

    def retain(self, shards: Collection[int]) -> None:
        """Drop the plans of shards that are no longer held."""
        held = frozenset(shards)
        self._ready = {key: ready for key, ready in self._ready.items() if ready.plan.shard in held}

    def make_room(self, count: int, *, wanted: Collection[bytes]) -> None:
        """Drop plans that are not `wanted`, as many as have to go so that `count` more fit."""
        excess = count - self.space
        if excess > 0:
            for plan_id in [key for key in self._ready if key not in wanted][:excess]:
                del self._ready[plan_id]

    def _is_ready(self, plan_id: bytes, version: int) -> bool:
        ready = self._ready.get(plan_id)
        return ready is not None and ready.plan.version == version

    def _activate(self, now: Instant) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, lane = heapq.heappop(self._waiting)
            first = self._first(lane)
            if first is None or lane in self._active:
                continue
            if first <= now:
                self._active[lane] = None
            else:
                heapq.heappush(self._waiting, (first, lane))

    def _take(self, lane: Lane, now: Instant, *, size: int) -> list[Ready]:
        """Take from one lane; if something of it is still due it goes to the end of the queue."""
        del self._active[lane]
        entries = self._lanes[lane]
        taken: list[Ready] = []
        while entries and entries[0][0] <= now and len(taken) < size:
            _, plan_id, version = heapq.heappop(entries)
            if self._is_ready(plan_id, version):
                taken.append(self._ready.pop(plan_id))
                self._taken[plan_id] = version
        first = self._first(lane)
        if first is not None and first <= now:
            self._active[lane] = None
        elif first is not None:
            heapq.heappush(self._waiting, (first, lane))
        return taken

    def _first(self, lane: Lane) -> Instant | None:
        """Return when the first plan of a lane is due; a lane without any is forgotten."""
        entries = self._lanes.get(lane)
        while entries and not self._is_ready(*entries[0][1:]):
            heapq.heappop(entries)
        if not entries:
            self._lanes.pop(lane, None)
            return None
        return entries[0][0]


def _count_due(entries: list[_Entry], now: Instant) -> int:
    """Return how many entries of a heap are due, counted no further than it matters."""
    count, looked_at = 0, [0]
    while looked_at and count <= QUANTUM:
        index = looked_at.pop()
        if index < len(entries) and entries[index][0] <= now:
            count += 1
            looked_at += (2 * index + 1, 2 * index + 2)
    return count
