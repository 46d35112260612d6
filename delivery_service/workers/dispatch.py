"""Sends what waits in the lanes, driven by the answers themselves: no task and no wait per event.

Before each POST: the lease holds, the lane has a slot and a turn, its rate allows it, the event is not stopped, the
endpoint is enabled, business time is before `deliver_by`, and the breaker lets it pass.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from whenever import Instant

from chassis.clocks import BusinessClock
from delivery_service.coordination.rates import Rates
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState, LaneKey, QueuedDelivery
from delivery_service.domain.outcomes import HOLDS, counts_as_failure, slows
from delivery_service.domain.shares import Shares
from delivery_service.domain.stops import RecentStops
from delivery_service.transport.requests import Answer, Sender
from delivery_service.workers.breakers import Breakers, Gate
from delivery_service.workers.conclusions import Judge, concluded, unsent
from delivery_service.workers.holdings import Name
from delivery_service.workers.lane import Lane
from delivery_service.workers.observations import SLOWDOWNS
from delivery_service.workers.pauses import Pauses
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.turns import Turns

_TRIES = 8


class Dispatch:
    """Every attempt of this replica."""

    def __init__(
        self,
        clock: BusinessClock,
        sender: Sender,
        lease: ReplicaLease,
        recorder: Recorder,
        *,
        stops: RecentStops,
        judge: Judge,
        breakers: Breakers,
        rates: Rates,
        in_flight: int,
    ) -> None:
        self._clock = clock
        self._sender = sender
        self._lease = lease
        self._recorder = recorder
        self._stops = stops
        self._judge = judge
        self._breakers = breakers
        self._rates = rates
        self._shares = Shares(in_flight)
        self._flying: set[Name] = set()
        self._turns = Turns()
        self._pauses = Pauses(self._resume)
        self._draining = False
        self.landed = asyncio.Event()
        """Set while draining, as soon as nothing is on the wire."""
        self._hungry: Callable[[Lane], None] = _nobody
        self._gone: Callable[[LaneKey, str], None] = _nobody_gone
        self._parked: Callable[[Lane], None] = _nobody

    def tell(
        self,
        *,
        hungry: Callable[[Lane], None],
        gone: Callable[[LaneKey, str], None],
        parked: Callable[[Lane], None],
    ) -> None:
        """Call `hungry` after a lane has sent, `gone` when a receiver answered 410, `parked` when nothing may be sent."""
        self._hungry = hungry
        self._gone = gone
        self._parked = parked

    @property
    def in_flight(self) -> int:
        """How many attempts are under way."""
        return len(self._flying)

    @property
    def draining(self) -> bool:
        """Whether nothing more is sent."""
        return self._draining

    def pump(self, lane: Lane) -> None:
        """Send what the lane may send now."""
        waiting, shares, flying = lane.waiting, self._shares, self._flying
        # Nothing is sent: what ends needs no slot, no turn and no rate, and does not wait for an answer.
        while waiting and not lane.enabled and self._lease.valid and not self._draining:
            self._send(lane, waiting.popleft())
        if lane.paused_until and time.monotonic() < lane.paused_until:
            self._parked(lane)
            return
        while waiting and lane.in_flight < lane.limit and not self._draining:
            if not self._lease.valid:
                return  # the next renewal goes on
            if shares.refuses(lane.in_flight, len(flying)):
                self._turns.wait(lane)
                return
            if lane.max_rate and lane.enabled and not self._rates.spend(lane.key, wanted=len(waiting)):
                return  # the next grant goes on
            if not self._send(lane, waiting.popleft()):
                break
        if lane.behind:
            self._hungry(lane)

    def forget_turns(self) -> None:
        """Forget which lanes wait for a slot: what waited in them was dropped."""
        self._turns.clear()

    def begin(self) -> None:
        """Send again."""
        self._draining = False

    def drain(self) -> None:
        """Send nothing more."""
        self._draining = True
        self.landed.clear()

    def _send(self, lane: Lane, row: QueuedDelivery) -> bool:
        """Send or end a delivery; False when the breaker does not let it pass: then it waits again."""
        now = self._clock.now()
        endpoint_id = lane.key.endpoint_id
        if self._stops.stops(row):
            state, cause = DeliveryState.CANCELLED, self._stops.cause(row)
        elif not lane.enabled:
            state, cause = DeliveryState.DEAD, DeliveryCause.ENDPOINT_DISABLED
        elif now >= row.deliver_by:
            state, cause = DeliveryState.EXPIRED, DeliveryCause.DEADLINE
        else:
            gate = self._breakers.gate(lane.key)
            if gate is Gate.PARKED:
                lane.waiting.appendleft(row)
                self._parked(lane)
                return False
            if not lane.in_flight:
                lane.moved = time.monotonic()
            lane.in_flight += 1
            self._flying.add((row.event_id, endpoint_id))
            answered = self._probed if gate is Gate.PROBE else self._answered
            with_what = (lane.url, lane.signers.secret_id)
            self._sender.send(lane.request(row), partial(answered, lane, row, self._clock.real(), with_what))
            return True
        self._recorder.add(
            unsent(row, endpoint_id, state=state, cause=cause, now=now), traceparent=row.traceparent
        )
        return True

    def _probed(
        self, lane: Lane, row: QueuedDelivery, started: Instant, with_what: tuple[str, str], answer: Answer
    ) -> None:
        self._answered(lane, row, started, with_what, answer, probe=True)

    def _answered(
        self,
        lane: Lane,
        row: QueuedDelivery,
        started: Instant,
        with_what: tuple[str, str],
        answer: Answer,
        *,
        probe: bool = False,
    ) -> None:
        in_flight = lane.in_flight
        lane.in_flight = in_flight - 1
        self._flying.discard((row.event_id, lane.key.endpoint_id))
        now = self._clock.now()
        ending = self._judge.ending(row, answer, policy=lane.retry_policy, now=now)
        if ending.state is DeliveryState.DELIVERED:
            if row.round == 1:  # what is sent again on purpose is not late
                late = now.timestamp(unit="nanosecond") - row.due_time.timestamp(unit="nanosecond")
                self._recorder.received(late / 1e9)
            lane.moved = time.monotonic()
            lane.stalled = False
            if in_flight >= lane.limit < lane.pace.most:
                lane.pace.succeeded(in_flight)
                lane.limit = lane.pace.window
            self._breakers.attempted(lane.key, failed=False, probe=probe)
        else:
            self._failed(lane, started, answer, probe=probe)
        url, secret_id = with_what
        if ending.disable and url == lane.url:  # what another URL's receiver said is not about this one
            lane.enabled = False
            self._gone(lane.key, url)
        self._recorder.add(
            concluded(
                row,
                lane.key.endpoint_id,
                answer,
                ending=ending,
                started=started,
                url=url,
                secret_id=secret_id,
            ),
            traceparent=row.traceparent,
        )
        if self._turns.waiting:
            self._give_turns()
        self.pump(lane)
        if self._draining and not self._flying:
            self.landed.set()

    def _failed(self, lane: Lane, started: Instant, answer: Answer, *, probe: bool) -> None:
        if answer.status_code:
            lane.moved = time.monotonic()
        if slows(answer.status_code, answer.cause):
            if lane.pace.slow(began=_seconds(started), now=_seconds(self._clock.real())):
                SLOWDOWNS.inc()
            lane.limit = lane.pace.window
        if answer.status_code in HOLDS:
            self._pauses.begin(lane, answer.retry_after.total_seconds())
        failed = counts_as_failure(answer.status_code, answer.cause)
        self._breakers.attempted(lane.key, failed=failed, probe=probe)

    def _resume(self, lane: Lane) -> None:
        lane.behind = True
        self.pump(lane)

    def _give_turns(self) -> None:
        before = len(self._flying)
        for _ in range(min(_TRIES, len(self._turns.waiting))):
            lane = self._turns.next()
            if lane is None:
                return
            self.pump(lane)
            if len(self._flying) > before:
                return


def _seconds(instant: Instant) -> float:
    return instant.timestamp(unit="nanosecond") / 1e9


def _nobody(_lane: Lane) -> None:
    """Nobody has asked to be told."""


def _nobody_gone(_key: LaneKey, _url: str) -> None:
    """Nobody has asked to be told."""
