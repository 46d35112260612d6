"""`redletter operations`: long work of the services, with its progress."""

import time
from contextlib import closing
from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer
from redletter.client import Client
from redletter.common.v1 import operation_pb2, operation_service_pb2

from redletter_cli.commands.failure import Failure
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, duration
from redletter_cli.commands.session import connect, documents, say, show_list, show_one
from redletter_cli.render.document import document

operations = typer.Typer(
    help="Long work of the services, with its progress.", no_args_is_help=True, add_completion=False
)

_COLUMNS = {
    "OPERATION": "operation_id",
    "KIND": "kind",
    "SUBJECT": "subject",
    "STATE": "state",
    "DONE": "done",
    "TOTAL": "total",
    "FAILED": "failed",
    "CREATED": "create_time",
    "ENDED": "end_time",
}
_OVER = frozenset(
    {
        operation_pb2.Operation.STATE_SUCCEEDED,
        operation_pb2.Operation.STATE_FAILED,
        operation_pb2.Operation.STATE_CANCELLED,
    }
)
_FIRST_LOOK = timedelta(milliseconds=100)
_SLOWEST_LOOK = timedelta(seconds=2)
_LONGEST_WAIT = "30d"
_MOST_PER_PAGE = 1000

OperationId = Annotated[str, typer.Argument(metavar="OPERATION_ID", help="A UUID.")]


@operations.command("list")
def list_operations(
    *, limit: Limit = 100, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """List operations of all services, the newest first."""
    with closing(connect(config, api_key)) as client:
        # One more than wanted tells whether anything was left out.
        newest = client.operations.every(page_size=min(limit + 1, _MOST_PER_PAGE))
        found = list(islice(newest, limit + 1))
    show_list(output, _COLUMNS, documents(found[:limit]), more=len(found) > limit)


@operations.command()
def get(
    operation_id: OperationId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one operation."""
    with closing(connect(config, api_key)) as client:
        show_one(output, document(_get(client, operation_id)))


@operations.command()
def pause(
    operation_id: OperationId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Stop an operation until it is resumed; nothing is lost."""
    with closing(connect(config, api_key)) as client:
        answer = client.operations.PauseOperation(
            operation_service_pb2.PauseOperationRequest(operation_id=operation_id)
        )
    show_one(output, document(answer.operation))


@operations.command()
def resume(
    operation_id: OperationId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Let a paused operation go on from where it was."""
    with closing(connect(config, api_key)) as client:
        answer = client.operations.ResumeOperation(
            operation_service_pb2.ResumeOperationRequest(operation_id=operation_id)
        )
    show_one(output, document(answer.operation))


@operations.command()
def cancel(
    operation_id: OperationId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """End an operation; what was done stays done."""
    with closing(connect(config, api_key)) as client:
        answer = client.operations.CancelOperation(
            operation_service_pb2.CancelOperationRequest(operation_id=operation_id)
        )
    show_one(output, document(answer.operation))


@operations.command()
def wait(
    operation_id: OperationId,
    *,
    timeout: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Give up after this long. Default: never.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Wait until an operation is over; shows how far it is.

    Ends with 1 when it failed, was cancelled, or did not succeed for every item.
    """
    patience = duration(timeout, "--timeout", at_most=_LONGEST_WAIT) if timeout is not None else None
    with closing(connect(config, api_key)) as client:
        operation = until_over(client, operation_id, patience)
    show_one(output, document(operation))
    end_as(operation)


def _get(client: Client, operation_id: str) -> operation_pb2.Operation:
    return client.operations.GetOperation(
        operation_service_pb2.GetOperationRequest(operation_id=operation_id)
    ).operation


def end_as(operation: operation_pb2.Operation) -> None:
    """End the process with 1 unless the operation has succeeded for every item."""
    if operation.state != operation_pb2.Operation.STATE_SUCCEEDED or operation.failed:
        raise typer.Exit(1)


def until_over(
    client: Client, operation_id: str, patience: timedelta | None = None
) -> operation_pb2.Operation:
    """Return an operation once it is over, and show on the way how far it is.

    Raises:
        Failure: it is not over within `patience`.
    """
    from redletter_cli.render.progress import growing_bar

    end = time.monotonic() + patience.total_seconds() if patience else None
    operation = _get(client, operation_id)
    look, paused = _FIRST_LOOK, False
    with growing_bar(operation.subject or operation.kind, operation.total) as show:
        while operation.state not in _OVER:
            show(operation.done, operation.total)
            if operation.state == operation_pb2.Operation.STATE_PAUSED and not paused:
                say(f"it is paused; `redletter operations resume {operation_id}` lets it go on")
            paused = operation.state == operation_pb2.Operation.STATE_PAUSED
            if end is not None and time.monotonic() >= end:
                raise Failure(
                    f"operation {operation_id} is not over: {operation.done:,} of {operation.total:,} done"
                )
            time.sleep(look.total_seconds())
            look = min(look * 2, _SLOWEST_LOOK)
            operation = _get(client, operation_id)
        show(operation.done, operation.total)
    return operation
