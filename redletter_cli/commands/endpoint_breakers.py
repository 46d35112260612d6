"""`redletter endpoints breaker`: what the circuit breaker of an endpoint lets through."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.delivery.v1 import breaker_pb2, breaker_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat
from redletter_cli.commands.session import connect, show_one
from redletter_cli.render.document import document

breaker = typer.Typer(
    help="What an endpoint's circuit breaker lets through.", no_args_is_help=True, add_completion=False
)

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its name.")]
Reason = Annotated[str, typer.Option(help="Why; shown with the breaker. Up to 200 characters.")]


@breaker.command()
def show(
    endpoint_id: Endpoint,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show its state, since when, and the attempts it judges by."""
    with closing(connect(config, api_key)) as client:
        answer = client.breakers.GetBreaker(breaker_service_pb2.GetBreakerRequest(endpoint_id=endpoint_id))
    show_one(output, document(answer.breaker))


@breaker.command("open")
def force_open(
    endpoint_id: Endpoint,
    *,
    reason: Reason,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send nothing there until told otherwise; deliveries wait and spend no attempts."""
    _force(endpoint_id, breaker_pb2.Breaker.MODE_FORCED_OPEN, reason, output, config, api_key)


@breaker.command("close")
def force_closed(
    endpoint_id: Endpoint,
    *,
    reason: Reason,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send everything, however much fails, until told otherwise."""
    _force(endpoint_id, breaker_pb2.Breaker.MODE_FORCED_CLOSED, reason, output, config, api_key)


@breaker.command()
def auto(
    endpoint_id: Endpoint,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Give it back to the attempts; one that was forced open is probed first."""
    _force(endpoint_id, breaker_pb2.Breaker.MODE_AUTOMATIC, "", output, config, api_key)


def _force(
    endpoint_id: str,
    mode: breaker_pb2.Breaker.Mode,
    reason: str,
    output: OutputFormat,
    config: Config,
    api_key: ApiKey,
) -> None:
    request = breaker_service_pb2.ForceBreakerRequest(endpoint_id=endpoint_id, mode=mode, reason=reason)
    with closing(connect(config, api_key)) as client:
        answer = client.breakers.ForceBreaker(request)
    show_one(output, document(answer.breaker))
