"""`redletter event-types preview` and `test`: an event type's words, tried on people."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.scheduler.v1 import event_type_service_pb2

from redletter_cli.commands.groups import taking
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeId,
    ForUser,
    OccasionId,
    Output,
    OutputFormat,
)
from redletter_cli.commands.session import connect, documents, say, show_list, show_one
from redletter_cli.commands.templates import Words

_COLUMNS = {"PERSON": "person", "LOCALE": "locale", "TITLE": "title", "BODY": "body", "ERROR": "error"}


@taking(Words, "words")
def preview(
    event_type_id: EventTypeId,
    *,
    user: Annotated[
        str, typer.Option(metavar="USER", help="For whom. Default: for each invented person.")
    ] = "",
    belated: Annotated[bool, typer.Option("--belated", help="The words of a message that is late.")] = False,
    words: Words,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show what the words say, or what given words would; nothing is sent or stored.

    Ends with 1 when the words cannot be rendered for somebody.
    """
    if words.any and words.body is None and words.templates is None:
        raise typer.BadParameter("words to try need a body; give --body, or --templates FILE.json")
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.PreviewTemplate(
            event_type_service_pb2.PreviewTemplateRequest(
                event_type_id=event_type_id, user_id=user, belated=belated, templates=words.found()
            )
        )
    show_list(output, _COLUMNS, documents(answer.messages))
    if any(message.error for message in answer.messages):
        raise typer.Exit(1)


def send_test(
    event_type_id: EventTypeId,
    *,
    user: ForUser,
    endpoint: Annotated[str, typer.Option(metavar="ENDPOINT", help="The only endpoint it is sent to.")],
    occasion: OccasionId = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send the message of one person now, to one endpoint; the person gets nothing, no cycle is used up."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.TestEventType(
            event_type_service_pb2.TestEventTypeRequest(
                event_type_id=event_type_id, user_id=user, endpoint_id=endpoint, occasion_id=occasion
            )
        )
    show_one(output, {"event_id": answer.event_id, "endpoint_id": endpoint})
    say(f"`redletter deliveries get {answer.event_id} {endpoint}` says what became of it")
