"""Outcomes are gathered and written together: at most so many, at most so long after the first."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.loops import Loop
from chassis.traces import links, tracer
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.store import outcomes, queue
from delivery_service.store.outcomes import Outcome
from delivery_service.workers.observations import ATTEMPTS, LATENESS, QUEUE_ANALYSES, RETRIES
from delivery_service.workers.replica_lease import ReplicaLease

log = structlog.get_logger()

SLOW_SECONDS: Final = 0.25
"""A batch that takes longer, of which each takes some milliseconds, is planned for a queue of another size."""
ANALYZED_SECONDS: Final = 10.0
"""So often at most the planner is told: a slow batch may have other causes."""

_TOLD = frozenset({DeliveryState.DEAD, DeliveryState.EXPIRED})


class Recorder:
    """Takes outcomes one by one and writes them by the hundred."""

    def __init__(
        self,
        engine: AsyncEngine,
        lease: ReplicaLease,
        *,
        batch: int,
        seconds: float,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._batch = batch
        self._seconds = seconds
        self._recorded: Callable[[Sequence[Outcome]], None] = _nobody
        self._waiting: list[Outcome] = []
        self._lateness: list[float] = []
        self._traces: set[str] = set()
        self._analyze_at = 0.0
        self._loop = Loop("recorder", self.flush, interval=1.0)

    def tell(self, recorded: Callable[[Sequence[Outcome]], None]) -> None:
        """Call `recorded` with each batch that PostgreSQL has."""
        self._recorded = recorded

    def add(self, outcome: Outcome, *, traceparent: str = "") -> None:
        """Take one outcome over; the span that writes it is linked to the trace of its event."""
        waiting = self._waiting
        if traceparent:
            self._traces.add(traceparent)
        waiting.append(outcome)
        if len(waiting) == 1:
            asyncio.get_running_loop().call_later(self._seconds, self._loop.wake)
        elif len(waiting) == self._batch:
            self._loop.wake()

    def received(self, lateness_seconds: float) -> None:
        """Note how late a delivery was received (business time)."""
        self._lateness.append(lateness_seconds)

    async def flush(self) -> float | None:
        """Write one batch; returns how long the rest may wait."""
        batch = self._waiting[: self._batch]
        if not batch:
            return None
        began = time.monotonic()
        await self._write(batch)
        took = time.monotonic() - began
        del self._waiting[: len(batch)]
        self._recorded(batch)
        if took > SLOW_SECONDS:
            await self._analyze(took)
        left = len(self._waiting)
        return (0 if left >= self._batch else self._seconds) if left else None

    async def start(self) -> None:
        """Begin to write."""
        await self._loop.start()

    async def stop(self) -> None:
        """Write everything that is left."""
        await self._loop.stop()
        while self._waiting:
            await self.flush()

    async def _write(self, batch: Sequence[Outcome]) -> None:
        number = self._lease.number
        written = 0
        if number is not None:  # without one nothing is ours any more, and nothing would match
            linked, self._traces = links(self._traces), set()
            size = {"redletter.deliveries": len(batch)}
            with tracer.start_as_current_span("deliveries.record", links=linked, attributes=size):
                written = await outcomes.record(self._engine, batch, owner=number)
        self._observe(batch, written)

    async def _analyze(self, seconds: float) -> None:
        if time.monotonic() < self._analyze_at:
            return
        self._analyze_at = time.monotonic() + ANALYZED_SECONDS
        async with unit_of_work(self._engine) as connection:
            await queue.analyze(connection)
        QUEUE_ANALYSES.inc()
        log.info("queue.analyzed", seconds=round(seconds, 3))

    def _observe(self, batch: Sequence[Outcome], written: int) -> None:
        states = Counter(outcome.state for outcome in batch)
        for state, count in states.items():
            ATTEMPTS.labels(_result(state)).inc(count)
        RETRIES.inc(states[DeliveryState.PENDING])
        lateness, self._lateness = self._lateness, []
        LATENESS.observe(lateness)
        log.info(
            "deliveries.recorded",
            offered=len(batch),
            written=written,
            **{_result(state): count for state, count in states.items()},
        )
        for outcome in batch:
            if outcome.state in _TOLD:
                log.warning(
                    "delivery.ended",
                    event_id=outcome.event_id,
                    endpoint_id=outcome.endpoint_id,
                    state=_result(outcome.state),
                    cause=DeliveryCause(outcome.cause).name,
                    status_code=outcome.status_code,
                    attempts=outcome.attempts,
                )


def _result(state: DeliveryState) -> str:
    return "retry" if state is DeliveryState.PENDING else state.name.lower()


def _nobody(_batch: Sequence[Outcome]) -> None:
    """Nobody has asked to be told."""
