"""Options that several verbs share, and how their values are read."""

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import timeofday_pb2

from chassis import zones
from chassis.errors import InvalidInput
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
EventTypeId = Annotated[
    str, typer.Argument(metavar="EVENT_TYPE", help="The rule's own name, for example birthday.")
]
EventTypeFilter = Annotated[
    str, typer.Option("--event-type", "--type", metavar="EVENT_TYPE", help="Only of this event type.")
]
OfEventType = Annotated[
    str, typer.Option("--event-type", "--type", metavar="EVENT_TYPE", help="By which rule.")
]
UserId = Annotated[str, typer.Argument(metavar="USER", help="The person's id.")]
ForUser = Annotated[str, typer.Option("--user", metavar="USER", help="For whom.")]
OccasionId = Annotated[
    str,
    typer.Option(
        "--occasion", metavar="OCCASION", help="Which occasion. Default: the first of the rule's kind."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; at most 200 characters.")]
EventId = Annotated[str, typer.Argument(metavar="EVENT_ID", help="The id, as in the webhook.")]

_DURATION = re.compile(r"(\d{1,9})(s|m|h|d)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_MOST_DAYS = 366
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def duration(text: str, option: str, *, at_most: str, at_least: str = "1s") -> timedelta:
    """Return a span such as `90s`, `30m`, `6h` or `2d`, from `at_least` to `at_most`.

    Raises:
        typer.BadParameter: it is no span or outside of that; names `option`, value and what is allowed.
    """
    span = _span(text)
    if span is None or not (_span(at_least) or timedelta(0)) <= span <= (_span(at_most) or timedelta.max):
        raise typer.BadParameter(
            f'"{text}" is not a duration of {at_least} to {at_most}; write for example 90s, 30m, 6h or 2d',
            param_hint=option,
        )
    return span


def _span(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def time_of_day(text: str, option: str) -> timeofday_pb2.TimeOfDay:
    """Return a local time such as `09:00` or `09:00:30`.

    Raises:
        typer.BadParameter: it is none from 00:00 to 23:59:59; names `option`, value and what is allowed.
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise typer.BadParameter(
            f'"{text}" is not a time of day from 00:00 to 23:59:59; write for example 09:00 or 09:00:30',
            param_hint=option,
        )
    return timeofday_pb2.TimeOfDay(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3] or 0))


def day_offset(days: int, option: str) -> int:
    """Return `days` if it is no more than a leap year away in either direction.

    Raises:
        typer.BadParameter: it is more; names `option`, value and what is allowed.
    """
    if abs(days) > _MOST_DAYS:
        raise typer.BadParameter(
            f"{days} is not a number of days from -{_MOST_DAYS} to {_MOST_DAYS}", param_hint=option
        )
    return days


def known_zone(text: str, option: str) -> str:
    """Return `text` if it is a zone of the installed tzdata.

    Raises:
        typer.BadParameter: it is not; names `option`, value and the nearest names.
    """
    try:
        return zones.require_known(text, field=option)
    except InvalidInput as error:
        refused = error.violations[0]
        raise typer.BadParameter(f"{refused.reason}; give {refused.allowed}", param_hint=option) from None


def instant(text: str, option: str) -> Timestamp:
    """Return an instant such as `2027-02-28T14:00:00Z`; a date alone is its midnight in UTC.

    Raises:
        typer.BadParameter: it is none; names `option`, value and what is allowed.
    """
    found = Timestamp()
    try:
        found.FromJsonString(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is not an instant; write for example 2027-02-28T14:00:00Z or 2027-02-28',
            param_hint=option,
        ) from None
    return found


def enum_value(descriptor: EnumDescriptor, text: str, option: str, *, without: Collection[str] = ()) -> Any:
    """Return the value of an enum by its name without prefix, in any case; `same-day` stands for SAME_DAY.

    Names in `without` are not offered: only the service gives them.

    Raises:
        typer.BadParameter: there is no such name; names `option`, value and the names there are.
    """
    prefix = enum_prefix(descriptor)
    names = {v.name.removeprefix(prefix): v.number for v in descriptor.values if v.number}
    names = {name: number for name, number in names.items() if name not in without}
    number = names.get(text.upper().replace("-", "_"))
    if number is None:
        allowed = ", ".join(name.lower().replace("_", "-") for name in names)
        raise typer.BadParameter(f'"{text}" is not one of {allowed}', param_hint=option)
    return number


def key_values(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return `NAME=VALUE` pairs; a value may contain `=` and be empty.

    Raises:
        typer.BadParameter: one has no `=` or no name, or a name stands twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f'"{text}" has not the form NAME=VALUE', param_hint=option)
        if name in found:
            raise typer.BadParameter(f'"{name}" is given twice', param_hint=option)
        found[name] = value
    return found
