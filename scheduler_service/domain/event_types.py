"""Event types: the standing rules of a tenant. Which occasion, at what local time, with which words."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

from whenever import Instant, Time

from chassis.errors import InvalidInput
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.recurrences import check_rrule

MAX_DAY_OFFSET: Final = 366
"""How many days before or after the occasion a rule may fire."""

MAX_DELIVER_WITHIN: Final = timedelta(days=30)
"""The longest delivery window: far below the 180 days that keep two cycles of one plan apart."""

MAX_SPREAD: Final = timedelta(hours=6)
"""The longest span over which the people of a rule are spread."""

MAX_MIN_GAP: Final = timedelta(days=360)
"""The widest gap that a rule may demand: below the length of a year, or it would lose every second cycle."""


class EventTypeState(StrEnum):
    """Whether the rule plans anything."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    DELETED = "DELETED"
    """Softly: creating it again revives it, with all it remembers."""


class Recurrence(StrEnum):
    """How often a rule turns, and how its cycles are named. Fixed for the life of an event type."""

    YEARLY = "YEARLY"
    """On month and day of the occasion, from the year after its own; cycle `2027`."""
    MONTHLY = "MONTHLY"
    """On the day of the occasion, from the month after its own; cycle `2027-03`."""
    ONCE = "ONCE"
    """On the occasion's own date, which needs a year; cycle `once`."""
    RRULE = "RRULE"
    """By an RFC 5545 rule of DAILY or slower that starts at the occasion's date; cycle `20270304`."""
    NONE = "NONE"
    """Never by itself: its events are made through the API; cycle `once`."""


class GapPolicy(StrEnum):
    """What becomes of a local time that a date skips (clocks go forward over it)."""

    FORWARD = "FORWARD"
    """Later by the length of the gap: 02:30 in a gap from 02:00 to 03:00 is 03:30."""
    END = "END"
    """The first instant after the gap: 03:00."""
    BACKWARD = "BACKWARD"
    """Earlier by the length of the gap: 01:30."""


class FoldPolicy(StrEnum):
    """Which of two equal local times is meant (clocks go back over it)."""

    FIRST = "FIRST"
    SECOND = "SECOND"


class SkippedDatePolicy(StrEnum):
    """What becomes of a local date that a zone never had (Apia, 30 December 2011)."""

    NEXT = "NEXT"
    PREVIOUS = "PREVIOUS"


class LatePolicy(StrEnum):
    """What becomes of a message that could not leave within a minute of its due time."""

    SEND = "SEND"
    """It leaves until `deliver_by`, marked late, in its belated words if there are any."""
    EXPIRE = "EXPIRE"
    """It ends as EXPIRED(MISSED)."""


class WeekendShift(StrEnum):
    """Where a message goes whose day is a Saturday, a Sunday or a holiday of the tenant."""

    NONE = "NONE"
    BEFORE = "BEFORE"
    """To the nearest working day before."""
    AFTER = "AFTER"
    """To the nearest working day after."""


class Priority(IntEnum):
    """Who goes first when much is due at once; a higher number goes earlier."""

    LOW = 1
    NORMAL = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Template:
    """The words of an event type in one locale (BCP 47; empty = for every locale).

    The belated ones, if not empty, are taken when the message is late.
    """

    locale: str
    title: str
    body: str
    belated_title: str = ""
    belated_body: str = ""


