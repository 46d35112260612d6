"""Moments: the one instant at which a local date and time are reached in a zone.

Zones are names that `chassis.zones.require_known` accepted; another one raises
`whenever.TimeZoneNotFoundError`. Source: RFC 5545 section 3.3.5, docs/adr/0004-time-rules.md.
"""

import functools
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from whenever import Date, Instant, Time, ZonedDateTime

_END_OF_DAY: Final = Time.MAX


class Shift(StrEnum):
    """Why an event is not at the wall time or on the date its rule names."""

    GAP = "GAP"
    """The local time did not exist: moved forward by the length of the gap."""
    FOLD = "FOLD"
    """The local time happened twice: the first one."""
    SKIPPED_DATE = "SKIPPED_DATE"
    """The whole local date did not exist: the next existing date, same wall time."""
    LEAP_DAY = "LEAP_DAY"
    """29 February in a year without: moved by the leap day rule."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant and what it looks like where the person lives; `local_date` is the real one."""

    time: Instant
    local_date: Date
    utc_offset_seconds: int
    shifts: tuple[Shift, ...]


@functools.lru_cache(maxsize=1024)
def _keep_warm(zone: str) -> ZonedDateTime:
    """Hold the zone's data: whenever keeps only a few zones nobody refers to, reloading one costs 13 us."""
    return Instant.from_utc(2000, 1, 1).to_tz(zone)


# 366 dates in the ninety zones that most people live in; 400 bytes each.
@functools.lru_cache(maxsize=32_768)
def due_moment(on: Date, at: Time, zone: str) -> Moment:
    """Return the one moment at which `on at` is reached in `zone`; every date has exactly one.

    A skipped local time moves forward by the length of the gap (the offset before it), even across
    midnight; of a repeated one the first is taken; a skipped date gives the next existing date.
    """
    _keep_warm(zone)
    if _is_skipped(on, zone):
        moment = due_moment(on.next_day(), at, zone)
        return Moment(
            moment.time, moment.local_date, moment.utc_offset_seconds, (*moment.shifts, Shift.SKIPPED_DATE)
        )
    wanted = on.at(at)
    reached = wanted.assume_tz(zone, disambiguation="compatible")
    shifts: tuple[Shift, ...] = ()
    if reached.to_plain() != wanted:
        shifts = (Shift.GAP,)
    elif reached.is_repeated():
        shifts = (Shift.FOLD,)
    return Moment(reached.to_instant(), reached.date(), _seconds(reached), shifts)


@functools.lru_cache(maxsize=32_768)
def end_of_local_day(local_date: Date, zone: str) -> Instant:
    """Return the instant at which the next existing local day begins in `zone`.

    Where clocks go back over midnight the day ends when midnight is reached the first time.
    """
    _keep_warm(zone)
    next_day = local_date.next_day().at(Time.MIDNIGHT).assume_tz(zone, disambiguation="compatible")
    # A gap that begins before midnight puts the first instant of the day at its end, e.g. 00:30.
    return next_day.start_of("day").to_instant()


def local_date_of(time: Instant, zone: str) -> Date:
    """Return the date on the wall in `zone` at `time`."""
    _keep_warm(zone)
    return time.to_tz(zone).date()


def utc_offset_seconds(time: Instant, zone: str) -> int:
    """Return how many seconds the wall in `zone` is ahead of UTC at `time`."""
    _keep_warm(zone)
    return _seconds(time.to_tz(zone))


def _seconds(there: ZonedDateTime) -> int:
    return int(there.offset.total("seconds"))


def _is_skipped(on: Date, zone: str) -> bool:
    """True when no instant of `on` exists: its last wall time is moved to another date and so is its first."""
    last = on.at(_END_OF_DAY).assume_tz(zone, disambiguation="compatible")
    if last.date() == on:
        return False
    return on.at(Time.MIDNIGHT).assume_tz(zone, disambiguation="compatible").date() != on
