"""How long delivery remembers: the months its tables are parted in, and which dates are over. No I/O.

Remembering an id is what makes a message one: an event that is offered again while its id is known adds nothing.
So nothing is forgotten before its `deliver_by`; after it a forgotten event that is offered again is expired, not
sent. That is looked at row by row. The least number of days is about what is still asked for.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from delivery_service.domain.delivery_settings import SHORTEST_RETENTION_DAYS

DEFAULT_DAYS: Final = 400
"""A year and a month: what was sent last year can be read until this year's turn is over."""

MINIMUM_DAYS: Final = SHORTEST_RETENTION_DAYS
"""Longer than a date is balanced (35 days), than a stop is kept and than a delivery can be sent again (35 days)."""

MONTHS_AHEAD: Final = 14
"""A rule may send up to 366 days before its date; with the present month and one in reserve that is 14."""


class Month(NamedTuple):
    """One month of occurrence dates: one partition of messages, deliveries and attempts."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that a date is in."""
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def after(self) -> "Month":
        """The next month; of December 9999 one that is no date any more."""
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date.max if (self.year, self.month) == (9999, 12) else self.after.first - timedelta(days=1)


def months_wanted(today: date) -> list[Month]:
    """Return the months that should exist: the one before today's, today's, and the next 14, nearest first."""
    present = Month.of(today)
    before = Month.of(present.first - timedelta(days=1)) if present > (1, 1) else present
    found, month = [present], present
    for _ in range(MONTHS_AHEAD):
        month = month.after
        if month.year > date.max.year:
            break
        found.append(month)
    return [*found[:2], before, *found[2:]]


def days_kept(own: int, default: int) -> int:
    """Return for how many days a tenant's messages are kept; `own` is 0 without a decision of its own."""
    return max(MINIMUM_DAYS, own or default)


def over_before(today: date, days: int) -> date:
    """Return the first date that is not over: messages of every date before it need not be kept."""
    return today - timedelta(days=min(days, (today - date.min).days))


def is_over(
    month: Month, tenants: Iterable[str], kept: Mapping[str, int], *, default: int, today: date
) -> bool:
    """Return whether the whole month is over for each of these tenants, or for the default when there is none."""
    longest = max((days_kept(kept.get(tenant, 0), default) for tenant in tenants), default=default)
    return month.last < over_before(today, longest)