@dataclass(frozen=True, slots=True)
class EventType:
    """A standing rule: each occasion of `occasion_kind` fires at `local_time`, `day_offset` days from it.

    `version` rises with every edit, `timing_version` only with those that move due times; `enrol_time` is
    when the rule was created, last activated, or last given another kind of occasion. `deliver_within`
    counts from the due time (with the person's slot, before quiet hours); None = until the end of that
    local day. `on_enrol` None = the occasion's own; `min_gap` None = the recurrence's; within `spread`
    after the nominal due time each person has a slot of their own that never changes.
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
    recurrence: Recurrence = Recurrence.YEARLY
    rrule: str = ""
    gap: GapPolicy = GapPolicy.FORWARD
    fold: FoldPolicy = FoldPolicy.FIRST
    skipped_date: SkippedDatePolicy = SkippedDatePolicy.NEXT
    late: LatePolicy = LatePolicy.SEND
    on_enrol: OnEnrol | None = None
    weekend_shift: WeekendShift = WeekendShift.NONE
    min_gap: timedelta | None = None
    spread: timedelta = timedelta(0)


def check_timing(
    *,
    local_time: Time,
    day_offset: int,
    deliver_within: timedelta | None,
    recurrence: Recurrence = Recurrence.YEARLY,
    rrule: str = "",
    occasion_kind: str | None = None,
    spread: timedelta = timedelta(0),
    min_gap: timedelta | None = None,
) -> None:
    """Refuse a rule that could never deliver, would run into its own next cycle, or cannot be stored exactly.

    `occasion_kind` None means that it is looked at elsewhere.

    Raises:
        InvalidInput: `local_time` not in whole seconds, `day_offset` beyond 366 days, `deliver_within`
            not in (0, 30 days], `spread` not in [0, 6 hours] or not shorter than `deliver_within`,
            `min_gap` not whole days in [0, 360], `rrule` missing, superfluous or one that `check_rrule`
            refuses, `occasion_kind` missing or superfluous.
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
    _check_spans(deliver_within, spread, min_gap)
    _check_recurrence(recurrence, rrule, occasion_kind)


def _check_spans(deliver_within: timedelta | None, spread: timedelta, min_gap: timedelta | None) -> None:
    if deliver_within is not None and not timedelta(0) < deliver_within <= MAX_DELIVER_WITHIN:
        raise InvalidInput.at(
            "deliver_within",
            f"{deliver_within.total_seconds():g} seconds is not a delivery window",
            value=f"{deliver_within.total_seconds():g}s",
            allowed=f"more than 0 and at most {MAX_DELIVER_WITHIN.days} days, or unset for the local day",
        )
    if not timedelta(0) <= spread <= MAX_SPREAD or spread.microseconds % 1000:
        raise _not_a_span("spread", spread, "0 to 6 hours, in milliseconds")
    if deliver_within is not None and spread >= deliver_within:
        raise _not_a_span(
            "spread", spread, f"shorter than deliver_within, {deliver_within.total_seconds():g}s"
        )
    if min_gap is not None and (not timedelta(0) <= min_gap <= MAX_MIN_GAP or min_gap % timedelta(days=1)):
        raise _not_a_span(
            "min_gap", min_gap, f"0 to {MAX_MIN_GAP.days} whole days, or unset for the recurrence's"
        )


def _check_recurrence(recurrence: Recurrence, rrule: str, occasion_kind: str | None) -> None:
    if recurrence is Recurrence.RRULE:
        check_rrule(rrule)
    elif rrule:
        raise InvalidInput.at(
            "rrule", f"a rule that is {recurrence} has none", value=rrule[:64], allowed="with RRULE only"
        )
    if occasion_kind == "" and recurrence is not Recurrence.NONE:
        raise InvalidInput.at(
            "occasion_kind",
            f"a rule that is {recurrence} needs a kind of occasion",
            allowed="a kind such as birthday; none with recurrence NONE only",
        )
    if occasion_kind and recurrence is Recurrence.NONE:
        raise InvalidInput.at(
            "occasion_kind", "a rule that is NONE has none", value=occasion_kind, allowed="empty"
        )


def _not_a_span(field: str, span: timedelta, allowed: str) -> InvalidInput:
    seconds = f"{span.total_seconds():g}"
    return InvalidInput.at(
        field, f"{seconds} seconds is not a {field.replace('_', ' ')}", value=f"{seconds}s", allowed=allowed
    )
