"""Stops of the last minutes, in memory: what a lane asks before each POST.

PostgreSQL holds every stop and is asked whenever an event is accepted or fetched; this holds the ones that
came since. What waits in memory is ended when a stop comes, so that it need not be kept for long.
"""

from collections import Counter, deque
from collections.abc import Collection
from typing import NamedTuple

from whenever import Instant

from delivery_service.domain.deliveries import DeliveryCause, QueuedDelivery


class Stop(NamedTuple):
    """Events of `tenant_id` decided before `decided_before`: one of them, or all of a user."""

    tenant_id: str
    event_id: str
    user_id: str
    decided_before: Instant


class RecentStops:
    """Remembers each stop for `keep_seconds` of the monotonic clock."""

    def __init__(self, keep_seconds: float) -> None:
        self._keep = keep_seconds
        self._before: dict[tuple[str, str, str], Instant] = {}
        self._order: deque[tuple[float, tuple[str, str, str]]] = deque()
        self._times = Counter[tuple[str, str, str]]()
        self._withdrawn: frozenset[tuple[str, int]] = frozenset()

    def __len__(self) -> int:
        return len(self._before)

    def add(self, stop: Stop, *, monotonic: float) -> None:
        """Remember a stop; of two with one subject the later instant counts."""
        key = stop[:3]
        known = self._before.get(key)
        if known is None or known < stop.decided_before:
            self._before[key] = stop.decided_before
        self._order.append((monotonic, key))
        self._times[key] += 1

    def forget(self, *, monotonic: float) -> None:
        """Drop what is older than `keep_seconds`, unless it was repeated since."""
        while self._order and self._order[0][0] < monotonic - self._keep:
            key = self._order.popleft()[1]
            self._times[key] -= 1
            if not self._times[key]:
                del self._times[key], self._before[key]

    def stops(self, row: QueuedDelivery) -> bool:
        """Return whether the event was stopped, or its message acknowledged in the inbox."""
        if row.stopped or (self._withdrawn and (row.event_id, row.round) in self._withdrawn):
            return True
        if not self._before:
            return False
        before = self._before
        by_event = before.get((row.tenant_id, row.event_id, ""))
        if by_event is not None and row.decide_time < by_event:
            return True
        by_user = before.get((row.tenant_id, "", row.user_id))
        return by_user is not None and row.decide_time < by_user

    def withdraw(self, rounds: Collection[tuple[str, int]]) -> None:
        """Remember which (event id, round) were acknowledged while they were pending, and forget all others.

        Of an event's deliveries of one round either all were pending then or had ended.
        """
        self._withdrawn = frozenset(rounds)

    def cause(self, row: QueuedDelivery) -> DeliveryCause:
        """Return why a delivery that `stops` holds for is not sent."""
        if (row.event_id, row.round) in self._withdrawn:
            return DeliveryCause.ACKNOWLEDGED
        return DeliveryCause.CANCELLED
