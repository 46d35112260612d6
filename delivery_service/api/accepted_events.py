"""From an AcceptedEvent on the wire to the columns that are stored; a broken one is answered with a sentence."""

import re
from datetime import UTC, date, datetime
from typing import Final

import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from redletter.delivery.v1 import intake_service_pb2 as intake

from delivery_service.store.messages import Offered

LARGEST_BODY: Final = 20 * 1024
_EVENT_ID = re.compile(r"evt_[0-9a-z]{26}_[0-9A-Za-z-]{1,24}")
_ENDPOINT_ID = re.compile(r"([a-z][a-z0-9_-]{0,39})?")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_UNKNOWN_PRIORITY = 4


def offered(event: intake.AcceptedEvent, *, traceparent: str) -> "Offered | str":
    """Return the event's columns, or the sentence that says why it breaks the contract."""
    why = _refusal(event)
    if why:
        return why
    try:
        on = event.occurrence_date
        day = date(on.year, on.month, on.day)
        due, decided, deliver_by = (
            _moment(event.due_time),
            _moment(event.decide_time),
            _moment(event.deliver_by),
        )
    except (ValueError, OverflowError) as error:
        return f"a date or an instant is not one: {error}"
    if day in (date.min, date.max):
        return f"the occurrence date {day} is beyond what can be stored; 0001-01-02 to 9999-12-30 are allowed"
    context = event.traceparent or traceparent
    return (
        event.event_id,
        day,
        event.tenant_id,
        event.user_id,
        event.event_type_id,
        due,
        decided,
        deliver_by,
        event.priority,
        event.body,
        orjson.dumps(dict(event.metadata)).decode() if event.metadata else "",
        context if _TRACEPARENT.fullmatch(context) else "",
        event.endpoint_id,
    )


def _refusal(event: intake.AcceptedEvent) -> str:
    if not _EVENT_ID.fullmatch(event.event_id):
        return f'"{event.event_id[:80]}" is not an event id'
    for name in ("tenant_id", "user_id", "event_type_id"):
        value = getattr(event, name)
        if not value or "\0" in value:
            return f"{name} is empty or has a zero character"
    if not _ENDPOINT_ID.fullmatch(event.endpoint_id):
        return f'"{event.endpoint_id[:80]}" is not an endpoint id'
    if not event.body:
        return "the body is empty"
    if len(event.body) > LARGEST_BODY:
        return f"the body has {len(event.body)} bytes; at most {LARGEST_BODY} are allowed"
    if not 0 < event.priority < _UNKNOWN_PRIORITY:
        return f"{event.priority} is not a priority"
    for name in ("due_time", "decide_time", "deliver_by"):
        if not event.HasField(name):
            return f"{name} is missing"
    return ""


def _moment(stamp: Timestamp) -> datetime:
    return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1000)
