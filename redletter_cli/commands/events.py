"""`redletter events`: what is planned and what became of it."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.common.v1 import priority_pb2
from redletter.scheduler.v1 import event_pb2, event_service_pb2

from redletter_cli.commands.event_changes import cancel, reissue, reschedule, skip
from redletter_cli.commands.event_making import create, create_batch, trigger
from redletter_cli.commands.event_reissues import reissue_all
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventId,
    EventTypeFilter,
    Limit,
    Output,
    OutputFormat,
    enum_value,
    instant,
    key_values,
)
from redletter_cli.commands.session import connect, documents, pages, show_list, show_one
from redletter_cli.render.document import document

events = typer.Typer(
    help="What is planned, and what became of it.", no_args_is_help=True, add_completion=False
)

_COLUMNS = {
    "EVENT": "event_id",
    "USER": "user_id",
    "EVENT TYPE": "event_type_id",
    "DATE": "occurrence_date",
    "DUE": "due_time",
    "STATE": "state",
    "REASON": "reason",
    "OUTCOME": "outcome",
}


@events.command("list")
def list_events(
    *,
    user: Annotated[str, typer.Option(help="Only this user's.")] = "",
    event_type: EventTypeFilter = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="planned, sent, suppressed, expired, cancelled or failed. Repeatable. Default: all."
        ),
    ] = None,
    due_after: Annotated[str | None, typer.Option(metavar="INSTANT", help="Due then or later.")] = None,
    due_before: Annotated[str | None, typer.Option(metavar="INSTANT", help="Due earlier than that.")] = None,
    created_after: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT", help="Made or decided then or later; planned events of a rule are not."
        ),
    ] = None,
    created_before: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Made or decided earlier than that.")
    ] = None,
    priority: Annotated[str | None, typer.Option(help="Only of this priority: low, normal or high.")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only with this entry in metadata. Repeatable: with all."),
    ] = None,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List planned and ended events by their due time; all given filters must hold."""
    request = event_service_pb2.ListEventsRequest(
        user_id=user,
        event_type_id=event_type,
        states=[enum_value(event_pb2.Event.State.DESCRIPTOR, s, "--state") for s in state or ()],
        metadata=key_values(metadata, "--metadata"),
    )
    if priority is not None:
        request.priority = enum_value(priority_pb2.Priority.DESCRIPTOR, priority, "--priority")
    for field, text, option in (
        (request.due_after, due_after, "--due-after"),
        (request.due_before, due_before, "--due-before"),
        (request.created_after, created_after, "--created-after"),
        (request.created_before, created_before, "--created-before"),
    ):
        if text is not None:
            field.CopyFrom(instant(text, option))

    def page(size: int, token: str) -> event_service_pb2.ListEventsResponse:
        request.page_size, request.page_token = size, token
        return client.events.ListEvents(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.events, limit)
    show_list(output, _COLUMNS, documents(found), more=more)


@events.command()
def get(
    event_id: EventId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one event: when, decided on what, and what became of its message."""
    with closing(connect(config, api_key)) as client:
        answer = client.events.GetEvent(event_service_pb2.GetEventRequest(event_id=event_id))
    show_one(output, document(answer.event))


events.command()(create)
events.command("create-batch")(create_batch)
events.command()(trigger)
events.command()(skip)
events.command()(reschedule)
events.command()(cancel)
events.command()(reissue)
events.command("reissue-all")(reissue_all)
