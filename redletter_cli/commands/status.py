"""`redletter status`: what the scheduler is doing right now."""

from contextlib import closing

from redletter.scheduler.v1 import scheduler_admin_service_pb2

from redletter_cli.commands.options import Config, Output, OutputFormat
from redletter_cli.commands.session import configuration, connect_with, show_one
from redletter_cli.render.document import document


def status(*, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Show leader, shards, backlog and clock of the scheduler; needs the operator key."""
    found = configuration(config, None)
    with closing(connect_with(found, found.require_operator_key())) as client:
        answer = client.scheduler_admin.GetSchedulerStatus(
            scheduler_admin_service_pb2.GetSchedulerStatusRequest()
        )
    row = document(answer.status)
    if output is OutputFormat.TABLE:
        row["shard_holders"] = {h["holder"]: f"{len(h['shards'])} shards" for h in row["shard_holders"]}
    show_one(output, row)
