"""`redletter inbox`: messages that wait to be taken."""

from contextlib import closing
from typing import Annotated, Any

import orjson
import typer
from redletter.common.v1 import item_result_pb2
from redletter.delivery.v1 import inbox_service_pb2, message_pb2

from redletter_cli.commands.failure import refusal
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeFilter,
    Limit,
    Output,
    OutputFormat,
    enum_value,
)
from redletter_cli.commands.session import connect, pages, show_list
from redletter_cli.render.document import document

inbox = typer.Typer(help="Messages that wait to be taken.", no_args_is_help=True, add_completion=False)

_PER_CALL = 500
_COLUMNS = {
    "EVENT": "event_id",
    "USER": "user_id",
    "EVENT TYPE": "event_type_id",
    "DUE": "due_time",
    "STATE": "state",
    "TITLE": "body.data.message.title",
}
_ACK_COLUMNS = {"EVENT": "event_id", "ACKNOWLEDGED": "acknowledged", "REASON": "reason"}


@inbox.command("list")
def list_inbox(
    *,
    state: Annotated[
        list[str] | None, typer.Option(help="unacked or acked. Repeatable. Default: unacked.")
    ] = None,
    user: Annotated[str, typer.Option(help="Only this user's.")] = "",
    event_type: EventTypeFilter = "",
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List messages in the order they were accepted; listing takes nothing away."""
    states = [enum_value(message_pb2.Message.State.DESCRIPTOR, s, "--state") for s in state or ()]
    request = inbox_service_pb2.ListInboxRequest(states=states, user_id=user, event_type_id=event_type)

    def page(size: int, token: str) -> inbox_service_pb2.ListInboxResponse:
        request.page_size, request.page_token = size, token
        return client.inbox.ListInbox(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.messages, limit)
    show_list(output, _COLUMNS, [_message(message) for message in found], more=more)


@inbox.command()
def ack(
    event_ids: Annotated[list[str], typer.Argument(metavar="EVENT_ID...", help="What has been taken.")],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Acknowledge messages; final, and repeating it changes nothing. Ends with 1 when one was not there."""
    rows: list[dict[str, Any]] = []
    with closing(connect(config, api_key)) as client:
        for start in range(0, len(event_ids), _PER_CALL):
            ids = event_ids[start : start + _PER_CALL]
            answer = client.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=ids))
            rows += [_result(event_id, result) for event_id, result in zip(ids, answer.results, strict=True)]
    show_list(output, _ACK_COLUMNS, rows)
    if not all(row["acknowledged"] for row in rows):
        raise typer.Exit(1)


def _message(message: message_pb2.Message) -> dict[str, Any]:
    row = document(message)
    row["body"] = orjson.loads(message.body)  # the service stores nothing but JSON
    return row


def _result(event_id: str, result: item_result_pb2.ItemResult) -> dict[str, Any]:
    refused = refusal(result)
    return {"event_id": event_id, "acknowledged": refused is None, "reason": refused}
