"""MessageService: messages by their ids, for receivers that have lost some."""

import grpc
from google.rpc import status_pb2
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import message_service_pb2 as wire
from redletter.delivery.v1 import message_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.errors import IllegalTransition, NotFound, RedletterError
from chassis.rpc.credentials import tenant_id
from chassis.rpc.errors import status_of
from delivery_service.api import rendering_messages
from delivery_service.store import stored_messages
from delivery_service.store.stored_messages import StoredMessage


class MessageServicer(message_service_pb2_grpc.MessageServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def BatchGetMessages(
        self, request: wire.BatchGetMessagesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.BatchGetMessagesResponse:
        """Answer messages by their ids."""
        storable = [event_id for event_id in request.event_ids if "\0" not in event_id]
        found = await stored_messages.get(self._engine, tenant_id(), storable)
        return wire.BatchGetMessagesResponse(
            results=[
                _result(index, event_id, found.get(event_id))
                for index, event_id in enumerate(request.event_ids)
            ]
        )


def _result(index: int, event_id: str, stored: StoredMessage | None) -> wire.MessageResult:
    if stored is None:
        return _refused(index, NotFound(f'there is no message "{event_id[:80]}"'))
    if stored.stopped:
        why = f'message "{event_id[:80]}" was stopped, for example because its user was deleted'
        return _refused(index, IllegalTransition(why))
    return wire.MessageResult(
        index=index,
        status=status_pb2.Status(),
        message=rendering_messages.stored_message(stored),
        outcome=outcome_pb2.Outcome.Name(stored.outcome),
    )


def _refused(index: int, why: RedletterError) -> wire.MessageResult:
    return wire.MessageResult(index=index, status=status_of(why))
