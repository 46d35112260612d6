"""`redletter users care-switch` and `care-switches`: "never again"."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.user.v1 import user_service_pb2

from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat, UserId
from redletter_cli.commands.session import connect, documents, show_list, show_one
from redletter_cli.render.document import document

_COLUMNS = {"FOR": "occasion_id", "STATE": "state", "SET": "set_time", "CLEARED": "clear_time"}


def care_switch(
    user_id: UserId,
    *,
    occasion: Annotated[
        str, typer.Option(metavar="OCCASION", help="Only this occasion. Default: the person, all messages.")
    ] = "",
    clear: Annotated[bool, typer.Option("--clear", help="Take it back.")] = False,
    reason: Annotated[
        str,
        typer.Option(
            help="Why, at most 200 characters; the log says that there was one, it is kept nowhere."
        ),
    ] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Send nothing more to a person, or for one occasion, also what is queued; outlives deletion and imports."""
    if clear and reason:
        raise typer.BadParameter("a reason is given when a switch is set; leave --reason out with --clear")
    with closing(connect(config, api_key)) as client:
        if clear:
            switch = client.users.ClearCareSwitch(
                user_service_pb2.ClearCareSwitchRequest(user_id=user_id, occasion_id=occasion)
            ).care_switch
        else:
            switch = client.users.SetCareSwitch(
                user_service_pb2.SetCareSwitchRequest(user_id=user_id, occasion_id=occasion, reason=reason)
            ).care_switch
    show_one(output, {"user_id": user_id, **document(switch)})


def care_switches(
    user_id: UserId, *, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """List the care switches that were ever set for a person and their occasions."""
    with closing(connect(config, api_key)) as client:
        answer = client.users.ListCareSwitches(user_service_pb2.ListCareSwitchesRequest(user_id=user_id))
    rows = documents(answer.care_switches)
    if output is OutputFormat.TABLE:
        for row in rows:
            row["occasion_id"] = row["occasion_id"] or "the person"
    show_list(output, _COLUMNS, rows)
