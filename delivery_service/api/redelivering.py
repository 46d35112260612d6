"""Deliveries again: one, some by their names, or an operation for all that a filter finds."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from redletter.delivery.v1 import delivery_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.errors import RedletterError
from chassis.operations import store as operations
from chassis.transactions import settled
from chassis.wire import span
from delivery_service.api.dead_letters import item_results
from delivery_service.api.delivery_filters import parsed, require_begin, require_distinct
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.redeliveries import DEFAULT_WITHIN, Refusal, error
from delivery_service.store import delivery_filters, redeliveries
from delivery_service.store.redeliveries import Judged, Moment, Name
from delivery_service.store.redelivery_operations import Redelivery, operation_of
from delivery_service.workers.redeliverer import told

log = structlog.get_logger()

DEFAULT_PER_SECOND = 100


class Redelivering:
    """Begins rounds; `released` is told when there is something to send, `begun` of a new operation."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        released: Callable[[], None],
        begun: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._released = released
        self._begun = begun

    async def one(self, lane: LaneKey, event_id: str, within: timedelta) -> int:
        """Begin a new round of one delivery; return its number.

        Raises:
            NotFound: there is no such delivery, or its message is beyond retention.
            IllegalTransition: it may not be sent again.
        """
        [judged] = await self._some(lane.tenant_id, [(event_id, lane.endpoint_id)], within)
        if isinstance(judged.verdict, Refusal):
            raise error(judged.verdict, judged.candidate)
        return (judged.candidate.round or 0) + 1

    async def named(
        self, tenant: str, request: wire.RedeliverDeliveriesRequest
    ) -> wire.RedeliverDeliveriesResponse:
        """Begin a new round of each named delivery that may have one; each is answered."""
        names = require_distinct(
            [(one.event_id, one.endpoint_id) for one in request.deliveries], field="deliveries"
        )
        judged = await self._some(tenant, names, within_of(request), dry_run=request.dry_run)
        answers = [_refusal(one) for one in judged]
        return wire.RedeliverDeliveriesResponse(count=answers.count(None), results=item_results(answers))

    async def by_filter(
        self, tenant: str, request: wire.RedeliverDeliveriesRequest
    ) -> wire.RedeliverDeliveriesResponse:
        """Count what the filter finds of what has ended by now, and begin the operation that sends it again."""
        now = self._clock.now()
        asked = require_begin(parsed(request.filter, until=now.to_stdlib()))
        task = Redelivery(asked, within_of(request), request.max_per_second or DEFAULT_PER_SECOND)

        async def work(connection: AsyncConnection) -> wire.RedeliverDeliveriesResponse:
            count = await delivery_filters.count(connection, tenant, asked)
            if request.dry_run:
                return wire.RedeliverDeliveriesResponse(count=count)
            operation = operation_of(task, tenant, now=now, total=count)
            await operations.insert(connection, operation)
            return wire.RedeliverDeliveriesResponse(count=count, operation_id=str(operation.operation_id))

        answer = await settled(self._engine, work)
        if answer.operation_id:
            self._begun()
            log.info("deliveries.redelivery_begun", operation_id=answer.operation_id, total=answer.count)
        return answer

    async def _some(
        self, tenant: str, names: list[Name], within: timedelta, *, dry_run: bool = False
    ) -> list[Judged]:
        moment = Moment(self._clock.now(), self._clock.real(), within)

        async def work(connection: AsyncConnection) -> list[Judged]:
            return await redeliveries.redeliver(connection, tenant, names, moment, dry_run=dry_run)

        judged = await settled(self._engine, work)
        refused = sum(isinstance(one.verdict, Refusal) for one in judged)
        if not dry_run:
            told(begun=len(judged) - refused, refused=refused)
        if refused < len(judged) and not dry_run:
            self._released()
        return judged


def within_of(request: wire.RedeliverDeliveryRequest | wire.RedeliverDeliveriesRequest) -> timedelta:
    """Return for how long a new round is worth sending."""
    return span(request.deliver_within) if request.HasField("deliver_within") else DEFAULT_WITHIN


def _refusal(judged: Judged) -> RedletterError | None:
    return error(judged.verdict, judged.candidate) if isinstance(judged.verdict, Refusal) else None
