"""Messages as they go on the wire."""

import orjson
from redletter.common.v1 import priority_pb2
from redletter.delivery.v1 import message_pb2
from whenever import Date

from chassis.wire import date, timestamp
from delivery_service.store.inbox import InboxMessage
from delivery_service.store.stored_messages import StoredMessage

_State = message_pb2.Message


def inbox_message(stored: InboxMessage) -> message_pb2.Message:
    """Return the wire form of a message that the inbox holds or held."""
    return _rendered(stored, _State.STATE_UNACKED if stored.ack_time is None else _State.STATE_ACKED)


def stored_message(stored: StoredMessage) -> message_pb2.Message:
    """Return the wire form of a message that the inbox need not have."""
    if stored.message.ack_time is not None:
        return _rendered(stored.message, _State.STATE_ACKED)
    return _rendered(stored.message, _State.STATE_UNACKED if stored.waiting else _State.STATE_UNSPECIFIED)


def _rendered(stored: InboxMessage, state: message_pb2.Message.State) -> message_pb2.Message:
    wire = message_pb2.Message(
        event_id=stored.event_id,
        user_id=stored.user_id,
        event_type_id=stored.event_type_id,
        body=stored.body,
        state=state,
        accept_time=timestamp(stored.accept_time),
        due_time=timestamp(stored.due_time),
        deliver_by=timestamp(stored.deliver_by),
        priority=priority_pb2.Priority.Name(stored.priority),
        metadata=orjson.loads(stored.metadata) if stored.metadata else {},
        occurrence_date=date(Date(stored.occurrence_date)),
    )
    if stored.ack_time is not None:
        wire.ack_time.CopyFrom(timestamp(stored.ack_time))
    if stored.lease_until is not None:
        wire.lease_until.CopyFrom(timestamp(stored.lease_until))
    return wire
