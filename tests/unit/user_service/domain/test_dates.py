"""Dates that the calendar has, and those it lacks."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from user_service.domain.dates import check_date


def exists(year: int, month: int, day: int) -> bool:
    """Return what the standard library thinks of a date."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def accepted(year: int | None, month: int, day: int) -> bool:
    """Return whether `check_date` lets a date pass."""
    try:
        check_date(year, month, day, field="date")
    except InvalidInput:
        return False
    return True


@given(st.integers(-3, 10_003), st.integers(-1, 14), st.integers(-1, 33))
def test_a_date_is_accepted_exactly_when_it_exists(year: int, month: int, day: int) -> None:
    """With a year the proleptic Gregorian calendar of years 1 to 9999 decides."""
    assert accepted(year, month, day) == exists(year, month, day)


@given(st.integers(-1, 14), st.integers(-1, 33))
def test_without_a_year_a_date_of_a_leap_year_is_accepted(month: int, day: int) -> None:
    """A day that exists in any year exists without one."""
    assert accepted(None, month, day) == exists(2000, month, day)


@pytest.mark.parametrize(
    ("year", "month", "day", "sentence"),
    [
        (2027, 2, 29, "date: there is no 29 February 2027 (allowed: day 1 to 28)"),
        (None, 2, 30, "date: there is no 30 February (allowed: day 1 to 29)"),
        (1900, 2, 29, "date: there is no 29 February 1900 (allowed: day 1 to 28)"),
        (2000, 0, 1, "date: there is no month 0 (allowed: 1 to 12)"),
        (10_000, 1, 1, "date: there is no year 10000 (allowed: 1 to 9999, or 0 for an unknown year)"),
    ],
)
def test_a_refusal_names_the_date_and_what_is_allowed(
    year: int | None, month: int, day: int, sentence: str
) -> None:
    """The sentence can be shown to whoever typed the date."""
    with pytest.raises(InvalidInput) as refused:
        check_date(year, month, day, field="date")
    assert refused.value.message == sentence
    assert refused.value.reason == "NO_SUCH_DATE"
