"""Deliveries and attempts as they go on the wire."""

from datetime import timedelta

import orjson
from redletter.delivery.v1 import dead_letter_pb2, delivery_pb2

from chassis.wire import duration, timestamp
from delivery_service.store.dead_letters import Group
from delivery_service.store.deliveries import StoredAttempt, StoredDelivery
from delivery_service.store.delivery_filters import Found


def delivery(stored: StoredDelivery) -> delivery_pb2.Delivery:
    """Return the wire form of a delivery."""
    wire = delivery_pb2.Delivery(
        event_id=stored.event_id,
        endpoint_id=stored.endpoint_id,
        round=stored.round,
        state=delivery_pb2.Delivery.State.Name(stored.state),
        cause=delivery_pb2.DeliveryCause.Name(stored.cause),
        attempts=stored.attempts,
        deliver_by=timestamp(stored.deliver_by),
        create_time=timestamp(stored.accept_time),
        metadata=orjson.loads(stored.metadata) if stored.metadata else {},
        settlement=delivery_pb2.Delivery.Settlement.Name(stored.settlement),
        settle_reason=stored.settle_reason,
    )
    if stored.tries:
        wire.first_attempt.CopyFrom(attempt(stored.tries[0]))
        wire.last_attempt.CopyFrom(attempt(stored.tries[-1]))
    if stored.next_time is not None:
        wire.next_time.CopyFrom(timestamp(stored.next_time))
    if stored.end_time is not None:
        wire.end_time.CopyFrom(timestamp(stored.end_time))
    if stored.settle_time is not None:
        wire.settle_time.CopyFrom(timestamp(stored.settle_time))
    return wire


def dead_letter(found: Found) -> dead_letter_pb2.DeadLetter:
    """Return the wire form of a dead letter."""
    return dead_letter_pb2.DeadLetter(
        event_id=found.event_id,
        endpoint_id=found.endpoint_id,
        round=found.round,
        state=delivery_pb2.Delivery.State.Name(found.state),
        cause=delivery_pb2.DeliveryCause.Name(found.cause),
        status_code=found.status_code,
        attempts=found.attempts,
        user_id=found.user_id,
        event_type_id=found.event_type_id,
        end_time=timestamp(found.end_time),
        deliver_by=timestamp(found.deliver_by),
    )


def dead_letter_group(found: Group) -> dead_letter_pb2.DeadLetterGroup:
    """Return the wire form of a group of dead letters."""
    return dead_letter_pb2.DeadLetterGroup(
        endpoint_id=found.endpoint_id,
        cause=delivery_pb2.DeliveryCause.Name(found.cause),
        count=found.number,
        first_end_time=timestamp(found.first_time),
        last_end_time=timestamp(found.last_time),
    )


def attempt(stored: StoredAttempt) -> delivery_pb2.Attempt:
    """Return the wire form of an attempt."""
    wire = delivery_pb2.Attempt(
        number=stored.number,
        start_time=timestamp(stored.start_time),
        status_code=stored.status_code,
        cause=delivery_pb2.DeliveryCause.Name(stored.cause),
        total=duration(timedelta(microseconds=max(0, stored.total_us))),
        answer_bytes=stored.answer_bytes,
        answer=stored.answer,
        url=stored.url,
        secret_id=stored.secret_id,
    )
    if stored.connect_us >= 0:
        wire.connect.CopyFrom(duration(timedelta(microseconds=stored.connect_us)))
    if stored.first_byte_us >= 0:
        wire.first_byte.CopyFrom(duration(timedelta(microseconds=stored.first_byte_us)))
    return wire
