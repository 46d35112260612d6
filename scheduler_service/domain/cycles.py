"""Cycles: the turns of a yearly rule. A cycle is named by the year of its nominal anniversary.

The nominal anniversary comes before leap rule, offset and shifts, so whatever moves a message, the
cycle's name stays and with it the event's id.
"""

import calendar
from typing import Final, assert_never

from whenever import Date

from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.occasions import LeapDayRule, Occasion

FIRST_YEAR: Final = 3
LAST_YEAR: Final = 9996
"""The cycles that exist: an offset of 366 days and a zone's offset still fit into the calendar."""


def cycle_of(year: int) -> str:
    """Return the cycle's text: four digits, so that the order of texts is the order of years."""
    return f"{year:04d}"


def occurrence(occasion: Occasion, year: int, leap_rule: LeapDayRule) -> Date | None:
    """Return the date of the anniversary in `year`, after the leap rule; None when there is none.

    There is none before and in the occasion's own year (the zeroth), for 29 February under OMIT in a year
    without it, and outside the years 3 to 9996. It is derived from the original date each year: no drift.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if occasion.year is not None and year <= occasion.year:
        return None
    if not is_leap_shifted(occasion, year):
        return Date(year, occasion.month, occasion.day)
    match leap_rule:
        case LeapDayRule.BACKWARD:
            return Date(year, 2, 28)
        case LeapDayRule.FORWARD:
            return Date(year, 3, 1)
        case LeapDayRule.OMIT:
            return None
        case _:
            assert_never(leap_rule)


def occurrence_date(
    occasion: Occasion, event_type: EventType, year: int, leap_rule: LeapDayRule
) -> Date | None:
    """Return the nominal local date of the event: the anniversary plus the rule's `day_offset`."""
    anniversary = occurrence(occasion, year, leap_rule)
    if anniversary is None or event_type.day_offset == 0:
        return anniversary
    return anniversary.add(days=event_type.day_offset)


def is_leap_shifted(occasion: Occasion, year: int) -> bool:
    """True when the occasion is 29 February and `year` has none (2100 has none)."""
    return occasion.is_leap_day and not calendar.isleap(year)


def turns(occasion: Occasion, cycle: str) -> int | None:
    """Return how many years the occasion is old in this cycle; None when its year is unknown."""
    return None if occasion.year is None else int(cycle) - occasion.year
