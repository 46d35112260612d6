"""Which months there should be, and which are over for whom."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.retention import (
    DEFAULT_DAYS,
    MINIMUM_DAYS,
    Month,
    days_kept,
    is_over,
    months_wanted,
    over_before,
)


@pytest.mark.parametrize(
    ("today", "nearest", "farthest"),
    [
        (date(2027, 12, 31), [(2027, 12), (2028, 1), (2027, 11), (2028, 2)], (2029, 2)),
        (date(2028, 3, 1), [(2028, 3), (2028, 4), (2028, 2), (2028, 5)], (2029, 5)),
    ],
)
def test_fourteen_months_ahead_the_nearest_first(
    today: date, nearest: list[tuple[int, int]], farthest: tuple[int, int]
) -> None:
    """The present month, the next, the last, then the rest: what is needed soonest is made first."""
    found = months_wanted(today)
    assert [tuple(month) for month in found[:4]] == nearest
    assert tuple(found[-1]) == farthest
    assert len(found) == 16


@pytest.mark.parametrize("today", [date(1, 1, 1), date(9999, 12, 31)])
def test_the_ends_of_the_calendar(today: date) -> None:
    """A lapse may begin anywhere: no month beyond the years 1 to 9999 is wanted."""
    assert {month.year for month in months_wanted(today)} <= {1, 2, 9999}
    assert over_before(today, 10**7) == date.min
    assert Month(9999, 12).last == date.max


def test_a_tenants_own_days_count_but_never_too_few() -> None:
    """0 means the deployment's; what would forget an id that can still be sent is raised to the least."""
    assert days_kept(0, DEFAULT_DAYS) == DEFAULT_DAYS
    assert days_kept(90, DEFAULT_DAYS) == 90
    assert days_kept(1, DEFAULT_DAYS) == MINIMUM_DAYS
    assert MINIMUM_DAYS > 35 + 1  # a stop, a balance, a new round


@given(
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    st.dictionaries(st.sampled_from("abc"), st.integers(45, 3650)),
    st.dates(date(1990, 1, 1), date(2200, 1, 1)),
)
def test_a_month_is_over_when_its_last_day_is_for_everyone(
    day: date, kept: dict[str, int], today: date
) -> None:
    """Of any tenants: the one who keeps longest decides, and no date of the month is younger than his days."""
    month = Month.of(day)
    longest = max(kept.values(), default=DEFAULT_DAYS)
    assert is_over(month, kept, kept, default=DEFAULT_DAYS, today=today) == (
        month.last + timedelta(days=longest) < today
    )
