"""Between Python's values and protobuf's: instants, dates, times, spans."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date as WireDate
from google.type.timeofday_pb2 import TimeOfDay
from whenever import Date, Instant, Time

from chassis.errors import InvalidInput

_SECOND = 1_000_000_000


def timestamp(instant: Instant | datetime) -> Timestamp:
    """Return the wire form of an instant, to the nanosecond."""
    if isinstance(instant, datetime):
        instant = Instant(instant)
    seconds, nanos = divmod(instant.timestamp(unit="nanosecond"), _SECOND)
    return Timestamp(seconds=seconds, nanos=nanos)


def instant(stamp: Timestamp, *, field: str = "time") -> Instant:
    """Return the instant that a wire timestamp names.

    Raises:
        InvalidInput: it is not in the years 1 to 9999.
    """
    try:
        return Instant.from_timestamp(stamp.seconds * _SECOND + stamp.nanos, unit="nanosecond")
    except ValueError:
        why = f"there is no instant {stamp.seconds} seconds from 1970"
        allowed = "0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z"
        raise InvalidInput.at(field, why, value=str(stamp.seconds), allowed=allowed) from None


def moment(instant: Instant) -> datetime:
    """Return the aware UTC datetime that the database driver takes, to the microsecond."""
    return instant.to_stdlib()


def date(day: Date | None) -> WireDate:
    """Return the wire form of a civil date; None is the empty date."""
    return WireDate() if day is None else WireDate(year=day.year, month=day.month, day=day.day)


def civil_date(wire: WireDate, *, field: str = "date") -> Date:
    """Return the civil date that a wire date names.

    Raises:
        InvalidInput: it is not a whole date of the calendar; reason NO_SUCH_DATE.
    """
    try:
        return Date(wire.year, wire.month, wire.day)
    except ValueError:
        value = f"{wire.year:04d}-{wire.month:02d}-{wire.day:02d}"
        raise InvalidInput.at(
            field,
            f"there is no date {value}",
            value=value,
            allowed="a whole date: year 1 to 9999, month and day",
            reason="NO_SUCH_DATE",
        ) from None


def time_of_day(at: Time) -> TimeOfDay:
    """Return the wire form of a wall-clock time, to the second."""
    return TimeOfDay(hours=at.hour, minutes=at.minute, seconds=at.second)


def duration(span: timedelta) -> Duration:
    """Return the wire form of a span."""
    wire = Duration()
    wire.FromTimedelta(span)
    return wire


def span(wire: Duration) -> timedelta:
    """Return the span that a wire duration names."""
    return wire.ToTimedelta()
