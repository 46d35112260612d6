"""Ends what is parked beyond its deadline: an endpoint that is down for a day must not hide that its messages expired."""

import time
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState, LaneKey, QueuedDelivery
from delivery_service.domain.stops import RecentStops
from delivery_service.store.parked import AT_ONCE, take_overdue
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.conclusions import unsent, withdrawn
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.replica_lease import ReplicaLease

LOOK_SECONDS = 2.0
# A look is followed by so many times its own duration without one: it reads all that is parked.
_PAUSE = 30


class ParkedDeadlines:
    """Records as EXPIRED what the lanes would, were they allowed to fetch it; any replica may do it."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        lease: ReplicaLease,
        breakers: Breakers,
        recorder: Recorder,
        *,
        stops: RecentStops,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._breakers = breakers
        self._recorder = recorder
        self._stops = stops
        self._loop = Loop("parked_deadlines", self.look, interval=LOOK_SECONDS)

    async def look(self) -> float | None:
        """Look at every parked endpoint once; returns how long to wait for the next time."""
        parked, owner, term = self._breakers.shut(), self._lease.number, self._lease.term
        if not parked or owner is None or not self._lease.valid:
            return None
        began = time.monotonic()
        async with unit_of_work(self._engine) as connection:
            found = await take_overdue(connection, parked, owner=owner, now=self._clock.now())
        if term == self._lease.term:
            self._end(found)
        took = time.monotonic() - began
        return 0 if _more(parked, found) else max(LOOK_SECONDS, _PAUSE * took)

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self._loop.stop()

    def _end(self, found: Sequence[tuple[str, QueuedDelivery]]) -> None:
        now = self._clock.now()
        for endpoint_id, row in found:
            if row.stopped:
                ended = withdrawn(row, endpoint_id, cause=self._stops.cause(row), now=now)
            else:
                state, cause = DeliveryState.EXPIRED, DeliveryCause.DEADLINE
                ended = unsent(row, endpoint_id, state=state, cause=cause, now=now)
            self._recorder.add(ended)


def _more(parked: Sequence[LaneKey], found: Sequence[tuple[str, QueuedDelivery]]) -> bool:
    """Return whether some endpoint may have more than was taken."""
    taken = [LaneKey(row.tenant_id, endpoint_id) for endpoint_id, row in found]
    return len(taken) >= AT_ONCE and any(taken.count(key) >= AT_ONCE for key in parked)
