"""`redletter deliveries`: what got where, and what did not."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2, endpoint_service_pb2

from redletter_cli.commands.groups import taking
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, enum_value
from redletter_cli.commands.redelivering import (
    Chosen,
    DryRun,
    Manner,
    MaxPerSecond,
    Wait,
    Within,
    Yes,
    all_of_them,
    within_of,
)
from redletter_cli.commands.session import connect, documents, pages, show_list, show_one
from redletter_cli.render.document import document

deliveries = typer.Typer(help="What got where, and what did not.", no_args_is_help=True, add_completion=False)

_INBOX = "inbox"  # every tenant has it; EndpointService does not list it
_MOST_ATTEMPTS = 1000
_COLUMNS = {
    "EVENT": "event_id",
    "ENDPOINT": "endpoint_id",
    "ROUND": "round",
    "STATE": "state",
    "CAUSE": "cause",
    "ATTEMPTS": "attempts",
    "STATUS": "last_attempt.status_code",
    "NEXT": "next_time",
    "ENDED": "end_time",
}


@deliveries.command("list")
def list_deliveries(
    *,
    endpoint: Annotated[str, typer.Option(help="Only to this endpoint; `inbox` is the inbox.")] = "",
    event: Annotated[str, typer.Option(metavar="EVENT_ID", help="Only of this event.")] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(help="pending, delivered, dead, expired or cancelled. Repeatable. Default: all."),
    ] = None,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List deliveries: pending ones, then ended ones, newest first."""
    states = [enum_value(delivery_pb2.Delivery.State.DESCRIPTOR, s, "--state") for s in state or ()]
    request = delivery_service_pb2.ListDeliveriesRequest(endpoint_id=endpoint, event_id=event, states=states)

    def page(size: int, token: str) -> delivery_service_pb2.ListDeliveriesResponse:
        request.page_size, request.page_token = size, token
        return client.deliveries.ListDeliveries(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.deliveries, limit)
        if not found and endpoint not in ("", _INBOX):
            # A name that is misspelt must not look like an endpoint that was never sent anything: NOT_FOUND ends it.
            client.endpoints.GetEndpoint(endpoint_service_pb2.GetEndpointRequest(endpoint_id=endpoint))
    show_list(output, _COLUMNS, documents(found), more=more)


@deliveries.command()
def get(
    event_id: Annotated[str, typer.Argument(help="The event's id.")],
    endpoint_id: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")],
    *,
    number: Annotated[
        int | None, typer.Option("--round", min=1, help="Which round. Default: the latest.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one delivery with all its attempts."""
    with closing(connect(config, api_key)) as client:
        answer = client.deliveries.GetDelivery(
            delivery_service_pb2.GetDeliveryRequest(event_id=event_id, endpoint_id=endpoint_id, round=number)
        )
        attempts, _ = pages(
            lambda size, token: client.deliveries.ListAttempts(
                delivery_service_pb2.ListAttemptsRequest(
                    event_id=event_id,
                    endpoint_id=endpoint_id,
                    round=number or 0,
                    page_size=size,
                    page_token=token,
                )
            ),
            lambda page: page.attempts,
            _MOST_ATTEMPTS,
        )
    delivery = document(answer.delivery)
    if output is OutputFormat.TABLE:  # both are among the attempts
        del delivery["first_attempt"], delivery["last_attempt"]
    show_one(output, {"delivery": delivery, "attempts": documents(attempts)})


@deliveries.command()
@taking(Chosen, "chosen")
def redeliver(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="One event, with its endpoint.")] = "",
    endpoint_id: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name.")] = "",
    *,
    chosen: Chosen,
    within: Within = None,
    max_per_second: MaxPerSecond = 100,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send one ended delivery again, or all that the options find, under the same ids.

    For many it says how many and asks first. `--state delivered --from INSTANT` repeats what a receiver has lost.
    """
    if bool(event_id) == chosen.given or bool(event_id) != bool(endpoint_id):
        raise typer.BadParameter("give either EVENT_ID and ENDPOINT, or options that say which ones")
    with closing(connect(config, api_key)) as client:
        if event_id:
            one = delivery_service_pb2.RedeliverDeliveryRequest(
                event_id=event_id, endpoint_id=endpoint_id, deliver_within=within_of(within)
            )
            show_one(output, document(client.deliveries.RedeliverDelivery(one).delivery))
            return
        many = delivery_service_pb2.RedeliverDeliveriesRequest(
            filter=chosen.filter(), deliver_within=within_of(within), max_per_second=max_per_second
        )

        def begin(count_only: bool) -> tuple[int, str]:
            many.dry_run = count_only
            answer = client.deliveries.RedeliverDeliveries(many)
            return answer.count, answer.operation_id

        question = f"redeliver {{count}} deliveries, at most {max_per_second:,} a second?"
        all_of_them(client, begin, question, Manner(dry_run, yes, wait, output))
