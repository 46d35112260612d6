"""`redletter event-types`: the standing rules of the tenant."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.common.v1 import priority_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2

from redletter_cli.commands.options import (
    ApiKey,
    Config,
    Limit,
    Output,
    OutputFormat,
    day_offset,
    duration,
    enum_value,
    time_of_day,
)
from redletter_cli.commands.session import connect, documents, pages, show_list, show_one
from redletter_cli.commands.templates import fallback, from_file
from redletter_cli.render.document import document

event_types = typer.Typer(help="The standing rules: which occasion, at what local time, with which words.")

_COLUMNS = {
    "EVENT TYPE": "event_type_id",
    "OCCASION": "occasion_kind",
    "AT": "local_time",
    "DAYS": "day_offset",
    "STATE": "state",
    "VERSION": "version",
    "NAME": "display_name",
}
_DAY_END = "day-end"
_LONGEST_WORTH = "30d"

EventTypeId = Annotated[
    str, typer.Argument(metavar="EVENT_TYPE", help="The rule's own name, for example birthday.")
]
At = Annotated[
    str | None, typer.Option("--at", metavar="HH:MM", help="Local time at which the message leaves.")
]
DayOffset = Annotated[
    int | None, typer.Option(help="Days from the occasion, -366 to 366; -7 is a week before.")
]
DeliverWithin = Annotated[
    str | None,
    typer.Option(
        metavar="SPAN", help="How long it is worth sending, for example 6h; day-end: until midnight."
    ),
]
Title = Annotated[str | None, typer.Option(help="Title template of the fallback locale.")]
Body = Annotated[str | None, typer.Option(help="Body template of the fallback locale.")]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates", metavar="FILE.json", help='All templates: [{"locale", "title", "body"}, ...].'
    ),
]
Attribute = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="User attribute the webhook carries. Repeatable.")
]
PriorityOption = Annotated[str | None, typer.Option("--priority", help="low, normal or high.")]
StateOption = Annotated[str | None, typer.Option("--state", help="active or paused.")]
DisplayName = Annotated[str | None, typer.Option(help="What people call it.")]


@event_types.command()
def create(
    event_type_id: EventTypeId,
    *,
    occasion_kind: Annotated[str, typer.Option(help="The kind of occasion it is for, for example birthday.")],
    at: Annotated[str, typer.Option(metavar="HH:MM", help="Local time at which the message leaves.")],
    body: Annotated[str | None, typer.Option(help="Body template of the fallback locale.")] = None,
    title: Title = None,
    templates: Templates = None,
    day_offset: DayOffset = None,
    deliver_within: DeliverWithin = None,
    priority: PriorityOption = None,
    state: StateOption = None,
    display_name: DisplayName = None,
    attribute: Attribute = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Create an event type; everyone with an occasion of its kind is planned in the background."""
    if body is None and templates is None:
        raise typer.BadParameter("the words are missing; give --body (and --title), or --templates FILE.json")
    rule, _ = _changes(
        at=at,
        day_offset=day_offset,
        deliver_within=deliver_within,
        priority=priority,
        state=state,
        display_name=display_name,
        attribute=attribute,
    )
    rule.event_type_id = event_type_id
    rule.occasion_kind = occasion_kind
    rule.templates.extend(from_file(templates) if templates else ())
    fallback(rule, title=title, body=body)
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(event_type=rule)
        )
    show_one(output, document(answer.event_type))


@event_types.command()
def update(
    event_type_id: EventTypeId,
    *,
    at: At = None,
    body: Body = None,
    title: Title = None,
    templates: Templates = None,
    day_offset: DayOffset = None,
    deliver_within: DeliverWithin = None,
    priority: PriorityOption = None,
    state: StateOption = None,
    display_name: DisplayName = None,
    attribute: Attribute = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and nothing else; a new time moves open plans, the nearest first."""
    rule, paths = _changes(
        at=at,
        day_offset=day_offset,
        deliver_within=deliver_within,
        priority=priority,
        state=state,
        display_name=display_name,
        attribute=attribute,
    )
    rule.event_type_id = event_type_id
    with closing(connect(config, api_key)) as client:
        if templates:
            rule.templates.extend(from_file(templates))
        elif title is not None or body is not None:
            # The list is replaced whole: what the other locales say is read first, and the etag sees to it that
            # nobody's edit in between is undone.
            now = client.event_types.GetEventType(
                event_type_service_pb2.GetEventTypeRequest(event_type_id=event_type_id)
            ).event_type
            rule.templates.extend(now.templates)
            rule.etag = now.etag
        if templates or title is not None or body is not None:
            fallback(rule, title=title, body=body)
            paths.append("templates")
        if not paths:
            raise typer.BadParameter("nothing to change; give at least one option, for example --at 10:00")
        answer = client.event_types.UpdateEventType(
            event_type_service_pb2.UpdateEventTypeRequest(event_type=rule, update_mask=FieldMask(paths=paths))
        )
    show_one(output, document(answer.event_type))


@event_types.command("list")
def list_event_types(
    *, limit: Limit = 100, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """List event types in the order of their ids."""
    with closing(connect(config, api_key)) as client:
        found, more = pages(
            lambda size, token: client.event_types.ListEventTypes(
                event_type_service_pb2.ListEventTypesRequest(page_size=size, page_token=token)
            ),
            lambda page: page.event_types,
            limit,
        )
    show_list(output, _COLUMNS, documents(found), more=more)


@event_types.command()
def get(
    event_type_id: EventTypeId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one event type with its templates."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.GetEventType(
            event_type_service_pb2.GetEventTypeRequest(event_type_id=event_type_id)
        )
    show_one(output, document(answer.event_type))


def _changes(**given: Any) -> tuple[event_type_pb2.EventType, list[str]]:
    """Return an event type with what was given, and the names of the fields it is in."""
    rule = event_type_pb2.EventType()
    paths = [
        _FIELDS.get(name, name)
        for name, value in given.items()
        if value is not None and _set(rule, name, value)
    ]
    return rule, paths


_FIELDS = {"at": "local_time", "attribute": "attributes"}


def _set(rule: event_type_pb2.EventType, name: str, value: Any) -> bool:
    if name == "at":
        rule.local_time.CopyFrom(time_of_day(value, "--at"))
    elif name == "deliver_within":
        if value != _DAY_END:  # in the mask without a value: back to the default
            rule.deliver_within.FromTimedelta(duration(value, "--deliver-within", at_most=_LONGEST_WORTH))
    elif name == "day_offset":
        rule.day_offset = day_offset(value, "--day-offset")
    elif name == "priority":
        rule.priority = enum_value(priority_pb2.Priority.DESCRIPTOR, value, "--priority")
    elif name == "state":
        rule.state = enum_value(event_type_pb2.EventType.State.DESCRIPTOR, value, "--state")
    elif name == "attribute":
        rule.attributes.extend(value)
    else:
        setattr(rule, name, value)
    return True
