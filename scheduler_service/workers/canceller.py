"""Tells delivery what to stop, until it has answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import grpc
import structlog
from prometheus_client import Counter
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.wire import timestamp
from scheduler_service.store import cancellations
from scheduler_service.store.cancellations import Stop

log = structlog.get_logger()

CANCELLED = Counter(
    "redletter_scheduler_cancellations_total",
    "People and single events whose deliveries were stopped; one per stop that delivery has answered.",
)
INTERVAL_SECONDS: Final = 0.25
_PEOPLE: Final = 8  # told at the same time; each needs a connection at the end
_EVENTS: Final = 500

Cancel = Callable[[intake_pb2.CancelEventsRequest], Awaitable[intake_pb2.CancelEventsResponse]]


class Canceller:
    """Works off the outbox of cancellations."""

    def __init__(self, engine: AsyncEngine, cancel: Cancel) -> None:
        self._engine = engine
        self._cancel = cancel

    async def iterate(self) -> float | None:
        """Tell delivery of one page; what it does not answer is told again after the lease."""
        async with unit_of_work(self._engine) as connection:
            people = await cancellations.take(connection, people=True, size=_PEOPLE)
            events = await cancellations.take(connection, people=False, size=_EVENTS)
        calls = [[stop] for stop in people] + list(_grouped(events))
        for start in range(0, len(calls), _PEOPLE):
            await asyncio.gather(*map(self._tell, calls[start : start + _PEOPLE]))
        return 0 if len(people) == _PEOPLE or len(events) == _EVENTS else None

    async def _tell(self, stops: Sequence[Stop]) -> None:
        try:
            answer = await self._cancel(cancel_request(stops))
        except grpc.aio.AioRpcError as error:
            log.warning("cancellation.unanswered", code=error.code().name)
            return
        async with unit_of_work(self._engine) as connection:
            await cancellations.delete(connection, stops)
        CANCELLED.inc(len(stops))
        log.info(
            "deliveries.cancelled",
            stops=len(stops),
            reason=stops[0].reason,
            cancelled=answer.cancelled,
            on_the_wire=len(answer.on_the_wire),
        )


def cancel_request(stops: Sequence[Stop]) -> intake_pb2.CancelEventsRequest:
    """Return one call for stops of one tenant: a single one of a person, or any number of events."""
    first = stops[0]
    events = [stop.event_id for stop in stops if stop.event_id]
    return intake_pb2.CancelEventsRequest(
        tenant_id=first.tenant_id,
        **({"events": intake_pb2.EventIds(event_ids=events)} if events else {"user_id": first.user_id}),
        # An event is decided once: the latest of these instants reaches no further than its own.
        decided_before=timestamp(max(stop.decided_before for stop in stops)),
        reason=first.reason,
    )


def _grouped(stops: Sequence[Stop]) -> Iterator[list[Stop]]:
    """Yield the stops of single events in groups that one call can tell."""
    groups: dict[tuple[str, str], list[Stop]] = {}
    for stop in stops:
        groups.setdefault((stop.tenant_id, stop.reason), []).append(stop)
    yield from groups.values()
