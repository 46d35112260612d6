"""Between Python's values and protobuf's nothing is lost."""

from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Instant, Time

from chassis import wire
from chassis.errors import InvalidInput

instants = st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9 + 999_999_999).map(
    lambda nanos: Instant.from_timestamp(nanos, unit="nanosecond")
)


@given(instants)
def test_instants_come_back(instant: Instant) -> None:
    """To the nanosecond, before and after 1970."""
    assert wire.instant(wire.timestamp(instant)) == instant


@given(st.timedeltas(timedelta(days=-3000), timedelta(days=3000)))
def test_spans_come_back(span: timedelta) -> None:
    """To the microsecond, negative ones too."""
    assert wire.span(wire.duration(span)) == span


@pytest.mark.parametrize("seconds", [10**15, -(10**15), 253_402_300_800, -62_135_596_801, 2**63 - 1])
def test_instants_that_do_not_exist_are_refused_at_their_field(seconds: int) -> None:
    """A caller's number outside the years 1 to 9999 is the caller's mistake."""
    with pytest.raises(InvalidInput) as refused:
        wire.instant(Timestamp(seconds=seconds), field="due_after")
    assert refused.value.violations[0].field == "due_after"


def test_dates_and_times() -> None:
    """No date is the empty date."""
    assert wire.date(None) == wire.date(None).__class__()
    day = wire.date(Date(2028, 2, 29))
    assert (day.year, day.month, day.day) == (2028, 2, 29)
    at = wire.time_of_day(Time(23, 59, 58))
    assert (at.hours, at.minutes, at.seconds) == (23, 59, 58)
