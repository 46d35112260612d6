"""`redletter inbox`: messages that wait to be taken."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from redletter.client import Client
from redletter.common.v1 import item_result_pb2
from redletter.delivery.v1 import inbox_service_pb2, message_pb2
from redletter.inbox import pull as pull_messages

from redletter_cli.commands.failure import refusal
from redletter_cli.commands.groups import taking
from redletter_cli.commands.inbox_filters import Wanted
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    Limit,
    Output,
    OutputFormat,
    duration,
    enum_value,
)
from redletter_cli.commands.session import connect, pages, show_list
from redletter_cli.render.document import document
from redletter_cli.render.plain import plain

inbox = typer.Typer(help="Messages that wait to be taken.", no_args_is_help=True, add_completion=False)

_PER_CALL = 500
_MOST_LEASED = 1000
_COLUMNS = {
    "EVENT": "event_id",
    "USER": "user_id",
    "EVENT TYPE": "event_type_id",
    "DUE": "due_time",
    "STATE": "state",
    "TITLE": "body.data.message.title",
}
_ACK_COLUMNS = {"EVENT": "event_id", "ACKNOWLEDGED": "acknowledged", "REASON": "reason"}
_DELETE_COLUMNS = {"EVENT": "event_id", "DELETED": "deleted", "REASON": "reason"}

EventIds = Annotated[list[str], typer.Argument(metavar="EVENT_ID...", help="The ids, as in the webhook.")]


@inbox.command("list")
@taking(Wanted, "wanted")
def list_inbox(
    wanted: Wanted,
    *,
    state: Annotated[
        list[str] | None, typer.Option(help="unacked or acked. Repeatable. Default: unacked.")
    ] = None,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List messages in the order they were accepted; listing takes nothing away."""
    states = [enum_value(message_pb2.Message.State.DESCRIPTOR, s, "--state") for s in state or ()]
    request = inbox_service_pb2.ListInboxRequest(states=states)
    wanted.set_on(request)

    def page(size: int, token: str) -> inbox_service_pb2.ListInboxResponse:
        request.page_size, request.page_token = size, token
        return client.inbox.ListInbox(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.messages, limit)
    show_list(output, _COLUMNS, [_message(message) for message in found], more=more)


@inbox.command()
@taking(Wanted, "wanted")
def pull(
    wanted: Wanted,
    *,
    lease: Annotated[
        str, typer.Option(metavar="DURATION", help="How long nobody else gets them: 1s to 1h.")
    ] = "60s",
    acknowledge: Annotated[
        bool, typer.Option("--ack", help="Acknowledge each message once it is printed.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more, until interrupted.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many. Default: 100; with --follow no limit.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Lease messages and print one per line as they come; with -o json each is a JSON document.

    Without --ack they go to the next reader when their leases run out, unless somebody acknowledges them, and at most
    1,000 are taken at a time.
    """
    most = limit or (None if follow else 100)
    request = inbox_service_pb2.PullInboxRequest(
        max_messages=min(most or _MOST_LEASED, _MOST_LEASED), end_when_empty=not follow
    )
    request.lease.FromTimedelta(duration(lease, "--lease", at_most="1h"))
    wanted.set_on(request)
    with (
        closing(connect(config, api_key)) as client,
        closing(pull_messages(client, request)) as messages,
    ):
        for number, pulled in enumerate(messages, start=1):
            sys.stdout.write(_line(pulled, output))
            sys.stdout.flush()
            if acknowledge:
                _acknowledge(client, [pulled.message.event_id])
            if number == most:
                return


@inbox.command()
def ack(
    event_ids: EventIds,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Acknowledge messages; final, and repeating it changes nothing. Ends with 1 when one could not be."""
    _each(event_ids, _acknowledge, "acknowledged", _ACK_COLUMNS, output, config, api_key)


@inbox.command()
def delete(
    event_ids: EventIds,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Throw messages away that nobody has acknowledged; final. Ends with 1 when one could not be."""
    _each(event_ids, _delete, "deleted", _DELETE_COLUMNS, output, config, api_key)


_Call = Callable[[Client, Sequence[str]], Sequence[item_result_pb2.ItemResult]]


def _each(
    event_ids: list[str],
    call: _Call,
    done: str,
    columns: dict[str, str],
    output: OutputFormat,
    config: Path | None,
    api_key: str | None,
) -> None:
    rows: list[dict[str, Any]] = []
    with closing(connect(config, api_key)) as client:
        for start in range(0, len(event_ids), _PER_CALL):
            ids = event_ids[start : start + _PER_CALL]
            for event_id, result in zip(ids, call(client, ids), strict=True):
                refused = refusal(result)
                rows.append({"event_id": event_id, done: refused is None, "reason": refused})
    show_list(output, columns, rows)
    if not all(row[done] for row in rows):
        raise typer.Exit(1)


def _acknowledge(client: Client, event_ids: Sequence[str]) -> Sequence[item_result_pb2.ItemResult]:
    request = inbox_service_pb2.AckInboxRequest(event_ids=event_ids)
    return client.inbox.AckInbox(request).results


def _delete(client: Client, event_ids: Sequence[str]) -> Sequence[item_result_pb2.ItemResult]:
    request = inbox_service_pb2.BatchDeleteInboxRequest(event_ids=event_ids)
    return client.inbox.BatchDeleteInbox(request).results


def _message(message: message_pb2.Message) -> dict[str, Any]:
    row = document(message)
    row["body"] = orjson.loads(message.body)  # the service stores nothing but JSON
    return row


def _line(pulled: inbox_service_pb2.PullInboxResponse, output: OutputFormat) -> str:
    row = {**_message(pulled.message), "lease_token": pulled.lease_token}
    if output is OutputFormat.JSON:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode()
    title = row["body"].get("data", {}).get("message", {}).get("title", "")
    return plain(f"{row['event_id']}  {row['user_id']}  {row['event_type_id']}  {title}") + "\n"
