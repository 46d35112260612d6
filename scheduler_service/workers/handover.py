"""Hands decided events to delivery: at once after the decision, and again until it has answered."""

import asyncio
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
"""More hand-overs than this under way in one replica stop it from deciding: the back-pressure."""
MAX_WAITING: Final = 64
"""So does it that this many wait in the store, whoever decided them: delivery does not answer."""
AGAIN_SECONDS: Final = 1.0
_TAKEN_AT_ONCE: Final = 4

OPEN = Gauge("redletter_scheduler_handovers_open", "Hand-overs that this replica is offering.")
OFFERED = Counter(
    "redletter_scheduler_handovers_offered_total", "Offers of a hand-over, by result.", ["result"]
)

Accept = Callable[[bytes], Awaitable[intake_pb2.AcceptEventsResponse]]


class Handovers:
    """Offers hand-overs, the same bytes each time; delivery is idempotent by event id."""

    def __init__(self, engine: AsyncEngine, accept: Accept) -> None:
        self._engine = engine
        self._accept = accept
        self._offers: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._again = Loop("handovers", self.offer_again, interval=AGAIN_SECONDS)

    @property
    def has_room(self) -> bool:
        """Whether another hand-over may be made."""
        return len(self._offers) < MAX_OPEN and self._waiting < MAX_WAITING

    def offer(self, handover: Handover) -> None:
        """Begin to offer a hand-over; the caller need not wait."""
        task = asyncio.create_task(self._offer(handover))
        self._offers.add(task)
        OPEN.set(len(self._offers))
        task.add_done_callback(self._ended)

    async def offer_again(self) -> float | None:
        """Offer what nobody has finished offering, by whichever replica it was decided."""
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
            async with unit_of_work(self._engine) as connection:
                await handovers.release(connection, handover.handover_id, pause=AGAIN_SECONDS)
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
        self._offers.discard(task)
        OPEN.set(len(self._offers))
        if not task.cancelled() and task.exception() is not None:
            log.warning("handover.failed", error=type(task.exception()).__name__)
