"""Deliveries and attempts as they go on the wire."""

from datetime import timedelta

import orjson
from redletter.delivery.v1 import delivery_pb2

from chassis.wire import duration, timestamp
from delivery_service.store.deliveries import StoredAttempt, StoredDelivery


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
    )
    if stored.tries:
        wire.first_attempt.CopyFrom(attempt(stored.tries[0]))
        wire.last_attempt.CopyFrom(attempt(stored.tries[-1]))
    if stored.next_time is not None:
        wire.next_time.CopyFrom(timestamp(stored.next_time))
    if stored.end_time is not None:
        wire.end_time.CopyFrom(timestamp(stored.end_time))
    return wire


def attempt(stored: StoredAttempt) -> delivery_pb2.Attempt:
    """Return the wire form of an attempt."""
    wire = delivery_pb2.Attempt(
        number=stored.number,
        start_time=timestamp(stored.start_time),
        status_code=stored.status_code,
        cause=delivery_pb2.DeliveryCause.Name(stored.cause),
        connect=duration(timedelta(microseconds=max(0, stored.connect_us))),
        total=duration(timedelta(microseconds=max(0, stored.total_us))),
        answer_bytes=stored.answer_bytes,
        answer=stored.answer,
        url=stored.url,
        secret_id=stored.secret_id,
    )
    if stored.first_byte_us >= 0:
        wire.first_byte.CopyFrom(duration(timedelta(microseconds=stored.first_byte_us)))
    return wire
