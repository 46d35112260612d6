"""Event types: the standing rules of a tenant. Which occasion, at what local time, with which words."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

from whenever import Instant, Time

from chassis.errors import InvalidInput

MAX_DAY_OFFSET: Final = 366
"""How many days before or after the occasion a rule may fire."""

MAX_DELIVER_WITHIN: Final = timedelta(days=30)
"""The longest delivery window: far below the 180 days that keep two cycles of one plan apart."""


class EventTypeState(StrEnum):
    """Whether the rule plans anything."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"


class Priority(IntEnum):
    """Who goes first when much is due at once; a higher number goes earlier."""

    LOW = 1
    NORMAL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Template:
    """The words of an event type in one locale (BCP 47; empty = for every locale)."""

    locale: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class EventType:
    """A standing rule: each occasion of `occasion_kind` fires at `local_time`, `day_offset` days from it.

    `version` rises with every edit, `timing_version` only with those that move due times; `enrol_time` is
    when the rule was created, last activated, or last given another kind of occasion. `deliver_within`
    counts from the nominal due time; None = until the end of that local day.
    """

    tenant_id: str
    event_type_id: str
    version: int
    timing_version: int
    state: EventTypeState
    occasion_kind: str
    local_time: Time
    day_offset: int
    deliver_within: timedelta | None
    enrol_time: Instant
    priority: Priority
    templates: tuple[Template, ...]
    attributes: tuple[str, ...]


def check_timing(*, local_time: Time, day_offset: int, deliver_within: timedelta | None) -> None:
    """Refuse a rule that could never deliver, would run into its own next cycle, or cannot be stored exactly.

    Raises:
        InvalidInput: `local_time` not in whole seconds, `day_offset` beyond 366 days, or `deliver_within`
            not in (0, 30 days].
    """
    if local_time.nanosecond:
        # The store keeps microseconds: a finer due time would look changed at every replan.
        raise InvalidInput.at(
            "local_time", f"{local_time} is too fine", value=f"{local_time}", allowed="whole seconds"
        )
    if abs(day_offset) > MAX_DAY_OFFSET:
        raise InvalidInput.at(
            "day_offset",
            f"{day_offset} days is too far from the occasion",
            value=f"{day_offset}",
            allowed=f"-{MAX_DAY_OFFSET} to {MAX_DAY_OFFSET} days",
        )
    if deliver_within is not None and not timedelta(0) < deliver_within <= MAX_DELIVER_WITHIN:
        raise InvalidInput.at(
            "deliver_within",
            f"{deliver_within.total_seconds():g} seconds is not a delivery window",
            value=f"{deliver_within.total_seconds():g}s",
            allowed=f"more than 0 and at most {MAX_DELIVER_WITHIN.days} days, or unset for the local day",
        )
