"""DESIGN 4: gaps, folds and skipped dates, each in a real zone."""

import pytest
from whenever import Instant, Time

from scheduler_service.domain.moments import (
    Shift,
    due_moment,
    end_of_local_day,
    local_date_of,
    utc_offset_seconds,
)
from tests.unit.scheduler_service.domain.domain_examples import at, date, local

GAPS = [
    ("Australia/Lord_Howe", "2027-10-03", Time(2, 15), "2027-10-03T02:45:00+11:00", "half an hour"),
    ("America/New_York", "2027-03-14", Time(2, 30), "2027-03-14T03:30:00-04:00", "the usual hour"),
    ("America/New_York", "2027-03-14", Time(2), "2027-03-14T03:00:00-04:00", "the first skipped second"),
    ("America/Sao_Paulo", "2018-11-04", Time(0), "2018-11-04T01:00:00-02:00", "midnight"),
    ("America/Havana", "2026-03-08", Time(0), "2026-03-08T01:00:00-04:00", "midnight"),
    ("Asia/Beirut", "2027-03-28", Time(0), "2027-03-28T01:00:00+03:00", "midnight"),
    ("Africa/Cairo", "2027-04-30", Time(0, 30), "2027-04-30T01:30:00+03:00", "after midnight"),
    ("America/Toronto", "1919-03-30", Time(23, 45), "1919-03-31T00:45:00-04:00", "across midnight"),
    ("Europe/Dublin", "2027-03-28", Time(1, 30), "2027-03-28T02:30:00+01:00", "negative DST ends"),
    ("Antarctica/Troll", "2027-03-28", Time(1, 30), "2027-03-28T03:30:00+02:00", "two hours"),
]


@pytest.mark.parametrize(("zone", "on", "wall", "expected", "why"), GAPS)
def test_skipped_local_time_moves_forward_by_the_gap(
    zone: str, on: str, wall: Time, expected: str, why: str
) -> None:
    """A local time that does not exist is reached after the gap, as far on as it lay in the gap."""
    moment = due_moment(date(on), wall, zone)
    assert local(moment.time, zone) == expected, why
    assert moment.shifts == (Shift.GAP,)
    assert moment.local_date == date(expected[:10])


FOLDS = [
    ("America/New_York", "2027-11-07", Time(1, 30), "2027-11-07T01:30:00-04:00"),
    ("Australia/Lord_Howe", "2027-04-04", Time(1, 45), "2027-04-04T01:45:00+11:00"),
    ("America/Havana", "2027-11-07", Time(0), "2027-11-07T00:00:00-04:00"),
    ("Europe/Dublin", "2027-10-31", Time(1, 30), "2027-10-31T01:30:00+01:00"),
    ("America/St_Johns", "2006-10-29", Time(0), "2006-10-29T00:00:00-02:30"),
]


@pytest.mark.parametrize(("zone", "on", "wall", "expected"), FOLDS)
def test_repeated_local_time_is_the_first(zone: str, on: str, wall: Time, expected: str) -> None:
    """Of a local time that happens twice only the first is due, and it is flagged."""
    moment = due_moment(date(on), wall, zone)
    assert local(moment.time, zone) == expected
    assert moment.shifts == (Shift.FOLD,)


SKIPPED = [
    ("Pacific/Apia", "2011-12-30", "2011-12-31T09:00:00+14:00"),
    ("Pacific/Fakaofo", "2011-12-30", "2011-12-31T09:00:00+13:00"),
    ("Pacific/Kiritimati", "1994-12-31", "1995-01-01T09:00:00+14:00"),
    ("Pacific/Kwajalein", "1993-08-21", "1993-08-22T09:00:00+12:00"),
    ("Asia/Manila", "1844-12-31", "1845-01-01T09:00:00+08:03:52"),
]


@pytest.mark.parametrize(("zone", "on", "expected"), SKIPPED)
def test_skipped_date_gives_the_next_existing_date_at_the_same_wall_time(
    zone: str, on: str, expected: str
) -> None:
    """A whole local date that never was is replaced by the next one that was, and flagged."""
    moment = due_moment(date(on), Time(9), zone)
    assert local(moment.time, zone) == expected
    assert moment.shifts == (Shift.SKIPPED_DATE,)
    assert moment.local_date == date(expected[:10])


def test_date_around_a_skipped_one_is_not_moved() -> None:
    """The dates before and after Samoa's missing Friday are where the calendar says."""
    assert (
        local(due_moment(date("2011-12-29"), Time(9), "Pacific/Apia").time, "Pacific/Apia")
        == "2011-12-29T09:00:00-10:00"
    )
    assert due_moment(date("2011-12-31"), Time(9), "Pacific/Apia").shifts == ()


ORDINARY = [
    ("Asia/Kathmandu", "2027-05-17", "2027-05-17T03:15:00Z", 20_700),
    ("Pacific/Kiritimati", "2027-05-17", "2027-05-16T19:00:00Z", 50_400),
    ("Pacific/Niue", "2027-05-17", "2027-05-17T20:00:00Z", -39_600),
    ("Europe/Dublin", "2027-01-17", "2027-01-17T09:00:00Z", 0),
    ("America/New_York", "1847-05-17", "1847-05-17T13:56:02Z", -17_762),
    ("Asia/Calcutta", "2027-05-17", "2027-05-17T03:30:00Z", 19_800),
]


@pytest.mark.parametrize(("zone", "on", "expected", "offset"), ORDINARY)
def test_ordinary_local_time_is_not_shifted(zone: str, on: str, expected: str, offset: int) -> None:
    """Quarter-hour zones, both ends of the date line, links and local mean time are plain arithmetic."""
    moment = due_moment(date(on), Time(9), zone)
    assert moment.time == at(expected)
    assert moment.utc_offset_seconds == offset == utc_offset_seconds(moment.time, zone)
    assert moment.shifts == ()
    assert local_date_of(moment.time, zone) == date(on)


ENDS = [
    ("Europe/Berlin", "2027-05-17", "2027-05-18T00:00:00+02:00", "an ordinary day"),
    ("America/Sao_Paulo", "2018-11-03", "2018-11-04T01:00:00-02:00", "the next day has no midnight"),
    ("America/Toronto", "1919-03-30", "1919-03-31T00:30:00-04:00", "the gap begins before midnight"),
    ("Pacific/Apia", "2011-12-29", "2011-12-31T00:00:00+14:00", "the next date does not exist"),
    ("America/Sao_Paulo", "2018-02-17", "2018-02-18T00:00:00-03:00", "its last hour happens twice"),
    ("America/Havana", "2027-11-06", "2027-11-07T00:00:00-04:00", "the next midnight happens twice"),
    ("America/St_Johns", "2006-10-28", "2006-10-29T00:00:00-02:30", "clocks go back over midnight"),
]


@pytest.mark.parametrize(("zone", "on", "expected", "why"), ENDS)
def test_local_day_ends_where_the_next_existing_one_begins(
    zone: str, on: str, expected: str, why: str
) -> None:
    """The end of a local day is the first instant of the next local day that exists."""
    assert local(end_of_local_day(date(on), zone), zone) == expected, why


def test_end_of_day_follows_the_real_local_day_of_a_gap_across_midnight() -> None:
    """A moment that a gap pushed into the next day ends with that day, not with the day it was meant for."""
    moment = due_moment(date("1919-03-30"), Time(23, 45), "America/Toronto")
    end: Instant = end_of_local_day(moment.local_date, "America/Toronto")
    assert local(end, "America/Toronto") == "1919-04-01T00:00:00-04:00"
