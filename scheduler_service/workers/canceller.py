"""Tells delivery whom to stop, until it has answered."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from prometheus_client import Counter
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.wire import timestamp
from scheduler_service.store import cancellations

log = structlog.get_logger()

CANCELLED = Counter("redletter_scheduler_cancellations_total", "People whose deliveries were stopped.")
INTERVAL_SECONDS: Final = 0.25
_PAGE: Final = 50

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
        for tenant_id, user_id, decided_before in page:
            answer = await self._cancel(
                intake_pb2.CancelEventsRequest(
                    tenant_id=tenant_id,
                    user_id=user_id,
                    decided_before=timestamp(decided_before),
                    reason="user deleted",
                )
            )
            async with unit_of_work(self._engine) as connection:
                await cancellations.delete(connection, tenant_id, user_id, decided_before)
            CANCELLED.inc()
            log.info("deliveries.cancelled", cancelled=answer.cancelled, on_the_wire=len(answer.on_the_wire))
        return 0 if len(page) == _PAGE else None
