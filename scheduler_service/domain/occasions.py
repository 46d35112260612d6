"""Occasions: dated facts about a user. A month, a day, perhaps a year; never an instant."""

import calendar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from whenever import Instant

from chassis.errors import InvalidInput

MAX_YEAR: Final = 9999
FIRST_YEAR: Final = 3
LAST_YEAR: Final = 9996
"""The cycles that exist: an offset of 366 days and a zone's offset still fit into the calendar."""

_LEAP_YEAR: Final = 2000  # a date without year may be 29 February


class LeapDayRule(StrEnum):
    """Where 29 February is celebrated in a year that has none."""

    BACKWARD = "BACKWARD"
    """On 28 February."""
    FORWARD = "FORWARD"
    """On 1 March."""
    OMIT = "OMIT"
    """Nowhere: the cycle does not apply."""


class OnEnrol(StrEnum):
    """What happens to an occasion that is enrolled on its day, after the hour."""

    NEXT = "NEXT"
    """It waits for the next cycle."""
    SAME_DAY = "SAME_DAY"
    """It leaves at once, unless its `deliver_by` is over."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A dated fact about a user; `year` is None when unknown, `leap_day_rule` None means the tenant's.

    The date is one that `check_date` accepts. `enrol_time` is when this date became known; what was due
    before it is never sent.
    """

    occasion_id: str
    kind: str
    month: int
    day: int
    year: int | None
    leap_day_rule: LeapDayRule | None
    enrol_time: Instant
    on_enrol: OnEnrol


def check_date(year: int | None, month: int, day: int, *, field: str = "date") -> None:
    """Refuse a date that no calendar has; without a year 29 February is one.

    Raises:
        InvalidInput: reason NO_SUCH_DATE; the sentence names the date and what that month allows.
    """
    if year is not None and not 1 <= year <= MAX_YEAR:
        raise _no_such_date(field, f"{year}", f"there is no year {year}", f"1 to {MAX_YEAR}, or no year")
    if not 1 <= month <= 12:
        raise _no_such_date(field, f"{month}", f"there is no month {month}", "1 to 12")
    days = calendar.monthrange(_LEAP_YEAR if year is None else year, month)[1]
    if not 1 <= day <= days:
        named = calendar.month_name[month] + (f" {year}" if year is not None else "")
        raise _no_such_date(field, f"{day} {named}", f"there is no {day} {named}", f"day 1 to {days}")


def _no_such_date(field: str, value: str, why: str, allowed: str) -> InvalidInput:
    return InvalidInput.at(field, why, value=value, allowed=allowed, reason="NO_SUCH_DATE")
