"""DeadLetterService: what gave up and waits for a decision."""

from collections.abc import Callable
from typing import Final

import grpc
import structlog
from google.rpc.status_pb2 import Status
from redletter.common.v1.item_result_pb2 import ItemResult
from redletter.delivery.v1 import dead_letter_service_pb2 as wire
from redletter.delivery.v1 import dead_letter_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import IllegalTransition, NotFound, RedletterError
from chassis.operations import store as operations
from chassis.rpc.credentials import tenant_id
from chassis.rpc.errors import status_of
from chassis.transactions import settled
from delivery_service.api import page_keys, rendering
from delivery_service.api.delivery_filters import parsed, require_dead_letters, require_distinct, require_one
from delivery_service.domain.settlements import Settlement
from delivery_service.store import dead_letters, delivery_filters
from delivery_service.store.dead_letters import Latest
from delivery_service.store.delivery_filters import LAST, Key
from delivery_service.store.redelivery_operations import Discarding, operation_of

log = structlog.get_logger()

_SHAPE: Final = (*page_keys.MOMENT, str, str)


class DeadLetterServicer(dead_letter_service_pb2_grpc.DeadLetterServiceServicer):
    """Parses, calls, renders; `begun` is told of a new operation."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, begun: Callable[[], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._begun = begun

    async def ListDeadLetters(
        self, request: wire.ListDeadLettersRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListDeadLettersResponse:
        """List dead letters, the newest end first."""
        asked = require_dead_letters(parsed(request.filter))
        bound = ["dead_letters", tenant_id(), repr(asked)]
        key = page_keys.decode(request.page_token, bound, shape=_SHAPE)
        after = Key(page_keys.moment(key[:3]), str(key[3]), str(key[4])) if key else LAST
        async with self._engine.connect() as connection:
            found, end = await delivery_filters.page(
                connection,
                tenant_id(),
                asked,
                after=after,
                size=pages.page_size(request.page_size),
                newest=True,
            )
        token = pages.encode([*page_keys.of_moment(end.end_time), *end[1:]], bound) if end else ""
        return wire.ListDeadLettersResponse(
            dead_letters=[rendering.dead_letter(one) for one in found], next_page_token=token
        )

    async def ListDeadLetterGroups(
        self, request: wire.ListDeadLetterGroupsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListDeadLetterGroupsResponse:
        """Group the dead letters by endpoint and cause."""
        bound = ["dead_letter_groups", tenant_id(), request.endpoint_id]
        key = page_keys.decode(request.page_token, bound, shape=(str, int))
        size = pages.page_size(request.page_size)
        async with self._engine.connect() as connection:
            found = await dead_letters.groups(
                connection,
                tenant_id(),
                endpoint_id=request.endpoint_id,
                after=(str(key[0]), int(key[1])) if key else ("", 0),
                size=size,
            )
        token = pages.encode([found[-1].endpoint_id, found[-1].cause], bound) if len(found) == size else ""
        return wire.ListDeadLetterGroupsResponse(
            groups=[rendering.dead_letter_group(one) for one in found], next_page_token=token
        )

    async def DiscardDeadLetters(
        self, request: wire.DiscardDeadLettersRequest, _context: grpc.aio.ServicerContext
    ) -> wire.DiscardDeadLettersResponse:
        """Settle dead letters without sending anything."""
        filtered = request.HasField("filter")
        require_one(named=len(request.dead_letters), filtered=filtered, field="dead_letters")
        if filtered:
            return await self._by_filter(request)
        names = require_distinct(
            [(one.event_id, one.endpoint_id) for one in request.dead_letters], field="dead_letters"
        )
        tenant = tenant_id()

        async def work(connection: AsyncConnection) -> list[RedletterError | None]:
            return await self._discard(connection, tenant, names, request)

        answers = await settled(self._engine, work)
        return wire.DiscardDeadLettersResponse(count=answers.count(None), results=item_results(answers))

    async def _discard(
        self,
        connection: AsyncConnection,
        tenant: str,
        names: list[tuple[str, str]],
        request: wire.DiscardDeadLettersRequest,
    ) -> list[RedletterError | None]:
        on = await dead_letters.dated(connection, tenant, [name[0] for name in names])
        await dead_letters.lock(connection, on)
        found = await dead_letters.latest(connection, tenant, names, on=on)
        rounds = [one.round for one in found.values() if one.is_dead_letter]
        if rounds and not request.dry_run:
            now = self._clock.now()
            await dead_letters.settle(
                connection, tenant, rounds, Settlement.DISCARDED, now=now, reason=request.reason
            )
        return [_refusal(name, found.get(name)) for name in names]

    async def _by_filter(self, request: wire.DiscardDeadLettersRequest) -> wire.DiscardDeadLettersResponse:
        now, tenant = self._clock.now(), tenant_id()
        asked = require_dead_letters(parsed(request.filter, until=now.to_stdlib()))

        async def work(connection: AsyncConnection) -> wire.DiscardDeadLettersResponse:
            count = await delivery_filters.count(connection, tenant, asked)
            if request.dry_run:
                return wire.DiscardDeadLettersResponse(count=count)
            operation = operation_of(Discarding(asked, request.reason), tenant, now=now, total=count)
            await operations.insert(connection, operation)
            return wire.DiscardDeadLettersResponse(count=count, operation_id=str(operation.operation_id))

        answer = await settled(self._engine, work)
        if answer.operation_id:
            self._begun()
            log.info("dead_letters.discard_begun", operation_id=answer.operation_id, total=answer.count)
        return answer


def item_results(answers: list[RedletterError | None]) -> list[ItemResult]:
    """Return the results of a batch: None is OK."""
    return [
        ItemResult(index=index, status=Status() if error is None else status_of(error))
        for index, error in enumerate(answers)
    ]


def _refusal(name: tuple[str, str], found: Latest | None) -> RedletterError | None:
    what = f'delivery of "{name[0]}" to "{name[1]}"'
    if found is None:
        return NotFound(f"there is no ended {what}")
    if found.is_dead_letter:
        return None
    how = found.state.name if found.settlement is Settlement.NONE else found.settlement.name
    return IllegalTransition(f"the {what} is {how}; only a dead letter can be discarded")
