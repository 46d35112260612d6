"""Moments: the one instant at which a local date and time are reached in a zone.

Zones are names that `chassis.zones.require_known` accepted; another one raises
`whenever.TimeZoneNotFoundError`. Source: RFC 5545 section 3.3.5, docs/adr/0004-time-rules.md.
"""

import functools
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from whenever import Date, Instant, PlainDateTime, Time, ZonedDateTime

from scheduler_service.domain.event_types import FoldPolicy, GapPolicy, SkippedDatePolicy

_END_OF_DAY: Final = Time.MAX


class Shift(StrEnum):
    """Why an event is not at the wall time or on the date its rule names."""

    GAP = "GAP"
    """The local time did not exist: moved by the rule's gap policy."""
    FOLD = "FOLD"
    """The local time happened twice: one was taken by the rule's fold policy."""
    SKIPPED_DATE = "SKIPPED_DATE"
    """The whole local date did not exist: an existing date beside it, same wall time."""
    LEAP_DAY = "LEAP_DAY"
    """A day that the year or the month lacks: moved by the leap day rule."""
    WEEKEND = "WEEKEND"
    """A Saturday, a Sunday or a holiday of the tenant: moved to a working day."""
    SPREAD = "SPREAD"
    """Later by the person's own slot within the rule's spread."""
    QUIET_HOURS = "QUIET_HOURS"
    """Deferred to the end of the person's quiet hours."""
    OVERRIDE = "OVERRIDE"
    """At the instant that somebody chose by hand."""


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
def due_moment(
    on: Date,
    at: Time,
    zone: str,
    gap: GapPolicy = GapPolicy.FORWARD,
    fold: FoldPolicy = FoldPolicy.FIRST,
    skipped_date: SkippedDatePolicy = SkippedDatePolicy.NEXT,
) -> Moment:
    """Return the one moment at which `on at` is reached in `zone`; every date has exactly one.

    By default a skipped local time moves forward by the length of the gap (the offset before it), even
    across midnight; of a repeated one the first is taken; a skipped date gives the next existing date.
    """
    _keep_warm(zone)
    if _is_skipped(on, zone):
        moment = due_moment(_neighbour(on, skipped_date), at, zone, gap, fold, skipped_date)
        return Moment(
            moment.time, moment.local_date, moment.utc_offset_seconds, (*moment.shifts, Shift.SKIPPED_DATE)
        )
    wanted = on.at(at)
    reached = wanted.assume_tz(zone, disambiguation="compatible")
    shifts: tuple[Shift, ...] = ()
    if reached.to_plain() != wanted:
        reached, shifts = _out_of_gap(wanted, reached, zone, gap), (Shift.GAP,)
    elif reached.is_repeated():
        shifts = (Shift.FOLD,)
        if fold is FoldPolicy.SECOND:
            reached = wanted.assume_tz(zone, disambiguation="later")
    return Moment(reached.to_instant(), reached.date(), _seconds(reached), shifts)


def _neighbour(on: Date, policy: SkippedDatePolicy) -> Date:
    match policy:
        case SkippedDatePolicy.NEXT:
            return on.next_day()
        case SkippedDatePolicy.PREVIOUS:
            return on.prev_day()
        case _:
            assert_never(policy)


def _out_of_gap(wanted: PlainDateTime, forward: ZonedDateTime, zone: str, policy: GapPolicy) -> ZonedDateTime:
    """Return where a skipped wall time goes; `forward` is the answer of FORWARD."""
    match policy:
        case GapPolicy.FORWARD:
            return forward
        case GapPolicy.BACKWARD:
            return wanted.assume_tz(zone, disambiguation="earlier")
        case GapPolicy.END:
            before = wanted.assume_tz(zone, disambiguation="earlier")
            end = before.next_transition()
            assert end is not None, "a gap has an end"
            return end
        case _:
            assert_never(policy)


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
