"""The `redletter` command: verbs are loaded when they are called, errors are sentences."""

import importlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

VERBS = {
    "dev": "redletter_cli.dev.command:dev",
    "lapse": "redletter_cli.lapse.command:lapse",
    "users": "redletter_cli.commands.users:users",
    "tenant": "redletter_cli.commands.tenant:tenant",
    "event-types": "redletter_cli.commands.event_types:event_types",
    "events": "redletter_cli.commands.events:events",
    "explain": "redletter_cli.commands.schedule:explain",
    "preview": "redletter_cli.commands.schedule:preview",
    "forecast": "redletter_cli.commands.forecast:forecast",
    "holidays": "redletter_cli.commands.holidays:holidays",
    "operations": "redletter_cli.commands.operations:operations",
    "ledger": "redletter_cli.commands.ledger:ledger",
    "endpoints": "redletter_cli.commands.endpoints:endpoints",
    "deliveries": "redletter_cli.commands.deliveries:deliveries",
    "dead-letters": "redletter_cli.commands.dead_letters:dead_letters",
    "inbox": "redletter_cli.commands.inbox:inbox",
    "manifest": "redletter_cli.commands.manifests:manifest",
    "delivery-settings": "redletter_cli.commands.delivery_settings:delivery_settings",
    "listen": "redletter_cli.commands.listen:listen",
    "status": "redletter_cli.commands.status:status",
    "admin": "redletter_cli.commands.admin:admin",
}
"""Every verb and where it is."""

_DEFECT = 70  # EX_SOFTWARE of sysexits.h


class _Verbs(TyperGroup):
    """Loads a verb when it is called: `redletter --version` need not import gRPC, nor `users` the supervisor."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        place = VERBS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        return _command(cmd_name, getattr(importlib.import_module(module), name))


app = typer.Typer(cls=_Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"redletter {version('redletter-platform')}\n")
        raise typer.Exit


@app.callback()
def redletter(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """The right message at the right local moment, exactly once."""


def main() -> None:
    """Run the command line; ends the process with 0, 1 (it did not work) or 2 (it was called wrongly)."""
    # `dev` restarts services while it holds channels to them; gRPC's handlers for forks would close, in the
    # child, what the channels wait on, and end it. Read when grpc is imported, which the verbs do.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    sys.exit(run(app))


def run(call: Callable[[], Any]) -> int:
    """Return the exit status of `call`; whatever goes wrong is one sentence on standard error."""
    try:
        call()
    except SystemExit as end:
        return _status(end)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read our output has had enough (`redletter events list | head`); Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: never a traceback
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    from redletter.errors import ApiError

    from redletter_cli.commands.failure import Failure, sentence
    from redletter_cli.embedded.errors import EmbeddedError
    from redletter_cli.people.problems import PeopleError

    if isinstance(error, ApiError):
        return _say(sentence(error), 1)
    if isinstance(error, Failure):
        return _say(str(error), error.exit_code)
    if isinstance(error, EmbeddedError | PeopleError):
        return _say(str(error), 2)
    if os.environ.get("REDLETTER_TRACEBACK"):
        raise error
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _say(f"this is a defect of redletter: {what} (REDLETTER_TRACEBACK=1 shows where)", _DEFECT)


def _say(message: str, status: int) -> int:
    from redletter_cli.render.plain import plain

    sys.stderr.write(f"redletter: {plain(message)}\n")
    return status


def _status(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(bool(end.code))


def _command(name: str, verb: Any) -> Any:
    if isinstance(verb, typer.Typer):
        command = typer.main.get_command(verb)
    else:
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name)(verb)
        command = typer.main.get_command(single)
    command.name = name
    return command


if __name__ == "__main__":
    main()
