"""What an explanation says: its fields, the rule, the preferences that count, the reasons, one sentence."""

import calendar
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from whenever import Date, Instant

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.explained_steps import Step, wall
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.recipients import Recipient, ZoneMode


class WhyNot(StrEnum):
    """Why a turn is not planned; the reasons of decisions say the rest."""

    BY_REQUEST_ONLY = "BY_REQUEST_ONLY"
    """The rule never turns by itself."""
    NO_YEAR = "NO_YEAR"
    """A rule of ONCE needs the occasion's year."""
    NO_TURN = "NO_TURN"
    """The rule is over, or never turns on or after that date."""
    ZEROTH = "ZEROTH"
    """The occasion itself, or before it: the zeroth anniversary never fires."""
    LEAP_DAY_OMITTED = "LEAP_DAY_OMITTED"
    """The year or month lacks the day, and the leap day rule is OMIT."""
    ENROLLED_AFTER = "ENROLLED_AFTER"
    """It was due before the person or the rule was enrolled."""
    ALREADY_DECIDED = "ALREADY_DECIDED"
    """This cycle, or a later one, was decided before; it comes once."""


REASONS: Final = {
    Reason.MISSED: "nobody decided it in time",
    Reason.MISSED_BY_MOVE: "a change put it too far into the past",
    Reason.TOO_CLOSE: "it is too close to the last one that was sent",
    Reason.PAUSED: "the rule is paused",
    Reason.USER_DELETED: "the person is gone",
    Reason.OCCASION_REMOVED: "the person has no such occasion of the rule's kind",
    Reason.OPTED_OUT: "the person opted out of it",
    Reason.QUIET_HOURS: "the person's quiet hours last until it is no longer worth sending",
    Reason.CARE_SWITCH: "the care switch is set: never again",
    Reason.EVENT_TYPE_DELETED: "the rule is deleted",
    Reason.SKIPPED: "somebody skipped it by hand",
    Reason.CANCELLED: "somebody cancelled it",
    Reason.HELD_BACK: "it fell due before a restore, and an operator held it back",
    Reason.POISON: "rendering it ended the process more than once",
    Reason.RENDER: "its words could not be rendered for this person",
    Reason.TOO_LARGE: "its body is larger than a webhook may be",
}
"""What each reason means, as the end of a sentence."""
_WHY_NOT: Final = {
    WhyNot.BY_REQUEST_ONLY: "its events are made through the API",
    WhyNot.NO_YEAR: "the occasion has no year, and a rule that turns once needs one",
    WhyNot.NO_TURN: "the rule has no turn there",
    WhyNot.ZEROTH: "it is not after the occasion itself",
    WhyNot.LEAP_DAY_OMITTED: "it lacks the day, and the leap day rule is OMIT",
    WhyNot.ENROLLED_AFTER: "it was due before the person or the rule was enrolled",
    WhyNot.ALREADY_DECIDED: "this cycle was decided before, and it comes once",
}


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A cycle on the way to the explained one that does not exist, and why."""

    cycle: str
    why: WhyNot
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a turn leaves at its moment, or does not.

    `cycle`, dates and times are None when there is no such turn. `reason` None means that it leaves;
    otherwise it is what its decision says (at its due time, or now if that is past), or why it is not
    planned. `steps` lead from the nominal date to `due_time`, in order.
    """

    event_type_id: str
    event_type_version: int
    occasion_id: str
    rule: str
    time_zone: str
    tzdata_version: str
    sentence: str = ""
    cycle: str | None = None
    occurrence_date: Date | None = None
    utc_offset_seconds: int | None = None
    nominal_due_time: Instant | None = None
    due_time: Instant | None = None
    deliver_by: Instant | None = None
    reason: Reason | WhyNot | None = None
    steps: tuple[Step, ...] = ()
    preferences: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def rule_in_words(event_type: EventType) -> str:
    """Return the rule in English, e.g. `yearly, 3 days before the birthday, at 09:00`."""
    at = f"{event_type.local_time}".removesuffix(":00")
    how = {
        Recurrence.YEARLY: "yearly",
        Recurrence.MONTHLY: "monthly",
        Recurrence.ONCE: "once",
        Recurrence.RRULE: event_type.rrule,
        Recurrence.NONE: "by request",
    }[event_type.recurrence]
    if event_type.recurrence is Recurrence.NONE:
        return how
    offset = event_type.day_offset
    days = f"{abs(offset)} day{'s' if abs(offset) > 1 else ''} {'after' if offset > 0 else 'before'}"
    return f"{how}, {days if offset else 'on'} the {event_type.occasion_kind}, at {at}"


def preferences_in_words(recipient: Recipient, event_type: EventType) -> tuple[str, ...]:
    """Return what this person said that counts for the rule."""
    said, name = recipient.preferences, event_type.event_type_id
    words: list[str] = []
    if name in said.local_times:
        words.append(f"own local time {f'{said.local_times[name]}'.removesuffix(':00')}")
    if said.quiet_hours is not None:
        start, end = (f"{at}".removesuffix(":00") for at in (said.quiet_hours.start, said.quiet_hours.end))
        words.append(f"quiet hours {start} to {end}")
    if said.zone_mode is ZoneMode.FOLLOW:
        words.append(f"follows the person, now in {said.current_time_zone or 'an unknown zone'}")
    if name in said.opted_out:
        words.append("opted out")
    if name in said.inbox_only:
        words.append("to the inbox only")
    return tuple(words)


def day_in_words(occasion: Occasion, *, monthly: bool) -> str:
    """Return `29 February`, or `day 31` for a monthly rule."""
    return f"day {occasion.day}" if monthly else f"{occasion.day} {calendar.month_name[occasion.month]}"


def worded(found: Explanation) -> Explanation:
    """Return the explanation with its sentence."""
    why = _words_of(found.reason)
    if found.due_time is None or found.deliver_by is None:
        said = f'"{found.event_type_id}" has nothing due: {why}.'
    else:
        when = f"{wall(found.due_time, found.time_zone)} in {found.time_zone} ({found.due_time})"
        said = f'Cycle {found.cycle} of "{found.event_type_id}" ({found.rule})'
        if why:
            said += f" would be due at {when}, but {why}."
        else:
            said += f" is due at {when} and can be delivered until {found.deliver_by}."
    more = [*(step.text for step in found.steps), *(passed.text for passed in found.passed_over)]
    return replace(found, sentence=" ".join([said, *(f"{text[0].upper()}{text[1:]}." for text in more)]))


def _words_of(reason: Reason | WhyNot | None) -> str:
    if isinstance(reason, WhyNot):
        return _WHY_NOT[reason]
    return "" if reason is None else REASONS[reason]
