"""Preferences between the wire and the domain."""

from typing import Final

from google.type.timeofday_pb2 import TimeOfDay
from redletter.user.v1 import preferences_pb2
from whenever import Time

from chassis import zones
from chassis.wire import time_of_day
from user_service.domain.preferences import (
    Channel,
    EventTypePreference,
    Preferences,
    QuietHours,
    ZoneMode,
    check_event_types,
)

_ZONE_MODES: Final = {
    preferences_pb2.ZONE_MODE_UNSPECIFIED: ZoneMode.HOME,
    preferences_pb2.ZONE_MODE_HOME: ZoneMode.HOME,
    preferences_pb2.ZONE_MODE_FOLLOW: ZoneMode.FOLLOW,
}
_WIRE_ZONE_MODES: Final = {
    ZoneMode.HOME: preferences_pb2.ZONE_MODE_HOME,
    ZoneMode.FOLLOW: preferences_pb2.ZONE_MODE_FOLLOW,
}


def parsed(wire: preferences_pb2.Preferences) -> Preferences:
    """Return what a person has chosen; the field rules have been checked.

    Raises:
        InvalidInput: an unknown zone, or two choices for one event type, at `preferences...`.
    """
    if wire.current_time_zone:
        zones.require_known(wire.current_time_zone, field="preferences.current_time_zone")
    event_types = tuple(
        EventTypePreference(
            choice.event_type_id,
            choice.opted_out,
            _time(choice.local_time) if choice.HasField("local_time") else None,
            Channel.INBOX if choice.channel == preferences_pb2.CHANNEL_INBOX else Channel.ENDPOINTS,
        )
        for choice in wire.event_types
    )
    check_event_types(event_types)
    quiet = wire.quiet_hours
    return Preferences(
        event_types=event_types,
        quiet_hours=QuietHours(_time(quiet.start), _time(quiet.end))
        if wire.HasField("quiet_hours")
        else None,
        zone_mode=_ZONE_MODES[wire.zone_mode],
        current_time_zone=wire.current_time_zone,
    )


def fill(wire: preferences_pb2.Preferences, stored: Preferences) -> None:
    """Write what a person has chosen into an empty message."""
    for choice in stored.event_types:
        item = wire.event_types.add(event_type_id=choice.event_type_id, opted_out=choice.opted_out)
        if choice.local_time is not None:
            item.local_time.CopyFrom(time_of_day(choice.local_time))
        if choice.channel is Channel.INBOX:
            item.channel = preferences_pb2.CHANNEL_INBOX
    if stored.quiet_hours is not None:
        wire.quiet_hours.start.CopyFrom(time_of_day(stored.quiet_hours.start))
        wire.quiet_hours.end.CopyFrom(time_of_day(stored.quiet_hours.end))
    wire.zone_mode = _WIRE_ZONE_MODES[stored.zone_mode]
    wire.current_time_zone = stored.current_time_zone


def _time(wire: TimeOfDay) -> Time:
    return Time(wire.hours, wire.minutes, wire.seconds)
