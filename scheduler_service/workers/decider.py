"""At the due instant: decide a batch, commit it in one transaction, hand it over."""

import time
from collections import Counter as Tally
from collections.abc import Callable
from typing import Final, assert_never

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.traces import tracer
from scheduler_service.domain.decisions import Defer, Expire, Fail, Reason, Send, Suppress, decide
from scheduler_service.store import controls, decisions, handovers, shard_work
from scheduler_service.store.decisions import EXPIRED, FAILED, SENT, SUPPRESSED
from scheduler_service.store.handovers import Handover
from scheduler_service.workers.batches import Batch, handover_of
from scheduler_service.workers.handover import LARGE, SMALL
from scheduler_service.workers.rules import Rules
from scheduler_service.workers.window import Ready, Window

log = structlog.get_logger()

FIRST_BATCH: Final = 50
"""What is due first leaves first: a burst begins with a small transaction, and they double from there."""
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
LONGEST_WAIT_SECONDS: Final = 0.5
BESIDE_SECONDS: Final = 1.0
"""So long after another tenant was seen to have something due, a large one goes by small steps."""
LONGEST_PAUSE_SECONDS: Final = 0.05
"""How long it pauses at most while what is due waits for room."""

DECIDED = Counter(
    "redletter_scheduler_events_decided_total", "Events by the state they were decided to.", ["state"]
)
LOST = Counter(
    "redletter_scheduler_decisions_lost_total",
    "Plans that changed between reading and deciding; they are read again.",
)
QUARANTINED = Counter(
    "redletter_scheduler_events_quarantined_total", "Events that ended each process that rendered them."
)
LATENESS = Histogram(
    "redletter_scheduler_decide_lateness_seconds",
    "Business seconds from the due time to the commit of the decision to send.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600),
)


