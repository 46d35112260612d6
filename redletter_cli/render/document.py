"""Messages as JSON documents: stable snake_case names, every field present, nothing of the wire's noise.

Enum values lose their prefix and UNSPECIFIED is null; dates are `YYYY-MM-DD` or `--MM-DD`, times of day
`HH:MM:SS`, instants RFC 3339, durations seconds with an `s`; 64-bit integers are numbers, bytes text.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from google.protobuf import duration_pb2, json_format, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.type import date_pb2, timeofday_pb2

Document = dict[str, Any]

_UNSPECIFIED = "_UNSPECIFIED"


def document(message: Message) -> Document:
    """Return `message` as a document; a field that is not set is null, an empty list is `[]`."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def json_text(value: object) -> str:
    """Return `value` as one JSON document, indented, ending with a line end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def enum_name(descriptor: EnumDescriptor, number: int) -> str | None:
    """Return the name of a value without its prefix, None for UNSPECIFIED; a number that is not known as text."""
    if number == 0:
        return None
    known = descriptor.values_by_number.get(number)
    return known.name.removeprefix(enum_prefix(descriptor)) if known else str(number)


def enum_prefix(descriptor: EnumDescriptor) -> str:
    """Return what the names of an enum's values begin with, for example `STATE_`."""
    return descriptor.values_by_number[0].name.removesuffix(_UNSPECIFIED[1:])


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _entries(value, field.message_type.fields_by_name["value"])
    if field.is_repeated:
        return [_value(item, field) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(value, field)


def _entries(value: Mapping[Any, Any], field: Any) -> Document:
    return {str(key): _value(item, field) for key, item in value.items()}


def _value(value: Any, field: Any) -> Any:
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Message):
        known = _KNOWN.get(value.DESCRIPTOR.full_name)
        return known(value) if known else document(value)
    return value


def _date(value: Message) -> str:
    date = cast("date_pb2.Date", value)
    year = f"{date.year:04d}" if date.year else "-"
    return f"{year}-{date.month:02d}-{date.day:02d}"


def _time(value: Message) -> str:
    time = cast("timeofday_pb2.TimeOfDay", value)
    return f"{time.hours:02d}:{time.minutes:02d}:{time.seconds:02d}"


_KNOWN: dict[str, Callable[[Message], Any]] = {
    "google.type.Date": _date,
    "google.type.TimeOfDay": _time,
    "google.protobuf.Timestamp": lambda value: cast("timestamp_pb2.Timestamp", value).ToJsonString(),
    "google.protobuf.Duration": lambda value: cast("duration_pb2.Duration", value).ToJsonString(),
    "google.protobuf.Struct": lambda value: json_format.MessageToDict(cast("struct_pb2.Struct", value)),
}
