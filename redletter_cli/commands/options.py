"""Options that several verbs share, and how their values are read."""

import re
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import timeofday_pb2

from redletter_cli.render.document import enum_prefix


class OutputFormat(Enum):
    """For whom the answer is written."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[
    OutputFormat, typer.Option("--output", "-o", help="`table` for people, `json` for programs.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="REDLETTER_CONFIG",
        help="File with addresses and keys. Default: the nearest .redletter/client.json.",
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="REDLETTER_API_KEY", help="The tenant's key, instead of the file's."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def duration(text: str) -> timedelta:
    """Return a span such as `90s`, `30m`, `6h` or `2d`."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise typer.BadParameter(f'"{text}" is not a duration; write for example 90s, 30m, 6h or 2d')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def time_of_day(text: str) -> timeofday_pb2.TimeOfDay:
    """Return a local time such as `09:00` or `09:00:30`."""
    match = _TIME.fullmatch(text)
    if not match:
        raise typer.BadParameter(f'"{text}" is not a time of day; write for example 09:00')
    return timeofday_pb2.TimeOfDay(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3] or 0))


def instant(text: str) -> Timestamp:
    """Return an instant such as `2027-02-28T14:00:00Z`; a date alone is its midnight in UTC."""
    found = Timestamp()
    try:
        found.FromJsonString(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is not an instant; write for example 2027-02-28T14:00:00Z'
        ) from None
    return found


def enum_value(descriptor: EnumDescriptor, text: str) -> Any:
    """Return the value of an enum by its name without prefix, in any case; `same-day` stands for SAME_DAY."""
    prefix = enum_prefix(descriptor)
    names = {v.name.removeprefix(prefix): v.number for v in descriptor.values if v.number}
    number = names.get(text.upper().replace("-", "_"))
    if number is None:
        raise typer.BadParameter(f'"{text}" is not one of {", ".join(name.lower() for name in names)}')
    return number
