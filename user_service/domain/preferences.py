"""Preferences: what a person has chosen about their messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from whenever import Time

from chassis.errors import InvalidInput


class ZoneMode(StrEnum):
    """Which zone messages follow: the one the person lives in, or the one they are in."""

    HOME = "HOME"
    FOLLOW = "FOLLOW"


class Channel(StrEnum):
    """Where messages go: wherever the tenant's endpoints say, or to the inbox alone."""

    ENDPOINTS = "ENDPOINTS"
    INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class EventTypePreference:
    """A choice for one event type; `local_time` None means the rule's."""

    event_type_id: str
    opted_out: bool
    local_time: Time | None
    channel: Channel = Channel.ENDPOINTS


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to before `end` by the wall clock; `end` before `start` spans midnight."""

    start: Time
    end: Time


@dataclass(frozen=True, slots=True)
class Preferences:
    """All choices of a person; `current_time_zone` is empty when it is not known."""

    event_types: tuple[EventTypePreference, ...] = ()
    quiet_hours: QuietHours | None = None
    zone_mode: ZoneMode = ZoneMode.HOME
    current_time_zone: str = ""

    @property
    def opted_out(self) -> frozenset[str]:
        """The event types that the person wants nothing of."""
        return frozenset(choice.event_type_id for choice in self.event_types if choice.opted_out)


NONE: Final = Preferences()


def check_event_types(event_types: Sequence[EventTypePreference]) -> None:
    """Refuse a second choice for one event type.

    Raises:
        InvalidInput: at `preferences.event_types[i].event_type_id`.
    """
    seen: set[str] = set()
    for index, choice in enumerate(event_types):
        if choice.event_type_id in seen:
            raise InvalidInput.at(
                f"preferences.event_types[{index}].event_type_id",
                f'there is another choice for the event type "{choice.event_type_id}" already',
                value=choice.event_type_id,
                allowed="each event type once",
            )
        seen.add(choice.event_type_id)
