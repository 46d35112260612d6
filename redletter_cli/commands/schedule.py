"""`redletter explain` and `redletter preview`: why one message leaves when it does, and what comes next."""

import sys
from contextlib import closing
from typing import Annotated, Any

import typer
from redletter.scheduler.v1 import schedule_service_pb2

from redletter_cli.commands.moments import whole_date
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeFilter,
    OccasionId,
    Output,
    OutputFormat,
    UserId,
)
from redletter_cli.commands.session import connect, documents, show_list, show_one
from redletter_cli.render.document import document
from redletter_cli.render.plain import plain

_PREVIEW_COLUMNS = {
    "DUE": "due_time",
    "EVENT TYPE": "event_type_id",
    "OCCASION": "occasion_id",
    "DATE": "occurrence_date",
    "STATE": "state",
    "EVENT": "event_id",
}


def explain(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="A planned or ended event.")] = "",
    *,
    user: Annotated[
        str, typer.Option(metavar="USER", help="Instead of an event: a turn of this person.")
    ] = "",
    event_type: Annotated[
        str, typer.Option("--event-type", "--type", metavar="EVENT_TYPE", help="The rule; goes with --user.")
    ] = "",
    occasion: OccasionId = "",
    on_or_after: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The turn on or after this date. Default: the next one."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Explain why a message leaves at its moment, or why not at all; past or future."""
    if event_id and (user or event_type or occasion or on_or_after):
        raise typer.BadParameter("an event id says it all; leave --user, --type, --occasion and --from out")
    if not event_id and not (user and event_type):
        raise typer.BadParameter("which message? give an event id, or --user and --type")
    request = schedule_service_pb2.ExplainScheduleRequest(
        event_id=event_id, user_id=user, event_type_id=event_type, occasion_id=occasion
    )
    if on_or_after is not None:
        request.on_or_after.CopyFrom(whole_date(on_or_after, "--from"))
    with closing(connect(config, api_key)) as client:
        explanation = document(client.schedule.ExplainSchedule(request).explanation)
    if output is OutputFormat.JSON:
        show_one(output, explanation)
    else:
        _print_explanation(explanation)


def preview(
    user_id: UserId,
    *,
    event_type: EventTypeFilter = "",
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 10,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show the next messages of one person, in the order of their due times."""
    with closing(connect(config, api_key)) as client:
        answer = client.schedule.PreviewSchedule(
            schedule_service_pb2.PreviewScheduleRequest(
                user_id=user_id, event_type_id=event_type, count=count
            )
        )
    show_list(output, _PREVIEW_COLUMNS, documents(answer.events))


def _print_explanation(explanation: dict[str, Any]) -> None:
    """Print the sentence, then the way from the date to the moment, then what it rests on."""
    lines = [explanation.pop("sentence")]
    for number, step in enumerate(explanation.pop("steps"), 1):
        by = f" ({step['shift'].lower().replace('_', ' ')})" if step["shift"] else ""
        lines.append(f"  {number}. {step['text']}{by}")
    lines += [f"  preference: {preference}" for preference in explanation.pop("preferences")]
    sys.stdout.writelines(f"{plain(line)}\n" for line in lines)
    sys.stdout.write("\n")
    show_one(OutputFormat.TABLE, explanation)