class Decider:
    """Takes what is due out of the window, up to 500 at a time."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        window: Window,
        rules: Rules,
        room: Callable[[bool], int],
        offer: Callable[[Handover], None],
        running_low: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._window = window
        self._rules = rules
        self._room = room
        self._offer = offer
        self._running_low = running_low
        self._size = FIRST_BATCH
        self._beside_until = 0.0
        self._large = 0

    async def iterate(self) -> float | None:
        """Decide what is due now; return the seconds until something else is."""
        beside = self._beside()
        room = self._room(beside)
        if room == 0:
            return LONGEST_PAUSE_SECONDS
        now = self._clock.now()
        crowded = room <= SMALL or (beside and self._large > 0)
        due = self._window.take_due(now, size=min(room, self._size), only_small=crowded)
        if not due and crowded:
            return min(self._wait(), LONGEST_PAUSE_SECONDS)
        if not due:
            # By steps: what is read while it is due comes chunk by chunk, with nothing in between.
            self._size = max(FIRST_BATCH, self._size // 2)
            return self._wait()
        self._size = min(LARGE, self._size * 2)
        if len(due) > room // 2 and len(self._window) < LARGE:
            self._running_low()
        await self._settle(due, now)
        return 0

    async def iterate_small(self) -> float | None:
        """Decide what is due now of tenants with a few plans, beside the batches of the others."""
        if self._room(self._beside()) == 0:
            return LONGEST_PAUSE_SECONDS
        now = self._clock.now()
        due = self._window.take_due(now, size=LARGE, only_small=True)
        if not due:
            return self._wait()
        await self._settle(due, now)
        return 0

    def _beside(self) -> bool:
        """Whether several tenants have something due about now."""
        now = time.monotonic()
        if self._window.shared:
            self._beside_until = now + BESIDE_SECONDS
        return now < self._beside_until

    async def _settle(self, due: list[Ready], now: Instant) -> None:
        large = len(due) > SMALL
        self._large += large
        try:
            with tracer.start_as_current_span("decide", attributes={"redletter.plans": len(due)}):
                await self._commit(self._decide(due, now))
        finally:
            self._large -= large
            self._window.settled(due)

    def _wait(self) -> float:
        due_time = self._window.next_due()
        if due_time is None:
            return LONGEST_WAIT_SECONDS
        # Rounded up by a hair: waking early would only find nothing due yet.
        return min(LONGEST_WAIT_SECONDS, max(0.0005, self._clock.real_seconds_until(due_time) + 0.0002))

    def _decide(self, due: list[Ready], now: Instant) -> Batch:
        batch = Batch(now)
        size = 0
        for ready in due:
            if size > MAX_BATCH_BYTES:
                self._window.put(ready)
                continue
            self._decide_one(batch, ready)
            if ready.rendered is not None:
                size += len(ready.rendered.head) + len(ready.rendered.tail)
        return batch

    def _decide_one(self, batch: Batch, ready: Ready) -> None:
        version = ready.plan.version
        if ready.failure is Reason.HELD_BACK:
            batch.add(ready, ready.plan, version, EXPIRED, str(ready.failure))
            return
        decision = decide(ready.plan, ready.recipient, ready.event_type, ready.defaults, batch.now)
        plan = decision.plan
        if plan is not ready.plan:
            # Its id and its words may be others now. Rendering happens where it is noted before, so it
            # is written as it is now and read again from there.
            decision = Defer(plan, batch.now)
        match decision:
            case Defer() if plan is ready.plan:
                self._window.put(ready)
            case Defer():
                batch.deferred.append(plan)
                batch.deferred_versions.append(version)
            case Send() if ready.failure is None:
                batch.add(ready, plan, version, SENT, late=decision.late)
            case Send():
                batch.add(ready, plan, version, FAILED, str(ready.failure))
            case Suppress():
                batch.add(ready, plan, version, SUPPRESSED, str(decision.reason))
            case Expire():
                batch.add(ready, plan, version, EXPIRED, str(decision.reason))
            case Fail():
                batch.add(ready, plan, version, FAILED, str(decision.reason))
            case _:
                assert_never(decision)

    async def _commit(self, batch: Batch) -> None:
        handover: Handover | None = None
        async with unit_of_work(self._engine) as connection:
            await controls.share(connection)
            if batch.deferred:
                await decisions.defer(connection, batch.deferred, batch.deferred_versions)
            ids = [ready.event_id for ready in batch.ready]
            recorded = await decisions.commit(connection, batch.decided, ids, now=batch.now, by_hand=False)
            poison = [
                r.plan.plan_id for r in batch.ready if r.failure is Reason.POISON and r.event_id in recorded
            ]
            if poison:
                await shard_work.release(connection, poison)
            handover = handover_of(batch, recorded)
            if handover is not None:
                await handovers.insert(connection, handover)
        if handover is not None:
            self._offer(handover)
        self._account(batch, recorded)

    def _account(self, batch: Batch, recorded: set[str]) -> None:
        lost = len(batch.decided) - len(recorded)
        if lost:
            LOST.inc(lost)
            self._rules.forget()
        tally: Tally[str] = Tally()
        late = 0
        for ready, decided in zip(batch.ready, batch.decided, strict=True):
            if ready.event_id not in recorded:
                continue
            tally[decided.state] += 1
            late += decided.late
            if decided.state == SENT and decided.plan.due_time is not None:
                LATENESS.observe((batch.now - decided.plan.due_time).total("seconds"))
            elif decided.reason == Reason.POISON:
                QUARANTINED.inc()
                log.error(
                    "event.quarantined", event_id=ready.event_id, event_type_id=decided.plan.event_type_id
                )
            elif decided.state != SENT:
                log.info("event.ended", event_id=ready.event_id, state=decided.state, reason=decided.reason)
        for state, count in tally.items():
            DECIDED.labels(state).inc(count)
        log.info("events.decided", **tally, late=late, lost=lost, deferred=len(batch.deferred))
