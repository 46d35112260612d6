"""What comes into this replica's memory, what leaves it, and what changes around it.

`Roster` knows which lanes there are, `Holdings` what is held; `Dispatch` sends, `Returns` gives back.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import structlog

from chassis.clocks import BusinessClock
from delivery_service.domain.deliveries import DeliveryState, LaneKey, QueuedDelivery
from delivery_service.domain.stops import RecentStops
from delivery_service.store.endpoints import Target
from delivery_service.store.outcomes import Outcome
from delivery_service.workers.conclusions import withdrawn
from delivery_service.workers.dispatch import Dispatch
from delivery_service.workers.holdings import Holdings, Name
from delivery_service.workers.lane import Lane
from delivery_service.workers.limits import Limits
from delivery_service.workers.observations import LANE_HELD, LANE_INFLIGHT
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.returns import Returns
from delivery_service.workers.roster import Roster

log = structlog.get_logger()


class Lanes:
    """Every lane of this replica."""

    def __init__(
        self,
        clock: BusinessClock,
        lease: ReplicaLease,
        recorder: Recorder,
        roster: Roster,
        holdings: Holdings,
        dispatch: Dispatch,
        returns: Returns,
        *,
        stops: RecentStops,
        limits: Limits,
    ) -> None:
        self._clock = clock
        self._lease = lease
        self._recorder = recorder
        self._roster = roster
        self._holdings = holdings
        self._dispatch = dispatch
        self._returns = returns
        self._stops = stops
        self._limits = limits
        self._hungry: Callable[[LaneKey], None] = _nobody
        self._later: Callable[[LaneKey, datetime], None] = _nobody
        lease.tell(lost=self.forget, renewed=self.resume)
        recorder.tell(self.recorded)

    def tell(
        self,
        *,
        hungry: Callable[[LaneKey], None],
        later: Callable[[LaneKey, datetime], None],
        gone: Callable[[LaneKey, str], None],
    ) -> None:
        """Call `hungry` when a lane with more in PostgreSQL runs low, `later` when a retry is stored, `gone` on a 410.

        `later` is told the real instant of the retry.
        """
        self._hungry = hungry
        self._later = later
        self._dispatch.tell(hungry=self._low, gone=gone, parked=self._returns.give_back)

    @property
    def room(self) -> int:
        """How many more deliveries fit into memory; none while stopping or in doubt about the lease."""
        if self._dispatch.draining or not self._lease.valid:
            return 0
        return max(0, self._limits.held - len(self._holdings))

    def room_of(self, key: LaneKey) -> int:
        """Return how many more deliveries of one endpoint may come into memory."""
        return min(self.room, self._roster.room_of(key, held=len(self._holdings)))

    def full(self) -> list[LaneKey]:
        """Return the lanes that take no more for now; told that PostgreSQL will have more for them."""
        held = len(self._holdings)
        found = [lane.key for lane in self._roster if self._roster.room_of(lane.key, held=held) == 0]
        self.expect(found)
        return found

    def unknown(self, keys: Iterable[LaneKey]) -> list[LaneKey]:
        """Return the endpoints that have no lane yet: their targets must be opened first."""
        return self._roster.unknown(keys)

    def open(self, keys: Iterable[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Open lanes; an endpoint without a target is gone, its deliveries will end as dead."""
        self._roster.open(keys, targets)

    def offer(self, rows: Iterable[tuple[str, QueuedDelivery]]) -> None:
        """Take over deliveries that this replica owns, each with its endpoint id, and begin to send."""
        touched: set[LaneKey] = set()
        for endpoint_id, row in rows:
            if not self._holdings.take((row.event_id, endpoint_id), row):
                continue
            if self._stops.stops(row):
                self._withdraw(endpoint_id, row)
                continue
            touched.add(key := LaneKey(row.tenant_id, endpoint_id))
            self._roster[key].waiting.append(row)
        for key in touched:
            self._dispatch.pump(self._roster[key])

    def holds(self, event_id: str, endpoint_id: str) -> bool:
        """Return whether a delivery is in this replica's memory, its outcome not stored yet."""
        return (event_id, endpoint_id) in self._holdings

    def expect(self, keys: Iterable[LaneKey]) -> None:
        """Ask for more as soon as one of these lanes runs low."""
        for key in keys:
            if (lane := self._roster.get(key)) is not None:
                lane.behind = True

    def left(self, keys: Iterable[LaneKey]) -> None:
        """Note that PostgreSQL got deliveries of these lanes that nobody owns."""
        for key in keys:
            if not self.awaits(key):
                self._hungry(key)

    def awaits(self, key: LaneKey) -> bool:
        """Return whether a lane is at work or paused, and will ask for more by itself."""
        lane = self._roster.get(key)
        if lane is None or (lane.empty and not lane.paused_until):
            return False
        lane.behind = True
        return True

    def unsettled(self, tenant_id: str, *, event_ids: Sequence[str], user_id: str) -> list[Name]:
        """Return (event, endpoint) of a stop's deliveries that are being sent or not stored yet.

        From this call on nothing else of the stop is sent, if it was added to `stops` before.
        """
        matching = self._holdings.matching(tenant_id, event_ids, user_id)
        if not matching:
            return []
        waiting = {(row.event_id, lane.key.endpoint_id) for lane in self._roster for row in lane.waiting}
        return sorted(matching - waiting)

    def withdraw(self) -> None:
        """End what waits here and was stopped; it need not come to its turn in a slow lane for that."""
        for lane in self._roster:
            stopped = [row for row in lane.waiting if self._stops.stops(row)]
            if not stopped:
                continue
            gone = {row.event_id for row in stopped}
            lane.waiting = deque(row for row in lane.waiting if row.event_id not in gone)
            for row in stopped:
                self._withdraw(lane.key.endpoint_id, row)
            self._dispatch.pump(lane)

    def recorded(self, batch: Sequence[Outcome]) -> None:
        """Forget deliveries whose outcome is stored; go on with those that were fetched again meanwhile."""
        again: list[tuple[str, QueuedDelivery]] = []
        for outcome in batch:
            row, early = self._holdings.store(outcome)
            if outcome.state is not DeliveryState.PENDING:
                continue
            if early is not None:
                again.append((outcome.endpoint_id, early))
            elif row is not None:
                self._later(LaneKey(row.tenant_id, outcome.endpoint_id), outcome.at)
        self.offer(again)
        LANE_HELD.set(len(self._holdings))
        LANE_INFLIGHT.set(self._dispatch.in_flight)

    def parked(self, key: LaneKey) -> None:
        """Give back what waits for an endpoint whose breaker has opened."""
        if (lane := self._roster.get(key)) is not None:
            self._returns.give_back(lane)

    def granted(self, key: LaneKey) -> None:
        """Go on with a lane whose rate allows more."""
        if (lane := self._roster.get(key)) is not None:
            self._dispatch.pump(lane)

    def forget(self) -> list[Name]:
        """Drop what waits and return its (event id, endpoint id); what is on the wire comes to its end."""
        dropped = self._holdings.forget_early()
        for lane in self._roster:
            dropped += self._returns.drop(lane, len(lane.waiting))
        self._dispatch.forget_turns()
        return dropped

    def known(self) -> list[LaneKey]:
        """Return every lane, after closing those that have been idle for a minute; what waits in vain is given back."""
        self._roster.close_idle()
        now = time.monotonic()
        for lane in self._roster:
            lane.look(now)
            surplus = self._roster.surplus(lane, held=len(self._holdings))
            if surplus > 0:
                lane.behind = True
                self._returns.shed(lane, surplus)
        self._roster.observe()
        return self._roster.keys()

    def aim(self, keys: Sequence[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Take the present URLs, states, limits and secrets of these lanes' endpoints."""
        self._roster.aim(keys, targets)
        for key in keys:
            lane = self._roster.get(key)
            if lane is not None and lane.waiting and not lane.enabled:
                self._dispatch.pump(lane)

    def resume(self) -> None:
        """Go on with whatever waits, for example after a renewed lease."""
        for lane in self._roster:
            if lane.waiting:
                self._dispatch.pump(lane)

    async def start(self) -> None:
        """Begin to take deliveries."""
        self._dispatch.begin()

    async def stop(self) -> None:
        """Send nothing more and wait for the answers of what is on the wire."""
        self._dispatch.drain()
        log.info("lanes.draining", in_flight=self._dispatch.in_flight, held=len(self._holdings))
        if self._dispatch.in_flight:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dispatch.landed.wait(), self._limits.drain_seconds)

    def _low(self, lane: Lane) -> None:
        low = len(lane.waiting) * 2
        if low < self._limits.window and low < self._roster.window(lane) and self.room_of(lane.key):
            lane.behind = False
            self._hungry(lane.key)

    def _withdraw(self, endpoint_id: str, row: QueuedDelivery) -> None:
        ended = withdrawn(row, endpoint_id, cause=self._stops.cause(row), now=self._clock.now())
        self._recorder.add(ended, traceparent=row.traceparent)


def _nobody(*_: object) -> None:
    """Nobody has asked to be told."""
