"""`redletter status`: what the scheduler is doing right now."""

from contextlib import closing

from redletter.scheduler.v1 import scheduler_admin_service_pb2, scheduler_status_pb2

from redletter_cli.commands.options import Config, Output, OutputFormat
from redletter_cli.commands.session import connect_operator, say, show_one
from redletter_cli.render.document import document


def status(*, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Show leader, shards, backlog and clock of the scheduler; needs the operator key."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.GetSchedulerStatus(
            scheduler_admin_service_pb2.GetSchedulerStatusRequest()
        )
    show_status(output, answer.status)


def show_status(output: OutputFormat, found: scheduler_status_pb2.SchedulerStatus) -> None:
    """Print a status; what an operator has to do next goes to standard error."""
    row = document(found)
    if output is OutputFormat.TABLE:
        row["shard_holders"] = {h["holder"]: f"{len(h['shards'])} shards" for h in row["shard_holders"]}
    show_one(output, row)
    if found.paused:
        say(f"paused: {found.pause_reason or 'no reason was given'}; `redletter admin resume` goes on")
    if found.guarded:
        say("guard mode holds plans back; `redletter admin guard` shows them")
    if found.pending_tzdata_version:
        say(f"time-zone data {found.pending_tzdata_version} waits for approval; see `redletter admin tzdata`")
