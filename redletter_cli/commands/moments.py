"""Dates and local moments as people write them, and the two ways to say when."""

import re
from datetime import date
from typing import Annotated, Protocol

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2
from redletter.scheduler.v1 import event_service_pb2

from redletter_cli.commands.options import instant, time_of_day

AtInstant = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="At this instant, for example 2027-03-04T08:00:00Z."),
]
AtLocal = Annotated[
    str | None,
    typer.Option(
        "--local",
        metavar="DATE TIME",
        help='At this local time of the person, for example "2027-03-04 09:00".',
    ),
]

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class Due(Protocol):
    """A request that says when: at an instant, or at a local time of the user."""

    @property
    def due_time(self) -> Timestamp:
        """Return the instant."""

    @property
    def local_time(self) -> event_service_pb2.LocalMoment:
        """Return the local time."""


def whole_date(text: str, option: str) -> date_pb2.Date:
    """Return a date such as `2027-03-04`.

    Raises:
        typer.BadParameter: it is none, or the calendar lacks it; names `option`, value and what is allowed.
    """
    match = _DATE.fullmatch(text)
    try:
        found = date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        found = None
    if found is None:
        raise typer.BadParameter(
            f'"{text}" is not a date of the calendar; write for example 2027-03-04', param_hint=option
        )
    return date_pb2.Date(year=found.year, month=found.month, day=found.day)


def local_moment(text: str, option: str) -> event_service_pb2.LocalMoment:
    """Return a local moment such as `2027-03-04 09:00`; a `T` may stand between date and time.

    Raises:
        typer.BadParameter: it is none; names `option`, value and what is allowed.
    """
    day, _, time = text.strip().replace("T", " ").partition(" ")
    if not time:
        raise typer.BadParameter(
            f'"{text}" is not a local date and time; write for example "2027-03-04 09:00"', param_hint=option
        )
    return event_service_pb2.LocalMoment(date=whole_date(day, option), time=time_of_day(time.strip(), option))


def set_due(request: Due, *, at: str | None, local: str | None) -> bool:
    """Set when `request` is due; returns whether anything was given.

    Raises:
        typer.BadParameter: both were given, or one is none.
    """
    if at is not None and local is not None:
        raise typer.BadParameter("give --at or --local, not both")
    if at is not None:
        request.due_time.CopyFrom(instant(at, "--at"))
    elif local is not None:
        request.local_time.CopyFrom(local_moment(local, "--local"))
    return at is not None or local is not None
