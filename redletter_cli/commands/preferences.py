"""`redletter users set-preferences`: what one person has chosen."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Annotated

import typer
from google.type import timeofday_pb2
from redletter.client import Client
from redletter.errors import ApiError
from redletter.scheduler.v1 import event_type_service_pb2
from redletter.user.v1 import preferences_pb2, user_service_pb2

from redletter_cli.commands.options import (
    ApiKey,
    Config,
    Output,
    OutputFormat,
    UserId,
    enum_value,
    key_values,
    known_zone,
    time_of_day,
)
from redletter_cli.commands.session import connect, say, show_one
from redletter_cli.render.document import document

_NONE = "none"
_RULE = "rule"
_CHANNELS = {"inbox": preferences_pb2.CHANNEL_INBOX, "endpoints": preferences_pb2.CHANNEL_UNSPECIFIED}

_Change = Callable[[preferences_pb2.Preferences], None]


def set_preferences(
    user_id: UserId,
    *,
    opt_out: Annotated[
        list[str] | None, typer.Option(metavar="EVENT_TYPE", help="No message of this type. Repeatable.")
    ] = None,
    opt_in: Annotated[
        list[str] | None, typer.Option(metavar="EVENT_TYPE", help="Messages of this type again. Repeatable.")
    ] = None,
    local_time: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVENT_TYPE=HH:MM",
            help="An own local time; EVENT_TYPE=rule: the rule's again. Repeatable.",
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVENT_TYPE=CHANNEL",
            help="Where it goes: inbox (alone), or endpoints (as they say). Repeatable.",
        ),
    ] = None,
    quiet: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="When nothing may arrive; none: never quiet.")
    ] = None,
    zone_mode: Annotated[
        str | None, typer.Option(help="home: the zone they live in; follow: the current one.")
    ] = None,
    current_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The zone they are in now; none: not known.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Change what is given and keep what else the person has chosen."""
    # Read before any call: a value that is none changes nothing.
    changes: list[_Change] = [*_choices(opt_out or (), opt_in or ()), *_local_times(local_time or ())]
    changes += _channels(channel or ())
    if quiet is not None:
        changes.append(partial(_set_quiet, hours=_quiet(quiet)))
    if zone_mode is not None:
        changes.append(partial(_set_zone_mode, mode=_zone_mode(zone_mode)))
    if current_zone is not None:
        changes.append(partial(_set_zone, zone=_zone(current_zone)))
    if not changes:
        raise typer.BadParameter(
            "nothing to change; give at least one option, for example --opt-out birthday"
        )
    with closing(connect(config, api_key)) as client:
        user = client.users.GetUser(user_service_pb2.GetUserRequest(user_id=user_id)).user
        for change in changes:
            change(user.preferences)
        _forget_empty(user.preferences)
        answer = client.users.SetPreferences(
            user_service_pb2.SetPreferencesRequest(user_id=user_id, preferences=user.preferences)
        )
        _hint(client, {p.event_type_id for p in answer.user.preferences.event_types})
    show_one(output, {"user_id": user_id, "preferences": document(answer.user.preferences)})


def _hint(client: Client, event_types: set[str]) -> None:
    """Say which of these event types do not exist: allowed, a choice may come first, but often a slip."""
    for name in sorted(event_types):
        try:
            client.event_types.GetEventType(event_type_service_pb2.GetEventTypeRequest(event_type_id=name))
        except ApiError as error:
            if error.code != "NOT_FOUND":
                return
            say(f'there is no event type "{name}" so far; the choice counts once there is')


def _choices(opt_out: Sequence[str], opt_in: Sequence[str]) -> Iterator[_Change]:
    both = sorted(set(opt_out) & set(opt_in))
    if both:
        raise typer.BadParameter(f'"{both[0]}" is given to --opt-out and to --opt-in')
    for event_type in opt_out:
        yield partial(_set_opted_out, event_type=event_type, opted_out=True)
    for event_type in opt_in:
        yield partial(_set_opted_out, event_type=event_type, opted_out=False)


def _local_times(texts: Sequence[str]) -> Iterator[_Change]:
    for event_type, text in key_values(texts, "--local-time").items():
        time = None if text == _RULE else time_of_day(text, "--local-time")
        yield partial(_set_local_time, event_type=event_type, time=time)


def _channels(texts: Sequence[str]) -> Iterator[_Change]:
    for event_type, text in key_values(texts, "--channel").items():
        if text not in _CHANNELS:
            raise typer.BadParameter(
                f'"{text}" is no channel; allowed are {" and ".join(_CHANNELS)}', param_hint="--channel"
            )
        yield partial(_set_channel, event_type=event_type, channel=_CHANNELS[text])


def _quiet(text: str) -> preferences_pb2.QuietHours | None:
    if text == _NONE:
        return None
    start, dash, end = text.partition("-")
    if not dash or start == end:
        raise typer.BadParameter(
            f'"{text}" is not a span of the day; write for example 22:00-07:00, or none', param_hint="--quiet"
        )
    return preferences_pb2.QuietHours(start=time_of_day(start, "--quiet"), end=time_of_day(end, "--quiet"))


def _zone_mode(text: str) -> preferences_pb2.ZoneMode:
    mode: preferences_pb2.ZoneMode = enum_value(preferences_pb2.ZoneMode.DESCRIPTOR, text, "--zone-mode")
    return mode


def _zone(text: str) -> str:
    return "" if text == _NONE else known_zone(text, "--current-zone")


def _of(preferences: preferences_pb2.Preferences, event_type: str) -> preferences_pb2.EventTypePreference:
    found = next((p for p in preferences.event_types if p.event_type_id == event_type), None)
    return preferences.event_types.add(event_type_id=event_type) if found is None else found


def _set_opted_out(preferences: preferences_pb2.Preferences, *, event_type: str, opted_out: bool) -> None:
    _of(preferences, event_type).opted_out = opted_out


def _set_channel(
    preferences: preferences_pb2.Preferences, *, event_type: str, channel: preferences_pb2.Channel
) -> None:
    _of(preferences, event_type).channel = channel


def _set_local_time(
    preferences: preferences_pb2.Preferences, *, event_type: str, time: timeofday_pb2.TimeOfDay | None
) -> None:
    choice = _of(preferences, event_type)
    choice.ClearField("local_time")
    if time is not None:
        choice.local_time.CopyFrom(time)


def _set_quiet(preferences: preferences_pb2.Preferences, *, hours: preferences_pb2.QuietHours | None) -> None:
    preferences.ClearField("quiet_hours")
    if hours is not None:
        preferences.quiet_hours.CopyFrom(hours)


def _set_zone_mode(preferences: preferences_pb2.Preferences, *, mode: preferences_pb2.ZoneMode) -> None:
    preferences.zone_mode = mode


def _set_zone(preferences: preferences_pb2.Preferences, *, zone: str) -> None:
    preferences.current_time_zone = zone


def _forget_empty(preferences: preferences_pb2.Preferences) -> None:
    kept = [p for p in preferences.event_types if p.opted_out or p.HasField("local_time") or p.channel]
    del preferences.event_types[:]
    preferences.event_types.extend(kept)
