"""Tells delivery whom to stop, until it has answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
import structlog
from prometheus_client import Counter
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from chassis.wire import timestamp
from scheduler_service.store import cancellations

log = structlog.get_logger()

CANCELLED = Counter("redletter_scheduler_cancellations_total", "People whose deliveries were stopped.")
INTERVAL_SECONDS: Final = 0.25
_PAGE: Final = 8  # told at the same time; each needs a connection at the end

Cancel = Callable[[intake_pb2.CancelEventsRequest], Awaitable[intake_pb2.CancelEventsResponse]]


class Canceller:
    """Works off the outbox of cancellations."""

    def __init__(self, engine: AsyncEngine, cancel: Cancel) -> None:
        self._engine = engine
        self._cancel = cancel

    async def iterate(self) -> float | None:
        """Tell delivery of one page; what it does not answer is told again after the lease."""
        async with unit_of_work(self._engine) as connection:
            page = await cancellations.take(connection, size=_PAGE)
        await asyncio.gather(*(self._tell(*entry) for entry in page))
        return 0 if len(page) == _PAGE else None

    async def _tell(self, tenant_id: str, user_id: str, decided_before: Instant) -> None:
        request = intake_pb2.CancelEventsRequest(
            tenant_id=tenant_id,
            user_id=user_id,
            decided_before=timestamp(decided_before),
            reason="user deleted",
        )
        try:
            answer = await self._cancel(request)
        except grpc.aio.AioRpcError as error:
            log.warning("cancellation.unanswered", code=error.code().name)
            return
        async with unit_of_work(self._engine) as connection:
            await cancellations.delete(connection, tenant_id, user_id, decided_before)
        CANCELLED.inc()
        log.info("deliveries.cancelled", cancelled=answer.cancelled, on_the_wire=len(answer.on_the_wire))
