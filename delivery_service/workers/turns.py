"""Lanes that wait for a slot: tenants in turn, and each tenant's lanes in turn."""

from collections import OrderedDict, deque

from delivery_service.domain.deliveries import LaneKey
from delivery_service.workers.lane import Lane


class Turns:
    """A queue in which a tenant with a hundred lanes has as many turns as one with a single lane."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, deque[Lane]] = OrderedDict()
        self.waiting: set[LaneKey] = set()
        """Who is in the queue; asked with every answer."""

    def wait(self, lane: Lane) -> None:
        """Queue up, last of all; a lane that waits already keeps its place."""
        if lane.key in self.waiting:
            return
        self.waiting.add(lane.key)
        self._tenants.setdefault(lane.key.tenant_id, deque()).append(lane)

    def next(self) -> Lane | None:
        """Return the lane whose turn it is; it has left the queue, its tenant's other lanes are last now."""
        if not self._tenants:
            return None
        tenant_id, lanes = self._tenants.popitem(last=False)
        lane = lanes.popleft()
        if lanes:
            self._tenants[tenant_id] = lanes
        self.waiting.discard(lane.key)
        return lane

    def clear(self) -> None:
        """Forget who waits."""
        self._tenants.clear()
        self.waiting.clear()
