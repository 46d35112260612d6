"""`redletter ledger`: the books of a day; whether every event has exactly one end."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from redletter.client import Client
from redletter.scheduler.v1 import ledger_pb2, ledger_service_pb2

from redletter_cli.commands.moments import whole_date
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat
from redletter_cli.commands.session import (
    connect,
    connect_operator,
    documents,
    pages,
    say,
    show_list,
    show_one,
)
from redletter_cli.render.document import document

ledger = typer.Typer(
    help="The books of a day: three equations, and what does not balance.", add_completion=False
)

_EQUATIONS = {
    "expected": "expected by people and rules = planned + ended",
    "sent": "ended as sent = messages of delivery",
    "outcomes": "messages = their outcomes",
}
_EQUATION_COLUMNS = {"EQUATION": "equation", "LEFT": "left", "RIGHT": "right", "DIFFERENCE": "difference"}
_DIFFERENCE_COLUMNS = {"EVENT": "event_id", "REASON": "reason", "EQUATION": "equation", "WHY": "text"}
_DAY_COLUMNS = {
    "DATE": "date",
    "TENANT": "tenant_id",
    "EXPECTED": "expected.left",
    "SENT": "sent.left",
    "MESSAGES": "outcomes.left",
    "DIFFERENCE": "difference",
    "CLOSED": "closed",
    "COMPUTED": "compute_time",
}

Tenant = Annotated[
    str, typer.Option("--tenant", metavar="TENANT_ID", help="Another tenant's books; needs the operator key.")
]


@ledger.callback(invoke_without_command=True)
def balance(
    context: typer.Context,
    *,
    date: Annotated[
        str | None, typer.Option(metavar="DATE", help="The occurrence date, for example 2027-03-04.")
    ] = None,
    tenant: Tenant = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Compute the three equations of a date now, and list what does not balance.

    Ends with 1 when a difference is not zero.
    """
    if context.invoked_subcommand is not None:
        return
    if date is None:
        raise typer.BadParameter("which date? give --date, or ask for the stored `ledger days`")
    request = ledger_service_pb2.GetLedgerRequest(date=whole_date(date, "--date"), tenant_id=tenant)
    with closing(_client(config, api_key, as_operator=bool(tenant))) as client:
        books = client.ledger.GetLedger(request).ledger
    if output is OutputFormat.JSON:
        show_one(output, document(books))
    else:
        _print_books(books)
    if books.difference:
        raise typer.Exit(1)


@ledger.command()
def days(
    *,
    only_differences: Annotated[
        bool, typer.Option("--only-differences", help="Only days that do not balance.")
    ] = False,
    tenant: Tenant = "",
    all_tenants: Annotated[
        bool, typer.Option("--all-tenants", help="The books of all tenants; needs the operator key.")
    ] = False,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List the stored daily balances, the newest first."""
    if tenant and all_tenants:
        raise typer.BadParameter("give --tenant or --all-tenants, not both")
    with closing(_client(config, api_key, as_operator=bool(tenant) or all_tenants)) as client:
        found, more = pages(
            lambda size, token: client.ledger.ListLedgerDays(
                ledger_service_pb2.ListLedgerDaysRequest(
                    tenant_id=tenant, only_differences=only_differences, page_size=size, page_token=token
                )
            ),
            lambda page: page.days,
            limit,
        )
    show_list(output, _DAY_COLUMNS, documents(found), more=more)


def _client(config: Path | None, api_key: str | None, *, as_operator: bool) -> Client:
    return connect_operator(config) if as_operator else connect(config, api_key)


def _print_books(books: ledger_pb2.Ledger) -> None:
    row = document(books)
    equations: list[dict[str, Any]] = [
        {"equation": text, **document(getattr(books, name)), "name": name}
        for name, text in _EQUATIONS.items()
    ]
    show_list(OutputFormat.TABLE, _EQUATION_COLUMNS, equations)
    sys.stdout.write("\n")
    ended = {item["name"]: item["count"] for item in row["ended"]}
    outcomes = {item["outcome"]: item["count"] for item in row["message_outcomes"]}
    head = {name: row[name] for name in ("date", "tenant_id", "compute_time", "closed", "difference")}
    show_one(OutputFormat.TABLE, {**head, "ended": ended, "outcomes": outcomes})
    differences = [
        {**difference, "equation": equation["name"]}
        for equation in equations
        for difference in equation["differences"]
    ]
    if differences:
        sys.stdout.write("\n")
        show_list(OutputFormat.TABLE, _DIFFERENCE_COLUMNS, differences)
    if books.difference:
        say(f"the books do not balance: nothing accounts for a difference of {books.difference:,}")
    elif not books.closed:
        say("the date is not over everywhere; the equations hold for what has fallen due")
