"""`redletter manifest`: what an endpoint was to get on a day, as a signed list."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from itertools import islice
from typing import Annotated, Any

import orjson
import typer
from redletter.client import Client
from redletter.delivery.v1 import manifest_pb2
from redletter.manifests import ManifestRejected, Totals, events, pages

from redletter_cli.commands.failure import Failure
from redletter_cli.commands.moments import whole_date
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat
from redletter_cli.commands.session import connect, say, show_list, show_one

manifest = typer.Typer(
    help="What an endpoint was to get on a day, as a signed list.", no_args_is_help=True, add_completion=False
)

_INBOX = "inbox"
_COLUMNS = {"EVENT": "event_id", "STATE": "state"}

EndpointId = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="The endpoint's id; `inbox` is the inbox.")
]
Day = Annotated[
    str, typer.Argument(metavar="DATE", help="The occurrence date of the events, for example 2027-03-04.")
]


@manifest.command()
def show(
    endpoint: EndpointId,
    day: Day,
    *,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List the events of a day and how their deliveries to the endpoint stand; checks no signature."""
    on = _day(day)

    def listed(client: Client) -> list[dict[str, Any]]:
        found = (entry for page in pages(client, endpoint, on) for entry in _entries(page))
        return list(islice(found, limit + 1))

    with closing(connect(config, api_key)) as client:
        rows = listed(client)
    show_list(output, _COLUMNS, rows[:limit], more=len(rows) > limit)


@manifest.command()
def verify(
    endpoint: EndpointId,
    day: Day,
    *,
    secret: Annotated[
        list[str] | None,
        typer.Option(
            envvar="REDLETTER_WEBHOOK_SECRET",
            metavar="SECRET",
            help="The endpoint's secret (whsec_... or whpk_...). Repeatable, during a rotation. Not for the inbox.",
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Check signature, order, number and checksum of a manifest to its end, and print its totals.

    Ends with 1 when it cannot be trusted.
    """
    on, totals = _day(day), Totals()
    if not secret and endpoint != _INBOX:
        raise typer.BadParameter("give the endpoint's --secret, which its webhooks are signed with")
    with closing(connect(config, api_key)) as client:
        checked = events(pages(client, endpoint, on), endpoint, on, secret=secret or None, totals=totals)
        _whole(lambda: sum(1 for _ in checked))
    show_one(
        output,
        {
            "endpoint_id": endpoint,
            "date": on.isoformat(),
            "signed": endpoint != _INBOX,
            "count": totals.count,
            "checksum": str(totals.checksum),
            "states": dict(totals.states),
        },
    )
    if endpoint == _INBOX:
        say("the inbox has no secret: the connection and the API key vouch for this manifest")


def _whole(read: Callable[[], int]) -> None:
    try:
        read()
    except ManifestRejected as error:
        raise Failure(f"the manifest cannot be trusted: {error}") from None
    except ValueError as error:
        raise Failure(str(error), exit_code=2) from None


def _day(text: str) -> date:
    found = whole_date(text, "DATE")
    return date(found.year, found.month, found.day)


def _entries(page: manifest_pb2.ManifestPage) -> list[dict[str, Any]]:
    listed = orjson.loads(page.body)["data"]["events"]
    return [{"event_id": event_id, "state": state} for event_id, state in listed]
