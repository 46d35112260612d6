"""Lanes: each held delivery is checked, signed, POSTed, and its outcome handed to the recorder.

Driven by the answers themselves: no task and no wait per event. Before each POST: the lease holds,
the endpoint is enabled, the event is not stopped, business time is before `deliver_by`.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from whenever import Instant

from chassis.clocks import BusinessClock
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState, LaneKey, QueuedDelivery
from delivery_service.domain.stops import RecentStops
from delivery_service.store.endpoints import Target
from delivery_service.store.outcomes import Outcome
from delivery_service.transport.requests import Answer, Sender
from delivery_service.workers.conclusions import Judge, concluded, unsent
from delivery_service.workers.lane import Lane
from delivery_service.workers.observations import LANE_HELD, LANE_INFLIGHT
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.replica_lease import ReplicaLease

log = structlog.get_logger()

_IDLE_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """How much one replica takes on: attempts per lane and in all, deliveries in memory per lane and in all.

    `drain_seconds` is how long a stopping replica waits for answers; what has none by then is handed
    back and sent again by another replica.
    """

    concurrency: int
    in_flight: int
    window: int
    held: int
    drain_seconds: float


class Lanes:
    """Every lane of this replica."""

    def __init__(
        self,
        clock: BusinessClock,
        sender: Sender,
        lease: ReplicaLease,
        recorder: Recorder,
        *,
        stops: RecentStops,
        limits: Limits,
        judge: Judge,
    ) -> None:
        self._clock = clock
        self._sender = sender
        self._lease = lease
        self._recorder = recorder
        self._stops = stops
        self._limits = limits
        self._judge = judge
        self._hungry: Callable[[], None] = _nobody
        self._gone: Callable[[LaneKey], None] = _nobody_gone
        self._lanes: dict[LaneKey, Lane] = {}
        # By (event, endpoint): from the offer until the outcome is stored; and those being sent.
        self._held: dict[tuple[str, str], QueuedDelivery] = {}
        self._flying: set[tuple[str, str]] = set()
        # Fetched again while the commit of their last outcome has not been heard of.
        self._early: dict[tuple[str, str], QueuedDelivery] = {}
        self._blocked: deque[Lane] = deque()
        self._draining = False
        self._landed = asyncio.Event()
        lease.tell(lost=self.forget, renewed=self.resume)
        recorder.tell(self.recorded)

    def tell(self, *, hungry: Callable[[], None], gone: Callable[[LaneKey], None]) -> None:
        """Call `hungry` when a lane with more in PostgreSQL runs low, `gone` when a receiver answered 410."""
        self._hungry = hungry
        self._gone = gone

    # -- what may come in ------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many more deliveries fit into memory; none while stopping or in doubt about the lease."""
        if self._draining or not self._lease.valid:
            return 0
        return max(0, self._limits.held - len(self._held))

    def room_of(self, key: LaneKey) -> int:
        """Return how many more deliveries of one endpoint fit into memory."""
        lane = self._lanes.get(key)
        return min(self.room, self._limits.window - (len(lane.waiting) if lane else 0))

    def full(self) -> list[LaneKey]:
        """Return the lanes that take no more for now; told that PostgreSQL will have more for them."""
        found = [key for key, lane in self._lanes.items() if len(lane.waiting) >= self._limits.window]
        self.expect(found)
        return found

    def unknown(self, keys: Iterable[LaneKey]) -> list[LaneKey]:
        """Return the endpoints that have no lane yet: their targets must be opened first.

        Those that have one keep it for a while: rows for them are on their way.
        """
        wanted = set(keys)
        for key in wanted & self._lanes.keys():
            self._lanes[key].idle_since = time.monotonic()
        return [key for key in wanted if key not in self._lanes]

    def open(self, keys: Iterable[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Open lanes; an endpoint without a target is gone, its deliveries will end as dead."""
        for key in keys:
            if key not in self._lanes:
                self._lanes[key] = Lane(key, targets.get(key))

    def offer(self, rows: Iterable[tuple[str, QueuedDelivery]]) -> None:
        """Take over deliveries that this replica owns, each with its endpoint id, and begin to send."""
        touched: set[LaneKey] = set()
        for endpoint_id, row in rows:
            name = (row.event_id, endpoint_id)
            known = self._held.get(name)
            if known is not None:
                # Not the one that is held: the row as its outcome left it. It goes on in `recorded`.
                if (row.round, row.attempts) > (known.round, known.attempts):
                    self._early[name] = row
                continue
            self._held[name] = row
            if self._stops.stops(row):
                self._withdraw(endpoint_id, row)
                continue
            key = LaneKey(row.tenant_id, endpoint_id)
            self._lanes[key].waiting.append(row)
            touched.add(key)
        for key in touched:
            self._pump(self._lanes[key])

    def holds(self, event_id: str, endpoint_id: str) -> bool:
        """Return whether a delivery is in this replica's memory, its outcome not stored yet."""
        return (event_id, endpoint_id) in self._held

    def expect(self, keys: Iterable[LaneKey]) -> None:
        """Ask for more as soon as one of these lanes runs low."""
        for key in keys:
            lane = self._lanes.get(key)
            if lane is not None:
                lane.behind = True

    def unsettled(self, tenant_id: str, *, event_ids: Sequence[str], user_id: str) -> list[tuple[str, str]]:
        """Return (event, endpoint) of a stop's deliveries that are being sent or not stored yet.

        From this call on nothing else of the stop is sent, if it was added to `stops` before.
        """
        wanted = set(event_ids)
        matching = {
            name
            for name, row in self._held.items()
            if row.tenant_id == tenant_id and (name[0] in wanted or (user_id and row.user_id == user_id))
        }
        if not matching:
            return []
        waiting = {
            (row.event_id, lane.key.endpoint_id) for lane in self._lanes.values() for row in lane.waiting
        }
        return sorted(matching - waiting)

    # -- sending ---------------------------------------------------------------------------------

    def _pump(self, lane: Lane) -> None:
        waiting, limits = lane.waiting, self._limits
        while waiting and lane.in_flight < limits.concurrency and not self._draining:
            if not self._lease.valid:
                return  # the next renewal goes on
            if len(self._flying) >= limits.in_flight:
                self._blocked.append(lane)
                return
            self._send(lane, waiting.popleft())
        if lane.behind and len(waiting) < limits.window // 2:
            lane.behind = False
            self._hungry()

    def _send(self, lane: Lane, row: QueuedDelivery) -> None:
        now = self._clock.now()
        endpoint_id = lane.key.endpoint_id
        if self._stops.stops(row):
            state, cause = DeliveryState.CANCELLED, DeliveryCause.CANCELLED
        elif not lane.enabled:
            state, cause = DeliveryState.DEAD, DeliveryCause.ENDPOINT_DISABLED
        elif now >= row.deliver_by:
            state, cause = DeliveryState.EXPIRED, DeliveryCause.DEADLINE
        else:
            lane.in_flight += 1
            self._flying.add((row.event_id, endpoint_id))
            self._sender.send(lane.request(row), partial(self._answered, lane, row, self._clock.real()))
            return
        self._recorder.add(
            unsent(row, endpoint_id, state=state, cause=cause, now=now), traceparent=row.traceparent
        )

    def _answered(self, lane: Lane, row: QueuedDelivery, started: Instant, answer: Answer) -> None:
        lane.in_flight -= 1
        self._flying.discard((row.event_id, lane.key.endpoint_id))
        now = self._clock.now()
        ending = self._judge.ending(row, answer, now=now)
        if ending.state is DeliveryState.DELIVERED:
            late = now.timestamp(unit="nanosecond") - row.due_time.timestamp(unit="nanosecond")
            self._recorder.received(late / 1e9)
        elif ending.disable:
            lane.enabled = False
            self._gone(lane.key)
        self._recorder.add(
            concluded(
                row,
                lane.key.endpoint_id,
                answer,
                ending=ending,
                started=started,
                url=lane.url,
                secret_id=lane.signers.secret_id,
            ),
            traceparent=row.traceparent,
        )
        if self._blocked:
            self._pump(self._blocked.popleft())
        self._pump(lane)
        if self._draining and not self._flying:
            self._landed.set()

    # -- what changes around them ----------------------------------------------------------------

    def withdraw(self) -> None:
        """End what waits here and was stopped; it need not come to its turn in a slow lane for that."""
        for lane in list(self._lanes.values()):
            stopped = [row for row in lane.waiting if self._stops.stops(row)]
            if not stopped:
                continue
            gone = {row.event_id for row in stopped}
            lane.waiting = deque(row for row in lane.waiting if row.event_id not in gone)
            for row in stopped:
                self._withdraw(lane.key.endpoint_id, row)
            self._pump(lane)

    def _withdraw(self, endpoint_id: str, row: QueuedDelivery) -> None:
        ended = unsent(
            row,
            endpoint_id,
            state=DeliveryState.CANCELLED,
            cause=DeliveryCause.CANCELLED,
            now=self._clock.now(),
        )
        self._recorder.add(ended, traceparent=row.traceparent)

    def recorded(self, batch: Sequence[Outcome]) -> None:
        """Forget deliveries whose outcome is stored; go on with those that were fetched again meanwhile."""
        again: list[tuple[str, QueuedDelivery]] = []
        for outcome in batch:
            name = (outcome.event_id, outcome.endpoint_id)
            self._held.pop(name, None)
            early = self._early.pop(name, None)
            if early is not None and outcome.state is DeliveryState.PENDING:
                again.append((outcome.endpoint_id, early))
        self.offer(again)
        LANE_HELD.set(len(self._held))
        LANE_INFLIGHT.set(len(self._flying))

    def known(self) -> list[LaneKey]:
        """Return every lane, after closing those that have been idle for a minute."""
        now = time.monotonic()
        for key, lane in list(self._lanes.items()):
            if not lane.empty:
                lane.idle_since = now
            elif now - lane.idle_since > _IDLE_SECONDS:
                del self._lanes[key]
        return list(self._lanes)

    def aim(self, keys: Iterable[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Take the present URLs, states and secrets of these lanes' endpoints."""
        for key in keys:
            lane = self._lanes.get(key)
            if lane is not None:
                lane.aim(targets.get(key))

    def resume(self) -> None:
        """Go on with whatever waits, for example after a renewed lease."""
        for lane in list(self._lanes.values()):
            if lane.waiting:
                self._pump(lane)

    def forget(self) -> list[tuple[str, str]]:
        """Drop what waits and return its (event id, endpoint id); what is on the wire comes to its end."""
        dropped = list(self._early)
        self._early.clear()
        for lane in self._lanes.values():
            names = [(row.event_id, lane.key.endpoint_id) for row in lane.waiting]
            for name in names:
                self._held.pop(name, None)
            dropped += names
            lane.waiting.clear()
        self._blocked.clear()
        return dropped

    async def start(self) -> None:
        """Begin to take deliveries."""
        self._draining = False

    async def stop(self) -> None:
        """Send nothing more and wait for the answers of what is on the wire."""
        self._draining = True
        self._landed.clear()
        log.info("lanes.draining", in_flight=len(self._flying), held=len(self._held))
        if self._flying:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._landed.wait(), self._limits.drain_seconds)


def _nobody() -> None:
    """Nobody has asked to be told."""


def _nobody_gone(_key: LaneKey) -> None:
    """Nobody has asked to be told."""
