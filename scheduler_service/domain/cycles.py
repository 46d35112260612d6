"""Cycles: the turns of a rule. A cycle is named by the nominal anniversary: its year, month or date.

The nominal anniversary comes before leap rule, offset and shifts, so whatever moves a message, the
cycle's name stays and with it the event's id. The names of one rule sort as texts in the order of time.
"""

import calendar
import functools
from collections.abc import Iterator
from typing import Final, NamedTuple, assert_never

from whenever import Date

from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.occasions import FIRST_YEAR, LAST_YEAR, LeapDayRule, Occasion
from scheduler_service.domain.recurrences import recurrences

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "ONCE",
    "Turn",
    "cycle_of",
    "first_date_of",
    "turns",
    "turns_since",
]

ONCE: Final = "once"
"""The cycle of what has only one."""

_SEARCHED_YEARS: Final = 12  # 29 February with OMIT leaves 8 years between two cycles around 2100
_PHASE_YEAR: Final = 2000  # of a recurrence whose occasion has no year; it has a 29 February


class Turn(NamedTuple):
    """One cycle, the nominal date of its event, and whether the leap rule moved it."""

    cycle: str
    occurrence_date: Date
    is_leap_shifted: bool


@functools.cache
def cycle_of(year: int) -> str:
    """Return a year's cycle: four digits, so that the order of texts is the order of years."""
    return f"{year:04d}"


@functools.lru_cache(maxsize=1024)
def first_date_of(cycle: str) -> Date:
    """Return the first date of the year, month or day that a cycle names; of `once` the first of all."""
    if len(cycle) == 4 and cycle != ONCE:
        return Date(int(cycle), 1, 1)
    if cycle == ONCE:
        return Date.MIN
    if len(cycle) == 7:
        return Date(int(cycle[:4]), int(cycle[5:]), 1)
    return Date(int(cycle[:4]), int(cycle[4:6]), int(cycle[6:]))


def turns_since(
    occasion: Occasion,
    event_type: EventType,
    leap_rule: LeapDayRule,
    *,
    since: Date,
    after: str | None = None,
) -> Iterator[Turn]:
    """Yield the turns whose nominal year, month or date is not before that of `since`, later than `after`.

    In order, and bounded: a yearly rule gives up after 12 years, a monthly one after 12 years of months,
    an RRULE where `recurrences` does. Without a year ONCE has none; NONE never has any. Each is derived
    from the original date: no drift.
    """
    match event_type.recurrence:
        case Recurrence.YEARLY:
            first = since.year if after is None else max(since.year, int(after) + 1)
            return _yearly(occasion, event_type, leap_rule, first)
        case Recurrence.MONTHLY:
            begin = since if after is None else max(since, first_date_of(after).add(months=1))
            return _monthly(occasion, event_type, leap_rule, begin)
        case Recurrence.RRULE:
            begin = since if after is None else max(since, first_date_of(after).next_day())
            return _recurring(occasion, event_type, begin)
        case Recurrence.ONCE:
            return _once(occasion, event_type) if after is None else iter(())
        case Recurrence.NONE:
            return iter(())
        case _:
            assert_never(event_type.recurrence)


def turns(occasion: Occasion, cycle: str) -> int | None:
    """Return how many years the occasion is old in this cycle; None when its year is unknown or the cycle
    is not a year."""
    if occasion.year is None or len(cycle) != 4 or not cycle.isdigit():
        return None
    return int(cycle) - occasion.year


def _yearly(occasion: Occasion, event_type: EventType, leap_rule: LeapDayRule, first: int) -> Iterator[Turn]:
    if occasion.year is not None and first <= occasion.year:
        first = occasion.year + 1
    month, day, offset = occasion.month, occasion.day, event_type.day_offset
    leap_day = day == 29 and month == 2
    for year in range(max(first, FIRST_YEAR), min(first + _SEARCHED_YEARS, LAST_YEAR + 1)):
        shifted = leap_day and not calendar.isleap(year)
        on = _replaced(year, 2, leap_rule) if shifted else Date(year, month, day)
        if on is not None:
            yield Turn(cycle_of(year), on.add(days=offset) if offset else on, shifted)


def _monthly(
    occasion: Occasion, event_type: EventType, leap_rule: LeapDayRule, since: Date
) -> Iterator[Turn]:
    first = max(since.year, FIRST_YEAR) * 12 + since.month - 1
    if occasion.year is not None:
        first = max(first, occasion.year * 12 + occasion.month)
    for month in range(first, min(first + 12 * _SEARCHED_YEARS, 12 * (LAST_YEAR + 1))):
        year, month_of_year = month // 12, month % 12 + 1
        shifted = occasion.day > calendar.monthrange(year, month_of_year)[1]
        on = _replaced(year, month_of_year, leap_rule) if shifted else Date(year, month_of_year, occasion.day)
        if on is not None:
            yield Turn(f"{year:04d}-{month_of_year:02d}", _offset(on, event_type), shifted)


def _recurring(occasion: Occasion, event_type: EventType, since: Date) -> Iterator[Turn]:
    start = Date(occasion.year or _PHASE_YEAR, occasion.month, occasion.day)
    for on in recurrences(event_type.rrule, start, since=max(since, Date(FIRST_YEAR, 1, 1))):
        yield Turn(f"{on.year:04d}{on.month:02d}{on.day:02d}", _offset(on, event_type), False)


def _once(occasion: Occasion, event_type: EventType) -> Iterator[Turn]:
    if occasion.year is not None and FIRST_YEAR <= occasion.year <= LAST_YEAR:
        own = Date(occasion.year, occasion.month, occasion.day)
        yield Turn(ONCE, _offset(own, event_type), False)


def _replaced(year: int, month: int, leap_rule: LeapDayRule) -> Date | None:
    """Return where a day that the month lacks is kept."""
    match leap_rule:
        case LeapDayRule.BACKWARD:
            return Date(year, month, calendar.monthrange(year, month)[1])
        case LeapDayRule.FORWARD:
            return Date(year, month + 1, 1)  # December has 31 days: there is always a next month
        case LeapDayRule.OMIT:
            return None
        case _:
            assert_never(leap_rule)


def _offset(on: Date, event_type: EventType) -> Date:
    return on.add(days=event_type.day_offset) if event_type.day_offset else on
