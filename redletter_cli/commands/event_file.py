"""A file of events to make: one JSON object a line, with the names of the contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import typer
from google.protobuf import json_format
from redletter.common.v1 import priority_pb2
from redletter.scheduler.v1 import event_service_pb2

from redletter_cli.commands.failure import Failure
from redletter_cli.commands.moments import local_moment
from redletter_cli.commands.options import duration, enum_value

CHUNK_EVENTS = 500
"""Events per request; more are refused."""
CHUNK_BYTES = 3 * 1024 * 1024
"""A chunk also ends here, well below the 4 MiB of a request."""


@dataclass(frozen=True)
class Made:
    """A line that is an event; `line` counts from 1."""

    line: int
    request: event_service_pb2.CreateEventRequest


@dataclass(frozen=True)
class Refused:
    """A line that is none, and why, as a sentence; `instance` if it could be read."""

    line: int
    instance: str | None
    reason: str


Chunk = Sequence[Made]


def read_events(path: Path) -> list[Made | Refused]:
    """Return the events of a file, line by line; empty lines are passed over.

    Besides the JSON form of the contract `local_time` may be text (`2027-03-04 09:00`), `deliver_within` a span
    (`6h`) and `priority` a word (`high`).

    Raises:
        Failure: the file cannot be read or has no event, with exit status 2.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", exit_code=2) from None
    found = [_line(number, text) for number, text in enumerate(lines, 1) if text.strip()]
    if not found:
        raise Failure(f"{path} has no events; each line is one JSON object", exit_code=2)
    return found


def chunks(lines: Sequence[Made | Refused]) -> Iterator[Chunk]:
    """Yield the events in requests of at most `CHUNK_EVENTS` and about `CHUNK_BYTES`."""
    chunk: list[Made] = []
    size = 0
    for made in lines:
        if isinstance(made, Refused):
            continue
        bytes_of = made.request.ByteSize()
        if chunk and (len(chunk) == CHUNK_EVENTS or size + bytes_of > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(made)
        size += bytes_of
    if chunk:
        yield chunk


def _line(number: int, text: bytes) -> Made | Refused:
    try:
        content = orjson.loads(text)
    except ValueError as error:
        return Refused(number, None, f"the line is not JSON: {error}")
    if not isinstance(content, dict):
        return Refused(number, None, "the line is not a JSON object")
    instance = content.get("instance")
    try:
        return Made(number, _request(content))
    except (typer.BadParameter, json_format.ParseError) as error:
        reason = error.message if isinstance(error, typer.BadParameter) else str(error)
        return Refused(number, instance if isinstance(instance, str) else None, reason)


def _request(content: dict[str, Any]) -> event_service_pb2.CreateEventRequest:
    plain = dict(content)
    local, within, priority = (plain.get(name) for name in ("local_time", "deliver_within", "priority"))
    if isinstance(local, str):
        del plain["local_time"]
    if isinstance(within, str):
        del plain["deliver_within"]
    if isinstance(priority, str):
        plain["priority"] = enum_value(
            priority_pb2.Priority.DESCRIPTOR, priority.removeprefix("PRIORITY_"), "priority"
        )
    request = json_format.ParseDict(plain, event_service_pb2.CreateEventRequest())
    if isinstance(local, str):
        if request.HasField("due_time"):
            raise typer.BadParameter("due_time and local_time are both given; one says when")
        request.local_time.CopyFrom(local_moment(local, "local_time"))
    if isinstance(within, str):
        request.deliver_within.FromTimedelta(duration(within, "deliver_within", at_most="30d"))
    return request
