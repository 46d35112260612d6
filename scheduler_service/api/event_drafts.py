"""From the wire to drafts of events: what protovalidate cannot say is checked here, field by field."""

from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from whenever import Date, Instant, Time

from chassis.errors import InvalidInput
from chassis.rpc.validation import validate
from chassis.wire import instant, span
from chassis.words import checked_words
from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.plan_records import Request
from scheduler_service.store.event_requests import hashed
from scheduler_service.store.requested_events import Draft


def create_draft(wire: service_pb.CreateEventRequest, now: Instant) -> Draft:
    """Return the event that a caller asks for.

    Raises:
        InvalidInput: a field that breaks its rule, metadata that cannot be kept, a date or time that no
            calendar or clock has.
    """
    validate(wire)
    on, at = local_moment(wire.local_time) if wire.WhichOneof("due") == "local_time" else (None, None)
    due_time = instant(wire.due_time, field="due_time") if wire.HasField("due_time") else None
    request = Request(
        create_time=now,
        metadata=checked_words(wire.metadata),
        priority=Priority(wire.priority) if wire.priority else None,
        local_time=at,
        deliver_within=span(wire.deliver_within) if wire.HasField("deliver_within") else None,
    )
    asked = {
        "user_id": wire.user_id,
        "event_type_id": wire.event_type_id,
        "due_time": None if due_time is None else due_time.format_iso(),
        "local_time": None if on is None or at is None else on.at(at).format_iso(),
        "metadata": request.metadata,
        "priority": int(wire.priority),
        "deliver_within": str(request.deliver_within),
    }
    return Draft(
        wire.instance,
        wire.user_id,
        wire.event_type_id,
        request,
        hashed("create", asked),
        due_time=due_time,
        on=on,
    )


def checked_draft(wire: service_pb.CreateEventRequest, now: Instant) -> Draft | InvalidInput:
    """Return the same, or why it is refused."""
    try:
        return create_draft(wire, now)
    except InvalidInput as error:
        return error


def local_moment(wire: service_pb.LocalMoment) -> tuple[Date, Time]:
    """Return a local date and time of day.

    Raises:
        InvalidInput: no whole date of the calendar (reason NO_SUCH_DATE), or no time of day in whole
            seconds.
    """
    try:
        on = Date(wire.date.year, wire.date.month, wire.date.day)
    except ValueError:
        value = f"{wire.date.year:04d}-{wire.date.month:02d}-{wire.date.day:02d}"
        raise InvalidInput.at(
            "local_time.date",
            f"there is no date {value}",
            value=value,
            allowed="a whole date: year 1 to 9999, month and day",
            reason="NO_SUCH_DATE",
        ) from None
    return on, _time_of(wire.time)


def _time_of(wire: TimeOfDay) -> Time:
    in_range = 0 <= wire.hours < 24 and 0 <= wire.minutes < 60 and 0 <= wire.seconds < 60
    if not in_range or wire.nanos:
        value = f"{wire.hours:02d}:{wire.minutes:02d}:{wire.seconds:02d}"
        raise InvalidInput.at(
            "local_time.time",
            f"{value}{' and some nanoseconds' if wire.nanos else ''} is no time of day",
            value=value,
            allowed="00:00:00 to 23:59:59 in whole seconds",
        )
    return Time(wire.hours, wire.minutes, wire.seconds)
