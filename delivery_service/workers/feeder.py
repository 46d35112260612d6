"""Fetches pending deliveries that nobody owns: retries that are due, backlog, and what a dead replica had."""

import time

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import endpoints, queue
from delivery_service.workers.lanes import Lanes
from delivery_service.workers.observations import QUEUE_OPEN
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.stop_watch import StopWatch

FEED_SECONDS = 0.25
COUNT_SECONDS = 15.0
# One statement takes no more than this, so that two replicas share a backlog.
TAKEN_AT_ONCE = 1000


class Feeder:
    """Gives every lane with room what is due in PostgreSQL."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, lease: ReplicaLease, watch: StopWatch, lanes: Lanes
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._watch = watch
        self._lanes = lanes
        self._counted = 0.0
        self._loop = Loop("feeder", self.feed, interval=FEED_SECONDS)

    def wake(self) -> None:
        """Look now."""
        self._loop.wake()

    async def feed(self) -> float | None:
        """Take what is due once; returns how long to wait for more."""
        owner, term = self._lease.number, self._lease.term
        if owner is None or not self._watch.ready:
            return 0.05
        now = self._clock.real()
        async with self._engine.connect() as connection:
            backlog = await queue.backlog(connection)
            await self._count(connection)
        due = [lane.lane for lane in backlog if lane.next_time <= now.to_stdlib()]
        self._lanes.expect(due)
        rooms = self._rooms(due)
        taken = await self._take(rooms, owner, term=term) if rooms else 0
        if taken >= TAKEN_AT_ONCE // 2:
            return 0
        ahead = [
            (lane.next_time - now.to_stdlib()).total_seconds() for lane in backlog if lane.lane not in due
        ]
        return min(FEED_SECONDS, max(0.001, min(ahead, default=FEED_SECONDS)))

    async def start(self) -> None:
        """Begin to fetch."""
        await self._loop.start()

    async def stop(self) -> None:
        """Fetch no more."""
        await self._loop.stop()

    def _rooms(self, due: list[LaneKey]) -> list[tuple[LaneKey, int]]:
        """Share what may be taken now between the lanes that are due."""
        free = min(self._lanes.room, TAKEN_AT_ONCE)
        share = max(1, free // max(1, len(due)))
        rooms: list[tuple[LaneKey, int]] = []
        for key in due:
            room = min(share, free, self._lanes.room_of(key))
            if room > 0:
                rooms.append((key, room))
                free -= room
        return rooms

    async def _take(self, rooms: list[tuple[LaneKey, int]], owner: int, *, term: int) -> int:
        keys = [key for key, _ in rooms]
        async with unit_of_work(self._engine) as connection:
            unknown = self._lanes.unknown(keys)
            if unknown:
                self._lanes.open(unknown, await endpoints.targets(connection, unknown))
            rows = await queue.take(connection, rooms, owner=owner, real_now=self._clock.real())
        if term == self._lease.term:
            self._lanes.offer(rows)
        return len(rows)

    async def _count(self, connection: AsyncConnection) -> None:
        if time.monotonic() - self._counted < COUNT_SECONDS:
            return
        self._counted = time.monotonic()
        QUEUE_OPEN.set(await queue.open_rows(connection))
