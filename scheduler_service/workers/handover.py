"""Hands decided events to delivery: at once after the decision, and again until it has answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
import structlog
from prometheus_client import Counter, Gauge
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.loops import Loop
from scheduler_service.store import handovers
from scheduler_service.store.handovers import Handover

log = structlog.get_logger()

MAX_OPEN: Final = 16
"""So many hand-overs under way in one replica stop it from deciding: the back-pressure."""
MAX_LARGE: Final = 3
"""So many with more than a few events stop it from deciding large batches: delivery takes one after the
other, and what comes behind them waits for all. More of them would not be faster."""
MAX_LARGE_BESIDE: Final = 1
"""The same while other tenants have something due: measured, `benchmarks/fairness.py`."""
SMALL: Final = 50
LARGE: Final = 500
LARGE_BESIDE: Final = 60
"""Beside other tenants: their transactions wait for this one's on the same processors."""
MAX_WAITING: Final = 64
"""So does it that this many wait in the store, whoever decided them: delivery does not answer."""
AGAIN_SECONDS: Final = 1.0
_TAKEN_AT_ONCE: Final = 4

OPEN = Gauge("redletter_scheduler_handovers_open", "Hand-overs that this replica is offering.")
OFFERED = Counter(
    "redletter_scheduler_handovers_offered_total", "Offers of a hand-over, by result.", ["result"]
)

REFUSED_SECONDS: Final = 5

Accept = Callable[[bytes], Awaitable[intake_pb2.AcceptEventsResponse]]


class Handovers:
    """Offers hand-overs, the same bytes each time; delivery is idempotent by event id."""

    def __init__(self, engine: AsyncEngine, accept: Accept) -> None:
        self._engine = engine
        self._accept = accept
        self._offers: dict[asyncio.Task[None], int] = {}
        self._waiting = 0
        self._refused_until = 0.0
        self._again = Loop("handovers", self.offer_again, interval=AGAIN_SECONDS)

    def room(self, *, beside: bool) -> int:
        """Return how many events the next hand-over may have; 50 or fewer: a small one, or none.

        `beside`: several tenants have something due, so that a large one goes by smaller steps.
        """
        if len(self._offers) >= MAX_OPEN or self._waiting >= MAX_WAITING:
            return 0
        large = sum(events > SMALL for events in self._offers.values())
        most, size = (MAX_LARGE_BESIDE, LARGE_BESIDE) if beside else (MAX_LARGE, LARGE)
        return size if large < most else SMALL

    def offer(self, handover: Handover) -> None:
        """Begin to offer a hand-over; the caller need not wait."""
        task = asyncio.create_task(self._offer(handover))
        self._offers[task] = handover.events
        OPEN.set(len(self._offers))
        task.add_done_callback(self._ended)

    async def offer_again(self) -> float | None:
        """Offer what nobody has finished offering, by whichever replica it was decided."""
        if time.monotonic() < self._refused_until:
            return None
        async with unit_of_work(self._engine) as connection:
            self._waiting = await handovers.waiting(connection)
            left = await handovers.take(connection, size=_TAKEN_AT_ONCE)
        await asyncio.gather(*(self._offer(handover) for handover in left))
        return 0 if len(left) == _TAKEN_AT_ONCE else None

    async def start(self) -> None:
        """Begin to look for what was left."""
        await self._again.start()

    async def stop(self) -> None:
        """Wait for the offers under way; what delivery does not answer is offered by the next replica."""
        await self._again.stop()
        if self._offers:
            await asyncio.wait(self._offers, timeout=5)

    async def _offer(self, handover: Handover) -> None:
        try:
            answer = await self._accept(handover.body)
        except grpc.aio.AioRpcError as error:
            OFFERED.labels("unanswered").inc()
            log.warning("handover.unanswered", handover_id=str(handover.handover_id), code=error.code().name)
            ours = error.code() is grpc.StatusCode.UNAUTHENTICATED
            if (
                ours
            ):  # our clock or secret is wrong: the next one is welcome to it at once, and we do not compete
                self._refused_until = time.monotonic() + REFUSED_SECONDS
            async with unit_of_work(self._engine) as connection:
                await handovers.release(connection, handover.handover_id, pause=0 if ours else AGAIN_SECONDS)
            return
        refused = [r.reason for r in answer.results if r.result == intake_pb2.AcceptResult.RESULT_REFUSED]
        async with unit_of_work(self._engine) as connection:
            if refused:
                await handovers.stick(connection, handover.handover_id)
            else:
                await handovers.delete(connection, handover.handover_id)
        OFFERED.labels("refused" if refused else "accepted").inc()
        if refused:
            log.error("handover.stuck", handover_id=str(handover.handover_id), reasons=sorted(set(refused)))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._offers.pop(task, None)
        OPEN.set(len(self._offers))
        if not task.cancelled() and task.exception() is not None:
            log.warning("handover.failed", error=type(task.exception()).__name__)
