"""`redletter admin`: what whoever runs the deployment may do to the scheduler."""

from contextlib import closing
from enum import Enum
from typing import Annotated, assert_never

import typer
from redletter.scheduler.v1 import scheduler_admin_service_pb2

from redletter_cli.commands.options import Config, Output, OutputFormat, Reason, instant
from redletter_cli.commands.session import connect_operator, say, show_list, show_one
from redletter_cli.commands.status import show_status
from redletter_cli.render.document import document

admin = typer.Typer(
    help="Pause, time-zone data and guard mode of the scheduler; needs the operator key.",
    no_args_is_help=True,
    add_completion=False,
)

_ZONE_COLUMNS = {
    "TIME ZONE": "time_zone",
    "PLANS": "plans",
    "PEOPLE": "people",
    "LEAST MINUTES": "min_minutes",
    "MOST MINUTES": "max_minutes",
}


class Release(Enum):
    """What becomes of what guard mode holds."""

    SEND = "send"
    EXPIRE = "expire"


@admin.command()
def pause(*, reason: Reason, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Stop deciding in all replicas: nothing is sent after the answer; planning goes on."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.PauseScheduler(
            scheduler_admin_service_pb2.PauseSchedulerRequest(reason=reason)
        )
    show_status(output, answer.status)


@admin.command()
def resume(*, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Decide again; what fell due meanwhile leaves late, or ends as expired."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.ResumeScheduler(scheduler_admin_service_pb2.ResumeSchedulerRequest())
    show_status(output, answer.status)


@admin.command()
def tzdata(*, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Show what a newer release of the time-zone data would move."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.GetTzdataDiff(scheduler_admin_service_pb2.GetTzdataDiffRequest())
    _show_diff(output, answer.diff)
    if answer.diff.pending_version and answer.diff.complete:
        say(f"`redletter admin tzdata-approve {answer.diff.pending_version}` moves the open plans")


@admin.command("tzdata-approve")
def tzdata_approve(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The release that was looked at.")],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
) -> None:
    """Let the open plans move to a newer release of the time-zone data."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.ApproveTzdata(
            scheduler_admin_service_pb2.ApproveTzdataRequest(version=version)
        )
    _show_diff(output, answer.diff)


@admin.command()
def guard(*, output: Output = OutputFormat.TABLE, config: Config = None) -> None:
    """Show what guard mode holds back after a restore."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.GetGuard(scheduler_admin_service_pb2.GetGuardRequest())
    show_one(output, document(answer.guard))
    if answer.guard.active:
        say("`redletter admin guard-release send` sends it late, `... expire` lets it end unsent")


@admin.command("guard-start")
def guard_start(
    *,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="The time of the backup. Default: the last time the restored store was alive.",
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
) -> None:
    """Begin guard mode by hand: hold what was due since a backup until it is released."""
    request = scheduler_admin_service_pb2.StartGuardRequest()
    if since is not None:
        request.since.CopyFrom(instant(since, "--since"))
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.StartGuard(request)
    show_one(output, document(answer.guard))


@admin.command("guard-release")
def guard_release(
    release: Annotated[
        Release,
        typer.Argument(
            help="send: late, within its deliver_by, under the same ids; expire: unsent, can be issued again."
        ),
    ],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
) -> None:
    """End guard mode: send what it held, or let it end unsent."""
    with closing(connect_operator(config)) as client:
        answer = client.scheduler_admin.ReleaseGuard(
            scheduler_admin_service_pb2.ReleaseGuardRequest(release=_release(release))
        )
    show_one(output, document(answer.guard))


def _release(release: Release) -> scheduler_admin_service_pb2.ReleaseGuardRequest.Release:
    match release:
        case Release.SEND:
            return scheduler_admin_service_pb2.ReleaseGuardRequest.RELEASE_SEND
        case Release.EXPIRE:
            return scheduler_admin_service_pb2.ReleaseGuardRequest.RELEASE_EXPIRE
        case _:
            assert_never(release)


def _show_diff(output: OutputFormat, diff: scheduler_admin_service_pb2.TzdataDiff) -> None:
    row = document(diff)
    if output is OutputFormat.JSON:
        show_one(output, row)
        return
    zones = row.pop("zones")
    show_one(output, row)
    if zones:
        show_list(output, _ZONE_COLUMNS, zones)
    if not diff.pending_version:
        say("the installed release is in use; nothing waits")
    elif not diff.complete:
        say("the open plans are still being compared")
