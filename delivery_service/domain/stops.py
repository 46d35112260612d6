"""Stops of the last minutes, in memory: what a lane asks before each POST.

PostgreSQL holds every stop and is asked whenever an event is accepted or fetched; this holds the ones that
came since. What waits in memory is ended when a stop comes, so that it need not be kept for long.
"""

from collections import Counter, deque
from typing import NamedTuple

from whenever import Instant

from delivery_service.domain.deliveries import QueuedDelivery


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
        """Return whether the event was stopped."""
        if row.stopped:
            return True
        if not self._before:
            return False
        before = self._before
        by_event = before.get((row.tenant_id, row.event_id, ""))
        if by_event is not None and row.decide_time < by_event:
            return True
        by_user = before.get((row.tenant_id, "", row.user_id))
        return by_user is not None and row.decide_time < by_user
