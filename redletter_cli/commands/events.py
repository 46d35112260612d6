"""`redletter events`: what is planned and what became of it."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.scheduler.v1 import event_pb2, event_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, enum_value, instant
from redletter_cli.commands.session import connect, documents, pages, show_list, show_one
from redletter_cli.render.document import document

events = typer.Typer(help="What is planned, and what became of it.", no_args_is_help=True)

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
    event_type: Annotated[str, typer.Option(help="Only of this event type.")] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="planned, sent, suppressed, expired, cancelled or failed. Repeatable. Default: all."
        ),
    ] = None,
    due_after: Annotated[str | None, typer.Option(metavar="INSTANT", help="Due then or later.")] = None,
    due_before: Annotated[str | None, typer.Option(metavar="INSTANT", help="Due earlier than that.")] = None,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List planned and ended events by their due time."""
    states = [enum_value(event_pb2.Event.State.DESCRIPTOR, s, "--state") for s in state or ()]
    request = event_service_pb2.ListEventsRequest(user_id=user, event_type_id=event_type, states=states)
    if due_after:
        request.due_after.CopyFrom(instant(due_after, "--due-after"))
    if due_before:
        request.due_before.CopyFrom(instant(due_before, "--due-before"))

    def page(size: int, token: str) -> event_service_pb2.ListEventsResponse:
        request.page_size, request.page_token = size, token
        return client.events.ListEvents(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.events, limit)
    show_list(output, _COLUMNS, documents(found), more=more)


@events.command()
def get(
    event_id: Annotated[str, typer.Argument(help="The id, as in the webhook.")],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one event: when, decided on what, and what became of its message."""
    with closing(connect(config, api_key)) as client:
        answer = client.events.GetEvent(event_service_pb2.GetEventRequest(event_id=event_id))
    show_one(output, document(answer.event))
