"""`redletter forecast`: how many messages will fall due, when, and how many at once."""

from contextlib import closing
from typing import Annotated

import typer
from redletter.client import Client
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2, schedule_service_pb2

from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeFilter,
    Output,
    OutputFormat,
    duration,
    instant,
    key_values,
)
from redletter_cli.commands.rule_fields import set_fields
from redletter_cli.commands.session import connect, show_one
from redletter_cli.render.document import document

_FIXED = ("occasion_kind",)


def forecast(
    *,
    end: Annotated[
        str,
        typer.Option("--to", metavar="INSTANT", help="End of the window, at most 400 days after its begin."),
    ],
    start: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="Begin of the window. Default: now.")
    ] = None,
    event_type: EventTypeFilter = "",
    step: Annotated[str, typer.Option(metavar="SPAN", help="Width of the counted steps, 60s to 1d.")] = "1h",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Count as if the rule of --type said this, for example local_time=10:00. Repeatable. With "
            "occasion_kind=KIND it is a rule that does not exist yet.",
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Count what will fall due in a window, also under a changed rule; warns of dates that look invented."""
    given = key_values(changes, "--set")
    if given and not event_type:
        raise typer.BadParameter("which rule is changed? give --type")
    request = schedule_service_pb2.ForecastScheduleRequest(
        event_type_id=event_type, end_time=instant(end, "--to")
    )
    if start is not None:
        request.start_time.CopyFrom(instant(start, "--from"))
    request.step.FromTimedelta(duration(step, "--step", at_least="60s", at_most="1d"))
    if given:
        # Wrong names and values end the verb before any service is asked.
        _change(event_type_pb2.EventType(), given)
    with closing(connect(config, api_key)) as client:
        if given:
            request.changed_event_type.CopyFrom(_changed(client, event_type, given))
        answer = client.schedule.ForecastSchedule(request)
    if output is OutputFormat.JSON:
        show_one(output, document(answer))
    else:
        from redletter_cli.render.forecast import print_forecast

        print_forecast(answer, step=request.step.ToTimedelta())


def _changed(client: Client, event_type: str, given: dict[str, str]) -> event_type_pb2.EventType:
    if "occasion_kind" in given:
        rule = event_type_pb2.EventType(event_type_id=event_type)
    else:
        rule = client.event_types.GetEventType(
            event_type_service_pb2.GetEventTypeRequest(event_type_id=event_type)
        ).event_type
    _change(rule, given)
    return rule


def _change(rule: event_type_pb2.EventType, given: dict[str, str]) -> None:
    changes = dict(given)
    for name in _FIXED:
        if name in changes:
            setattr(rule, name, changes.pop(name))
    set_fields(rule, changes, option="--set")
