"""Fetches pending deliveries that nobody owns: retries that are due, backlog, and what a dead replica had.

A lane of which this replica expects something is asked directly, at that instant. What it cannot expect - what other
replicas left, what was redelivered - is found by a scan over all lanes that have something, which takes a tenth of the
time at most. A parked endpoint is skipped by both, whatever waits for it.
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.domain.deliveries import INBOX, LaneKey
from delivery_service.store import endpoints, queue
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.expectations import Expectations
from delivery_service.workers.lanes import Lanes
from delivery_service.workers.observations import QUEUE_AGE, QUEUE_OPEN
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.stop_watch import StopWatch

FEED_SECONDS = 0.25
SCAN_SECONDS = 2.0
"""The longest pause between two pages of the scan."""
COUNT_SECONDS = 15.0
# One statement takes no more than this, so that two replicas share a backlog.
TAKEN_AT_ONCE = 1000
_PAGE = 1000
_BEFORE_ALL = LaneKey("", "")
# A page of the scan is followed by so many times its own duration without one.
_PAUSE = 9
# Another replica is just fetching what is due, or this one has no room.
_AGAIN_SECONDS = 0.05


class Feeder:
    """Gives every lane with room what is due in PostgreSQL."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        lease: ReplicaLease,
        watch: StopWatch,
        lanes: Lanes,
        breakers: Breakers,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._watch = watch
        self._lanes = lanes
        self._breakers = breakers
        self._expected = Expectations()
        self._counted = 0.0
        self._page = _BEFORE_ALL
        # Real instants: since when something waits by the last round of pages, and by the present one so far.
        self._waits_since = self._found_since = math.inf
        # Lanes that gave back what they held: their receivers, not replicas, are what they wait for.
        self._resting: set[LaneKey] = set()
        # By the monotonic clock: when the next page is read, and when one may be read at the earliest.
        self._scan_at = self._scan_after = 0.0
        self._loop = Loop("feeder", self.feed, interval=FEED_SECONDS)

    def wake(self) -> None:
        """Scan as soon as that is not too much: something is there that nobody has said more about."""
        self._scan_at = self._scan_after
        self._loop.wake()

    def hungry(self, key: LaneKey) -> None:
        """Look for more of a lane now."""
        self._resting.discard(key)
        self._expected.expect(key, 0.0)
        self._loop.wake()

    def returned(self, keys: Iterable[LaneKey]) -> None:
        """Note that deliveries of these lanes are in PostgreSQL again; a paused or parked one asks by itself."""
        for key in keys:
            if self._lanes.awaits(key) or self._breakers.parked(key):
                self._resting.add(key)
            else:
                self.hungry(key)

    def later(self, key: LaneKey, at: datetime) -> None:
        """Look for a retry of a lane at this real instant."""
        earliest = self._expected.earliest()
        self._expected.expect(key, at.timestamp())
        if earliest is None or at.timestamp() < earliest:
            self._loop.wake()

    async def feed(self) -> float | None:
        """Take what is due once; returns how long to wait for more."""
        owner, term = self._lease.number, self._lease.term
        if owner is None or not self._watch.ready:
            self._see_nothing()
            return 0.05
        if time.monotonic() >= self._scan_at:
            await self._scan()
        taken = 0
        if self._lanes.room:
            due = self._expected.due(_seconds(self._clock))
            rooms = self._rooms([key for key in due if self._wanted(key)])
            taken = await self._take(rooms, owner, term=term) if rooms else 0
        return 0 if taken >= TAKEN_AT_ONCE // 2 else self._pause()

    async def start(self) -> None:
        """Begin to fetch."""
        await self._loop.start()

    async def stop(self) -> None:
        """Fetch no more."""
        await self._loop.stop()
        self._see_nothing()

    async def _scan(self) -> None:
        """Read one page of the lanes that have something."""
        try:
            async with self._engine.connect() as connection:
                await self._count(connection)
                began = time.monotonic()
                found = await queue.backlog(connection, after=self._page, most=_PAGE)
        except BaseException:
            self._see_nothing()
            raise
        ended = time.monotonic()
        for lane, next_time in found:
            if lane.endpoint_id != INBOX and not self._breakers.parked(lane):
                self._expected.expect(lane, next_time.timestamp())
        self._page = found[-1].lane if len(found) == _PAGE else _BEFORE_ALL
        self._observe(found)
        self._scan_after = ended + min(SCAN_SECONDS, _PAUSE * (ended - began))
        self._scan_at = (
            max(self._scan_after, ended + FEED_SECONDS) if self._page == _BEFORE_ALL else self._scan_after
        )

    def _observe(self, found: Sequence[queue.Backlog]) -> None:
        """Say for how long the oldest of what may be sent now has waited, by a page of the scan."""
        shut = set(self._breakers.shut())
        times = [
            next_time.timestamp() for lane, next_time in found if lane not in shut and self._sendable(lane)
        ]
        self._found_since = min([self._found_since, *times])
        if self._page == _BEFORE_ALL:
            self._waits_since, self._found_since = self._found_since, math.inf
        since = min(self._waits_since, self._found_since)
        QUEUE_AGE.set(max(0.0, _seconds(self._clock) - since))

    def _sendable(self, key: LaneKey) -> bool:
        """Return whether more replicas would send a lane's deliveries sooner."""
        if key.endpoint_id == INBOX or self._breakers.parked(key):
            return False
        return key not in self._resting or self._lanes.room_of(key) > 0

    def _see_nothing(self) -> None:
        self._waits_since = self._found_since = math.inf
        QUEUE_AGE.set(0)

    def _wanted(self, key: LaneKey) -> bool:
        """Return whether a lane that is due takes something now; one that does not says so by itself later."""
        if self._lanes.room_of(key) > 0:
            return True
        if not self._breakers.parked(key) and not self._lanes.awaits(key):
            self._expected.expect(key, _seconds(self._clock) + _AGAIN_SECONDS)
        return False

    def _rooms(self, due: Sequence[LaneKey]) -> list[tuple[LaneKey, int]]:
        """Share what may be taken now: between the tenants that have something due, then between their lanes."""
        tenants: dict[str, list[LaneKey]] = defaultdict(list)
        for key in due:
            tenants[key.tenant_id].append(key)
        free = min(self._lanes.room, TAKEN_AT_ONCE)
        part = free // max(1, len(tenants))
        rooms: list[tuple[LaneKey, int]] = []
        for keys in tenants.values():
            share = max(1, part // len(keys))
            for number, key in enumerate(keys):
                room = min(share, free, self._lanes.room_of(key))
                if room <= 0 or number >= max(1, part):
                    self._expected.expect(key, 0.0)  # the next time: it is among the first then
                    continue
                rooms.append((key, room))
                free -= room
        return rooms

    async def _take(self, rooms: list[tuple[LaneKey, int]], owner: int, *, term: int) -> int:
        keys = [key for key, _ in rooms]
        try:
            async with unit_of_work(self._engine) as connection:
                unknown = self._lanes.unknown(keys)
                if unknown:
                    self._lanes.open(unknown, await endpoints.targets(connection, unknown))
                rows = await queue.take(connection, rooms, owner=owner, real_now=self._clock.real())
                heads = await queue.heads(connection, keys)
        except BaseException:
            for key in keys:
                self._expected.expect(key, 0.0)
            raise
        if term == self._lease.term:
            self._lanes.offer(rows)
        soon = _seconds(self._clock) + _AGAIN_SECONDS
        taken = {LaneKey(row.tenant_id, endpoint_id) for endpoint_id, row in rows}
        for key, next_time in heads.items():
            at = next_time.timestamp()
            self._expected.expect(key, at if key in taken else max(at, soon))
        return len(rows)

    def _pause(self) -> float:
        """Return the seconds until there is something to do, as far as anybody knows."""
        until_scan = self._scan_at - time.monotonic()
        earliest = self._expected.earliest()
        if earliest is None:
            return max(0.001, until_scan)
        ahead = earliest - _seconds(self._clock) if self._lanes.room else _AGAIN_SECONDS
        return max(0.001, min(until_scan, ahead))

    async def _count(self, connection: AsyncConnection) -> None:
        if time.monotonic() - self._counted < COUNT_SECONDS:
            return
        self._counted = time.monotonic()
        QUEUE_OPEN.set(await queue.open_rows(connection))


def _seconds(clock: BusinessClock) -> float:
    return clock.real().timestamp(unit="nanosecond") / 1e9
