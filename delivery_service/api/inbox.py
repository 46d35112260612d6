"""InboxService: what no endpoint matched or received, until a reader acknowledges it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import grpc
import orjson
from redletter.common.v1 import item_result_pb2, priority_pb2
from redletter.delivery.v1 import inbox_service_pb2 as wire
from redletter.delivery.v1 import inbox_service_pb2_grpc, message_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import NotFound
from chassis.rpc.credentials import tenant_id
from chassis.rpc.errors import status_of
from chassis.wire import timestamp
from delivery_service.api import page_keys
from delivery_service.store import inbox
from delivery_service.store.inbox import InboxMessage

LARGEST_PAGE: Final = 2 * 1024 * 1024
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_UNACKED = message_pb2.Message.STATE_UNACKED
_ACKED = message_pb2.Message.STATE_ACKED


class InboxServicer(inbox_service_pb2_grpc.InboxServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def ListInbox(
        self, request: wire.ListInboxRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListInboxResponse:
        """List messages in the order they were accepted."""
        states = set(request.states) or {_UNACKED}
        bound_to = ["inbox", tenant_id(), sorted(states), request.user_id, request.event_type_id]
        size = pages.page_size(request.page_size)
        found = await inbox.page(
            self._engine,
            tenant_id(),
            unacked=_UNACKED in states,
            acked=_ACKED in states,
            user_id=request.user_id,
            event_type_id=request.event_type_id,
            after=_after(page_keys.decode(request.page_token, bound_to, shape=(*page_keys.MOMENT, str))),
            size=size + 1,
        )
        fit = _fitting(found[:size])
        token = pages.encode(_key(fit[-1]), bound_to) if len(found) > len(fit) else ""
        return wire.ListInboxResponse(messages=[_rendered(one) for one in fit], next_page_token=token)

    async def AckInbox(
        self, request: wire.AckInboxRequest, _context: grpc.aio.ServicerContext
    ) -> wire.AckInboxResponse:
        """Acknowledge messages; an acknowledged one answers OK again."""
        acknowledged = await inbox.acknowledge(
            self._engine, tenant_id(), _storable(request.event_ids), now=self._clock.now()
        )
        results = [
            _acknowledged(index, event_id, found=event_id in acknowledged)
            for index, event_id in enumerate(request.event_ids)
        ]
        return wire.AckInboxResponse(results=results)


def _storable(event_ids: Iterable[str]) -> list[str]:
    """Return the ids that PostgreSQL could hold at all; items are not checked by the boundary."""
    return [event_id for event_id in event_ids if "\0" not in event_id]


def _acknowledged(index: int, event_id: str, *, found: bool) -> item_result_pb2.ItemResult:
    result = item_result_pb2.ItemResult(index=index)
    if found:
        result.status.SetInParent()
    else:
        result.status.CopyFrom(status_of(NotFound(f'the inbox has no message "{event_id[:80]}"')))
    return result


def _fitting(found: Sequence[InboxMessage]) -> Sequence[InboxMessage]:
    """Return the first messages that fit into one page, at least one."""
    total = 0
    for number, message in enumerate(found):
        total += len(message.body)
        if total > LARGEST_PAGE and number:
            return found[:number]
    return found


def _key(last: InboxMessage) -> list[str | int]:
    return [*page_keys.of_moment(last.accept_time), last.event_id]


def _after(key: "list[str | int] | None") -> tuple[datetime, str]:
    if key is None:
        return _FIRST, ""
    return page_keys.moment(key[:3]), str(key[3])


def _rendered(message: InboxMessage) -> message_pb2.Message:
    wired = message_pb2.Message(
        event_id=message.event_id,
        user_id=message.user_id,
        event_type_id=message.event_type_id,
        body=message.body,
        state=_UNACKED if message.ack_time is None else _ACKED,
        accept_time=timestamp(message.accept_time),
        due_time=timestamp(message.due_time),
        deliver_by=timestamp(message.deliver_by),
        priority=priority_pb2.Priority.Name(message.priority),
        metadata=orjson.loads(message.metadata) if message.metadata else {},
    )
    if message.ack_time is not None:
        wired.ack_time.CopyFrom(timestamp(message.ack_time))
    return wired
