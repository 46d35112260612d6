"""Dates and rules that are refused, with sentences that say what is allowed."""

from datetime import timedelta

import pytest
from whenever import Time

from chassis.errors import InvalidInput
from scheduler_service.domain.event_types import check_timing
from scheduler_service.domain.occasions import check_date
from tests.unit.scheduler_service.domain.domain_examples import NINE

REFUSED = [
    (None, 2, 30, "date: there is no 30 February (allowed: day 1 to 29)"),
    (2027, 2, 29, "date: there is no 29 February 2027 (allowed: day 1 to 28)"),
    (2100, 2, 29, "date: there is no 29 February 2100 (allowed: day 1 to 28)"),
    (1990, 4, 31, "date: there is no 31 April 1990 (allowed: day 1 to 30)"),
    (1990, 1, 0, "date: there is no 0 January 1990 (allowed: day 1 to 31)"),
    (1990, 13, 1, "date: there is no month 13 (allowed: 1 to 12)"),
    (None, 0, 1, "date: there is no month 0 (allowed: 1 to 12)"),
    (0, 1, 1, "date: there is no year 0 (allowed: 1 to 9999, or no year)"),
    (10_000, 1, 1, "date: there is no year 10000 (allowed: 1 to 9999, or no year)"),
]


@pytest.mark.parametrize(("year", "month", "day", "sentence"), REFUSED)
def test_date_that_does_not_exist_is_refused_with_what_is_allowed(
    year: int | None, month: int, day: int, sentence: str
) -> None:
    """The error names the date and what that month has."""
    with pytest.raises(InvalidInput) as refused:
        check_date(year, month, day)
    assert str(refused.value) == sentence
    assert refused.value.reason == "NO_SUCH_DATE"


@pytest.mark.parametrize(
    ("year", "month", "day"), [(None, 2, 29), (2028, 2, 29), (1, 1, 1), (9999, 12, 31), (1847, 2, 28)]
)
def test_date_that_exists_is_accepted(year: int | None, month: int, day: int) -> None:
    """29 February needs a leap year or none; any year from 1 to 9999 will do."""
    check_date(year, month, day, field="users[0].occasions[1].date")


def test_error_names_the_field_it_was_given() -> None:
    """The caller's field path is part of the sentence."""
    with pytest.raises(InvalidInput, match=r"users\[0\]\.occasions\[1\]\.date: there is no 30 February"):
        check_date(None, 2, 30, field="users[0].occasions[1].date")


@pytest.mark.parametrize("day_offset", [367, -367])
def test_offset_of_more_than_a_year_is_refused(day_offset: int) -> None:
    """A rule fires at most 366 days from its occasion."""
    with pytest.raises(InvalidInput, match=rf"day_offset: {day_offset} days is too far .*-366 to 366 days"):
        check_timing(local_time=NINE, day_offset=day_offset, deliver_within=None)


@pytest.mark.parametrize("window", [timedelta(0), timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_window_that_never_or_always_delivers_is_refused(window: timedelta) -> None:
    """A delivery window is longer than nothing and at most 30 days."""
    with pytest.raises(InvalidInput, match=r"deliver_within: .* is not a delivery window"):
        check_timing(local_time=NINE, day_offset=0, deliver_within=window)


@pytest.mark.parametrize("window", [None, timedelta(seconds=1), timedelta(days=30)])
def test_ordinary_timing_is_accepted(window: timedelta | None) -> None:
    """The borders themselves are allowed."""
    check_timing(local_time=NINE, day_offset=-366, deliver_within=window)
    check_timing(local_time=NINE, day_offset=366, deliver_within=window)


def test_local_time_finer_than_a_second_is_refused() -> None:
    """Rules fire on whole seconds."""
    with pytest.raises(InvalidInput, match=r"local_time: 09:00:00\.5 is too fine \(allowed: whole seconds\)"):
        check_timing(local_time=Time(9, nanosecond=500_000_000), day_offset=0, deliver_within=None)
