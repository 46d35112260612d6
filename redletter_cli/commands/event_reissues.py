"""`redletter events reissue-all`: many ended events again, counted before anybody gets anything."""

import sys
from contextlib import closing
from typing import Annotated

import typer
from redletter.scheduler.v1 import event_pb2, event_service_pb2

from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeFilter,
    Output,
    OutputFormat,
    Reason,
    enum_value,
    instant,
)
from redletter_cli.commands.session import connect, say, show_one


def reissue_all(
    *,
    event_type: EventTypeFilter = "",
    state: Annotated[
        list[str],
        typer.Option(help="Ended as sent, suppressed, expired, cancelled or failed. Repeatable."),
    ],
    ended_reason: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Only with this reason of having ended, for example missed."),
    ] = None,
    due_after: Annotated[
        str, typer.Option("--from", metavar="INSTANT", help="Only those that were due then or later.")
    ],
    due_before: Annotated[
        str, typer.Option("--to", metavar="INSTANT", help="Only those that were due earlier than that.")
    ],
    reason: Reason,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    max_per_second: Annotated[int, typer.Option(min=1, max=1000, help="Most new events per second.")] = 50,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Issue all ended events again that a filter finds; says how many and asks first.

    People may get the message twice. To repair failed deliveries redeliver them instead.
    """
    request = event_service_pb2.ReissueEventsRequest(
        event_type_id=event_type,
        states=[
            enum_value(event_pb2.Event.State.DESCRIPTOR, s, "--state", without=("PLANNED",))
            for s in dict.fromkeys(state)
        ],
        due_after=instant(due_after, "--from"),
        due_before=instant(due_before, "--to"),
        reason=reason,
        max_per_second=max_per_second,
        dry_run=True,
    )
    if ended_reason is not None:
        request.ended_reason = enum_value(event_pb2.EventReason.DESCRIPTOR, ended_reason, "--ended-reason")
    if not (dry_run or yes or sys.stdin.isatty()):
        raise typer.BadParameter("there is nobody to ask; count with --dry-run, or go on with --yes")
    with closing(connect(config, api_key)) as client:
        count = client.events.ReissueEvents(request).count
        operation_id = None
        if count and not dry_run and (yes or _agreed(count, max_per_second)):
            request.dry_run = False
            operation_id = client.events.ReissueEvents(request).operation_id
    show_one(output, {"count": count, "operation_id": operation_id})
    if operation_id:
        say(f"`redletter operations wait {operation_id}` says when it is done")
    elif not dry_run:
        say("nothing was issued again")


def _agreed(count: int, per_second: int) -> bool:
    seconds = -(-count // per_second)
    return typer.confirm(
        f"issue {count:,} events again, at most {per_second} a second (about {seconds:,} s)?", err=True
    )
