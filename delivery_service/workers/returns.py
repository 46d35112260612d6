"""Gives deliveries back to PostgreSQL: what waits for an endpoint that takes nothing for now."""

import time
from collections.abc import Callable, Iterable

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import queue
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.holdings import Holdings, Name
from delivery_service.workers.lane import Lane
from delivery_service.workers.observations import GIVEN_BACK
from delivery_service.workers.replica_lease import ReplicaLease

_AT_ONCE = 2000
# A shorter pause is waited out in memory.
_SHORT_PAUSE_SECONDS = 2.0


class Returns:
    """Rows that have left this replica's memory and are to be everybody's again, without an attempt spent."""

    def __init__(
        self, engine: AsyncEngine, lease: ReplicaLease, holdings: Holdings, breakers: Breakers
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._holdings = holdings
        self._breakers = breakers
        self._returned: Callable[[Iterable[LaneKey]], None] = _nobody
        self._names: list[tuple[LaneKey, Name]] = []
        self._number = lease.number
        self._loop = Loop("returns", self.flush, interval=60.0)

    def tell(self, *, returned: Callable[[Iterable[LaneKey]], None]) -> None:
        """Call `returned` with the lanes of what PostgreSQL has back."""
        self._returned = returned

    def give_back(self, lane: Lane) -> None:
        """Give back what waits, unless the receiver wants it again in a moment."""
        pause = lane.paused_until - time.monotonic()
        if lane.waiting and (pause >= _SHORT_PAUSE_SECONDS or self._breakers.parked(lane.key)):
            self.shed(lane, len(lane.waiting))

    def shed(self, lane: Lane, count: int) -> None:
        """Give back the newest of what waits."""
        if self._number != self._lease.number:  # what was noted under another number was taken over
            self._names.clear()
            self._number = self._lease.number
        self._names += ((lane.key, name) for name in self.drop(lane, count))
        GIVEN_BACK.inc(count)
        self._loop.wake()

    def drop(self, lane: Lane, count: int) -> list[Name]:
        """Take the newest of what waits out of memory and return it; nobody gives it back."""
        names = [(lane.waiting.pop().event_id, lane.key.endpoint_id) for _ in range(count)]
        self._holdings.drop(names)
        return names

    async def flush(self) -> float | None:
        """Give back once; returns 0 when there is more.

        What fails is not tried again: it may have been committed, and fetched again by this very replica. If not,
        it is found as a stray.
        """
        part, number = self._names[:_AT_ONCE], self._number
        if not part:
            return None
        del self._names[: len(part)]
        if number is not None and number == self._lease.number:
            async with unit_of_work(self._engine) as connection:
                await queue.release(connection, number, [name for _, name in part])
        self._returned({key for key, _ in part})
        return 0 if self._names else None

    async def start(self) -> None:
        """Begin to give back."""
        await self._loop.start()

    async def stop(self) -> None:
        """Give back no more: the lease gives everything back when it ends."""
        await self._loop.stop()


def _nobody(_keys: Iterable[LaneKey]) -> None:
    """Nobody has asked to be told."""
