"""`redletter dev`: everything on one machine until Ctrl-C."""

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from redletter.client import Client
from whenever import Instant, TimeDelta

from redletter_cli.dev.arrivals import ArrivalLog
from redletter_cli.dev.clock import parse_instant, require_speed, resolve
from redletter_cli.dev.deployment import Deployment, open_deployment
from redletter_cli.dev.lines import Lines
from redletter_cli.dev.ports import Ports
from redletter_cli.dev.sample import import_sample, invite
from redletter_cli.dev.signals import stop_on_signals
from redletter_cli.dev.topology import LOOPBACK, Shape
from redletter_cli.render.plain import plain

# Business time stands still until the services are up; otherwise a fast clock would run ahead of them.
_START_UP_SECONDS = 6.0
_TICK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the options say."""

    data: Path
    ports: Ports
    shape: Shape
    start: Instant | None
    speed: float | None
    hold: bool
    sample: bool


def dev(
    data: Annotated[
        Path, typer.Option(help="Directory that holds everything; a second start resumes it.")
    ] = Path(".redletter"),
    port_base: Annotated[int, typer.Option(help="First of the 80 ports that are used.")] = 7700,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="INSTANT", help="Where business time starts, for example 2028-02-27T00:00:00Z."
        ),
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Business seconds per real second; default 1.")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Let business time stand still at its start.")] = False,
    schedulers: Annotated[int, typer.Option(help="Processes of scheduler_service.")] = 2,
    deliveries: Annotated[int, typer.Option(help="Processes of delivery_service.")] = 2,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample/--no-sample", help="Import invented people, and greet one more at each start."
        ),
    ] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: PostgreSQL, Valkey, the services and a webhook receiver."""
    run(
        Request(
            data=data,
            ports=Ports(port_base),
            shape=Shape(schedulers=schedulers, deliveries=deliveries),
            start=parse_instant(from_, option="--from") if from_ is not None else None,
            speed=require_speed(speed) if speed is not None else None,
            hold=hold,
            sample=sample,
        )
    )


def run(request: Request) -> None:
    """Start everything, print what happens until a signal, stop everything.

    Raises:
        EmbeddedError: it cannot run like this; a sentence.
        ApiError: a service refused what every start does.
    """
    stopping = stop_on_signals()
    deployment = open_deployment(request.data, ports=request.ports, shape=request.shape, say=say)
    try:
        _live(deployment, request, stopping)
    except KeyboardInterrupt:
        pass
    finally:
        if stopping.is_set():
            say("stopping")
        deployment.close()
    say("stopped; nothing is left running")


def _live(deployment: Deployment, request: Request, stopping: threading.Event) -> None:
    began = time.monotonic()
    deployment.lock()
    clock = resolve(
        deployment.clock_file.read(),
        start=request.start,
        speed=request.speed,
        hold=request.hold,
        real=Instant.now(),
    )
    deployment.start_servers()
    if not request.hold:
        clock = clock.anchored(Instant.now() + TimeDelta(seconds=_START_UP_SECONDS))
    deployment.start_services(clock)
    deployment.ensure_accounts()
    _introduce(deployment, seconds=time.monotonic() - began)
    arrivals = ArrivalLog(deployment.places.arrivals, from_end=True)
    with deployment.accounts.as_tenant() as client:
        if request.sample:
            _sample(deployment, client)
        lines = Lines(client, deployment.clock)
        while not stopping.is_set():
            deployment.tick()
            for arrival in arrivals.new():
                say(lines.describe(arrival))
            time.sleep(_TICK_SECONDS)


def _introduce(deployment: Deployment, *, seconds: float) -> None:
    ports, places, accounts = deployment.ports, deployment.places, deployment.accounts
    say(
        f"PostgreSQL on 127.0.0.1:{ports.postgres}, Valkey on 127.0.0.1:{ports.valkey}, everything kept in {places.root}"
    )
    say(f"user_service on {accounts.user}")
    say(f"scheduler_service on {accounts.scheduler}")
    say(f"delivery_service on {accounts.delivery}")
    say(f"webhooks go to http://127.0.0.1:{deployment.receiver_port}/ (endpoint dev-receiver);")
    say(
        f"  for that, and only here, deliveries to loopback addresses ({LOOPBACK}) are allowed, also by plain http"
    )
    say(f"keys and addresses are in {places.client}, logs in {places.root / 'logs'}")
    say(f"business clock: {deployment.clock.describe()}")
    say(f"ready after {seconds:.1f} s; Ctrl-C stops everything")


def _sample(deployment: Deployment, client: Client) -> None:
    summary = import_sample(client, deployment.places)
    if summary:
        say(
            f"imported the sample: {summary.accepted} invented people with birthdays and the days they joined"
        )
    if deployment.clock.held:
        return
    guest = invite(client, deployment.clock)
    seconds = deployment.clock.real_seconds_until(guest.due.to_instant())
    say(
        f"added {guest.name} ({guest.user_id}): their message is due at {guest.due.time().format_iso()} "
        f"in {guest.time_zone}, in {max(0.0, seconds):.0f} s"
    )


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{plain(line)}\n")
    sys.stdout.flush()
