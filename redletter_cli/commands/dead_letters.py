"""`redletter dead-letters`: what gave up and waits for a decision."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.delivery.v1 import dead_letter_service_pb2, delivery_service_pb2

from redletter_cli.commands.groups import taking
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, Reason
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
from redletter_cli.commands.session import connect, documents, pages, show_list

dead_letters = typer.Typer(
    help="Deliveries that gave up and wait for a decision.", no_args_is_help=True, add_completion=False
)

_COLUMNS = {
    "EVENT": "event_id",
    "ENDPOINT": "endpoint_id",
    "ROUND": "round",
    "STATE": "state",
    "CAUSE": "cause",
    "STATUS": "status_code",
    "ATTEMPTS": "attempts",
    "USER": "user_id",
    "ENDED": "end_time",
}
_GROUP_COLUMNS = {
    "ENDPOINT": "endpoint_id",
    "CAUSE": "cause",
    "COUNT": "count",
    "FIRST": "first_end_time",
    "LAST": "last_end_time",
}


@dead_letters.command("list")
@taking(Chosen, "chosen")
def list_dead_letters(
    chosen: Chosen,
    *,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List dead letters, the newest first."""
    request = dead_letter_service_pb2.ListDeadLettersRequest(filter=chosen.filter())

    def page(size: int, token: str) -> dead_letter_service_pb2.ListDeadLettersResponse:
        request.page_size, request.page_token = size, token
        return client.dead_letters.ListDeadLetters(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.dead_letters, limit)
    show_list(output, _COLUMNS, documents(found), more=more)


@dead_letters.command()
def groups(
    *,
    endpoint: Annotated[str, typer.Option(help="Only of this endpoint.")] = "",
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Count dead letters by endpoint and cause; 100,000 stands for any larger number."""
    request = dead_letter_service_pb2.ListDeadLetterGroupsRequest(endpoint_id=endpoint)

    def page(size: int, token: str) -> dead_letter_service_pb2.ListDeadLetterGroupsResponse:
        request.page_size, request.page_token = size, token
        return client.dead_letters.ListDeadLetterGroups(request)

    with closing(connect(config, api_key)) as client:
        found, more = pages(page, lambda answer: answer.groups, limit)
    show_list(output, _GROUP_COLUMNS, documents(found), more=more)


@dead_letters.command()
@taking(Chosen, "chosen")
def redeliver(
    chosen: Chosen,
    *,
    within: Within = None,
    max_per_second: MaxPerSecond = 100,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send dead letters again, under the same ids; says how many and asks first."""
    request = delivery_service_pb2.RedeliverDeliveriesRequest(
        filter=chosen.filter(), deliver_within=within_of(within), max_per_second=max_per_second
    )
    manner = Manner(dry_run, yes, wait, output)
    question = f"redeliver {{count}} dead letters, at most {max_per_second:,} a second?"
    with closing(connect(config, api_key)) as client:

        def begin(count_only: bool) -> tuple[int, str]:
            request.dry_run = count_only
            answer = client.deliveries.RedeliverDeliveries(request)
            return answer.count, answer.operation_id

        all_of_them(client, begin, question, manner)


@dead_letters.command()
@taking(Chosen, "chosen")
def discard(
    chosen: Chosen,
    *,
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = False,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Settle dead letters without sending anything; says how many and asks first."""
    request = dead_letter_service_pb2.DiscardDeadLettersRequest(filter=chosen.filter(), reason=reason)
    manner = Manner(dry_run, yes, wait, output)
    with closing(connect(config, api_key)) as client:

        def begin(count_only: bool) -> tuple[int, str]:
            request.dry_run = count_only
            answer = client.dead_letters.DiscardDeadLetters(request)
            return answer.count, answer.operation_id

        all_of_them(client, begin, "discard {count} dead letters?", manner)
