"""`redletter events create`, `create-batch` and `trigger`: events of the caller's own."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from redletter.common.v1 import priority_pb2
from redletter.errors import ApiError
from redletter.scheduler.v1 import event_service_pb2

from redletter_cli.commands.event_file import Chunk, Refused, chunks, read_events
from redletter_cli.commands.failure import refusal
from redletter_cli.commands.moments import AtInstant, AtLocal, set_due
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    ForUser,
    OccasionId,
    OfEventType,
    Output,
    OutputFormat,
    duration,
    enum_value,
    key_values,
)
from redletter_cli.commands.session import connect, say, show_list, show_one
from redletter_cli.render.document import document

_LONGEST_WORTH = "30d"
_BATCH_COLUMNS = {"LINE": "line", "INSTANCE": "instance", "EVENT": "event_id", "REASON": "reason"}


def create(
    *,
    instance: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Your own id of the event; the same call again answers the same event."
        ),
    ],
    user: ForUser,
    event_type: OfEventType,
    at: AtInstant = None,
    local: AtLocal = None,
    deliver_within: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="How long it is worth sending. Default: as the event type says."),
    ] = None,
    priority: Annotated[
        str | None, typer.Option(help="low, normal or high. Default: the event type's.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Free words for templates and lists. Repeatable."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Make one event: now, at an instant or at a local time of the person."""
    request = event_service_pb2.CreateEventRequest(
        instance=instance,
        user_id=user,
        event_type_id=event_type,
        metadata=key_values(metadata, "--metadata"),
    )
    set_due(request, at=at, local=local)
    if deliver_within is not None:
        request.deliver_within.FromTimedelta(
            duration(deliver_within, "--deliver-within", at_most=_LONGEST_WORTH)
        )
    if priority is not None:
        request.priority = enum_value(priority_pb2.Priority.DESCRIPTOR, priority, "--priority")
    with closing(connect(config, api_key)) as client:
        answer = client.events.CreateEvent(request)
    show_one(output, {**document(answer.event), "created": answer.created})
    if not answer.created:
        say(f'the same call had made it before: instance "{instance}"')


def create_batch(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='One event a line: {"instance", "user_id", "event_type_id", "due_time" or "local_time", ...}.',
        ),
    ],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Make the events of a file; each is answered by itself, and the good ones stay.

    Repeating it makes none twice. Ends with 1 when one was refused, with 2 when the file cannot be read.
    """
    lines = read_events(file)
    rows = [_refused(line) for line in lines if isinstance(line, Refused)]
    stopped: ApiError | None = None
    with closing(connect(config, api_key)) as client:
        for chunk in chunks(lines):
            request = event_service_pb2.BatchCreateEventsRequest(events=[made.request for made in chunk])
            try:
                rows += _results(chunk, client.events.BatchCreateEvents(request))
            except ApiError as error:
                stopped = error
                break
    rows.sort(key=lambda row: row["line"])
    show_list(output, _BATCH_COLUMNS, rows)
    made = sum(row["reason"] is None for row in rows)
    if stopped is not None:
        say(f"stopped after {len(rows):,} of {len(lines):,} events; repeat it to go on, none is made twice")
        raise stopped
    say(f"{made:,} of {len(lines):,} events made")
    if made < len(lines):
        raise typer.Exit(1)


def trigger(
    *,
    user: ForUser,
    event_type: OfEventType,
    occasion: OccasionId = "",
    consume: Annotated[
        bool,
        typer.Option("--consume", help="Use up the open cycle: it leaves now instead of at its due time."),
    ] = False,
    instance: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Your own id of this trigger. Without one every call makes an event."
        ),
    ] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send a rule's message to one person now; consumes no cycle unless --consume is given."""
    with closing(connect(config, api_key)) as client:
        answer = client.events.TriggerEvent(
            event_service_pb2.TriggerEventRequest(
                user_id=user,
                event_type_id=event_type,
                occasion_id=occasion,
                consume=consume,
                instance=instance,
            )
        )
    show_one(output, document(answer.event))


def _refused(line: Refused) -> dict[str, Any]:
    return {"line": line.line, "instance": line.instance, "event_id": None, "reason": line.reason}


def _results(chunk: Chunk, answer: event_service_pb2.BatchCreateEventsResponse) -> list[dict[str, Any]]:
    answers = zip(chunk, answer.event_ids, answer.results, strict=True)
    return [
        {
            "line": made.line,
            "instance": made.request.instance,
            "event_id": event_id or None,
            "reason": refusal(result),
        }
        for made, event_id, result in answers
    ]
