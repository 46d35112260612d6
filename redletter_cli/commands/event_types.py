"""`redletter event-types`: the standing rules of the tenant."""

from contextlib import closing
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.client import Client
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2

from redletter_cli.commands.event_type_trials import preview, send_test
from redletter_cli.commands.groups import taking
from redletter_cli.commands.options import (
    ApiKey,
    Config,
    EventTypeId,
    Limit,
    Output,
    OutputFormat,
    enum_value,
)
from redletter_cli.commands.rule_fields import RuleOptions, set_fields
from redletter_cli.commands.session import connect, documents, pages, say, show_list, show_one
from redletter_cli.commands.templates import Words
from redletter_cli.render.document import document

event_types = typer.Typer(
    help="The standing rules: which occasion, at what local time, with which words.",
    no_args_is_help=True,
    add_completion=False,
)

_COLUMNS = {
    "EVENT TYPE": "event_type_id",
    "OCCASION": "occasion_kind",
    "TURNS": "recurrence",
    "AT": "local_time",
    "DAYS": "day_offset",
    "STATE": "state",
    "VERSION": "version",
    "NAME": "display_name",
}


@event_types.command()
@taking(RuleOptions, "rule")
@taking(Words, "words")
def create(
    event_type_id: EventTypeId,
    *,
    occasion_kind: Annotated[
        str,
        typer.Option(
            help="The kind of occasion it is for, for example birthday; none for --recurrence none."
        ),
    ] = "",
    recurrence: Annotated[
        str | None,
        typer.Option(help="yearly, monthly, once, rrule or none (made by `events create`). Default: yearly."),
    ] = None,
    at: Annotated[str, typer.Option(metavar="HH:MM", help="Local time at which the message leaves.")],
    words: Words,
    rule: RuleOptions,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Create an event type; everyone with an occasion of its kind is planned in the background."""
    if words.body is None and words.templates is None:
        raise typer.BadParameter("the words are missing; give --body (and --title), or --templates FILE.json")
    made = event_type_pb2.EventType(
        event_type_id=event_type_id,
        occasion_kind=occasion_kind,
        recurrence=_recurrence(recurrence, occasion_kind, rule.rrule),
        templates=words.found(),
    )
    set_fields(made, rule.values(at=at))
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(event_type=made)
        )
    show_one(output, document(answer.event_type))


@event_types.command()
@taking(RuleOptions, "rule")
@taking(Words, "words")
def update(
    event_type_id: EventTypeId,
    *,
    at: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Local time at which the message leaves.")
    ] = None,
    words: Words,
    rule: RuleOptions,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and nothing else; a new time moves open plans, the nearest first."""
    changed = event_type_pb2.EventType(event_type_id=event_type_id)
    paths = set_fields(changed, rule.values(at=at))
    if not paths and not words.any:
        raise typer.BadParameter("nothing to change; give at least one option, for example --at 10:00")
    with closing(connect(config, api_key)) as client:
        if words.any:
            _set_words(client, changed, words)
            paths.append("templates")
        answer = client.event_types.UpdateEventType(
            event_type_service_pb2.UpdateEventTypeRequest(
                event_type=changed, update_mask=FieldMask(paths=paths)
            )
        )
    show_one(output, {**document(answer.event_type), "operation_id": answer.operation_id})
    _say_operation(answer.operation_id, "open plans move to the new timing")


@event_types.command("list")
def list_event_types(
    *,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List event types in the order of their ids."""
    with closing(connect(config, api_key)) as client:
        found, more = pages(
            lambda size, token: client.event_types.ListEventTypes(
                event_type_service_pb2.ListEventTypesRequest(
                    page_size=size, page_token=token, show_deleted=deleted
                )
            ),
            lambda page: page.event_types,
            limit,
        )
    show_list(output, _COLUMNS, documents(found), more=more)


@event_types.command()
def get(
    event_type_id: EventTypeId,
    *,
    version: Annotated[
        int | None, typer.Option(min=1, help="As events name it. Default: the current one.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one event type with its templates."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.GetEventType(
            event_type_service_pb2.GetEventTypeRequest(event_type_id=event_type_id, version=version or 0)
        )
    show_one(output, document(answer.event_type))


@event_types.command()
def delete(
    event_type_id: EventTypeId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Delete an event type softly: its open plans end, its events stay; creating it again revives it."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.DeleteEventType(
            event_type_service_pb2.DeleteEventTypeRequest(event_type_id=event_type_id)
        )
    show_one(output, {"event_type_id": event_type_id, "deleted": True, "operation_id": answer.operation_id})
    _say_operation(answer.operation_id, "its open plans end")


@event_types.command()
def pause(
    event_type_id: EventTypeId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Make no more events; what falls due meanwhile is not made up for."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.PauseEventType(
            event_type_service_pb2.PauseEventTypeRequest(event_type_id=event_type_id)
        )
    show_one(output, document(answer.event_type))


@event_types.command()
def resume(
    event_type_id: EventTypeId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Make events again, from the next cycle that falls due."""
    with closing(connect(config, api_key)) as client:
        answer = client.event_types.ResumeEventType(
            event_type_service_pb2.ResumeEventTypeRequest(event_type_id=event_type_id)
        )
    show_one(output, document(answer.event_type))


event_types.command()(preview)
event_types.command("test")(send_test)


def _recurrence(text: str | None, occasion_kind: str, rrule: str | None) -> event_type_pb2.Recurrence:
    """Return the recurrence; a rule that no occasion can start is refused before the service is asked."""
    found: event_type_pb2.Recurrence = event_type_pb2.RECURRENCE_UNSPECIFIED
    if text is not None:
        found = enum_value(event_type_pb2.Recurrence.DESCRIPTOR, text, "--recurrence")
    elif rrule is not None:
        found = event_type_pb2.RECURRENCE_RRULE
    if found == event_type_pb2.RECURRENCE_NONE and occasion_kind:
        raise typer.BadParameter(
            "an event type with --recurrence none has no occasion; leave --occasion-kind out"
        )
    if found != event_type_pb2.RECURRENCE_NONE and not occasion_kind:
        raise typer.BadParameter(
            "the occasion is missing; give --occasion-kind, for example birthday, or --recurrence none"
        )
    if (found == event_type_pb2.RECURRENCE_RRULE) != (rrule is not None):
        raise typer.BadParameter("--recurrence rrule and --rrule go together")
    return found


def _set_words(client: Client, changed: event_type_pb2.EventType, words: Words) -> None:
    if words.templates is not None:
        changed.templates.extend(words.found())
        return
    # The list is replaced whole: what the other locales say is read first, and the etag sees to it that
    # nobody's edit in between is undone.
    now = client.event_types.GetEventType(
        event_type_service_pb2.GetEventTypeRequest(event_type_id=changed.event_type_id)
    ).event_type
    changed.templates.extend(words.found(now.templates))
    changed.etag = now.etag


def _say_operation(operation_id: str, what: str) -> None:
    if operation_id:
        say(f"{what} in the background; `redletter operations wait {operation_id}` says when it is done")
