"""Business time: held until the anchor, then at its speed, in whole microseconds."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from chassis.clocks import BusinessClock, Lapse

START = Instant.from_utc(2028, 2, 27)


class Standing(BusinessClock):
    """A clock whose real instant is what the test says."""

    def __init__(self, lapse: Lapse | None, at: Instant) -> None:
        super().__init__(lapse)
        self.at = at

    def now(self) -> Instant:
        """Stand at `at` for one reading."""
        self._offset = self.at.timestamp(unit="nanosecond") - time.monotonic_ns()
        return super().now()


def test_without_a_lapse_business_time_is_real_time() -> None:
    """No setting: now is now."""
    before = Instant.now()
    clock = BusinessClock(Lapse.of(None, None, 1.0))
    assert abs((clock.now() - before).total("seconds")) < 1
    assert clock.speed == 1


def test_before_the_anchor_it_stands_still() -> None:
    """Until then business time is the start, and real seconds include the wait for the anchor."""
    anchor = Instant.now().add(seconds=1000)
    clock = BusinessClock(Lapse(START, anchor, 100.0))
    assert clock.now() == clock.now() == START
    assert clock.real_seconds_until(START.add(seconds=500)) == pytest.approx(1005, abs=0.5)
    assert clock.real_seconds_until(START) == pytest.approx(1000, abs=0.5)


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 86_400.0])
def test_after_the_anchor_it_runs_at_its_speed(speed: float) -> None:
    """Ten real seconds are ten times the speed, and the way back is the same."""
    anchor = Instant.from_utc(2026, 1, 1)
    clock = Standing(Lapse(START, anchor, speed), anchor.add(seconds=10))
    passed = (clock.now() - START).total("seconds")
    assert passed == pytest.approx(10 * speed, abs=0.01 * speed)
    assert clock.real_seconds_until(START.add(seconds=20 * speed)) == pytest.approx(10, abs=0.01)
    assert clock.real_seconds_until(START) < 0


@given(st.integers(0, 10**15), st.floats(0.001, 100_000))
def test_instants_are_whole_microseconds(nanos: int, speed: float) -> None:
    """What is stored equals what was computed: PostgreSQL keeps microseconds."""
    anchor = Instant.from_utc(2026, 1, 1)
    clock = Standing(Lapse(START, anchor, speed), anchor.add(nanoseconds=nanos))
    now = clock.now()
    assert now.timestamp(unit="nanosecond") % 1000 == 0
    assert Instant(now.to_stdlib()) == now


def test_a_lapse_without_anchor_begins_now() -> None:
    """An offset other than UTC is understood."""
    berlin = datetime(2028, 2, 27, 1, tzinfo=UTC).astimezone()
    lapse = Lapse.of(berlin, None, 2.0)
    assert lapse is not None
    assert lapse.start == Instant.from_utc(2028, 2, 27, 1)
    assert abs((lapse.anchor - Instant.now()).total("seconds")) < 1


def test_trust_ends_a_second_away() -> None:
    """A replica more than a second away from PostgreSQL is not to be trusted."""
    clock = BusinessClock()
    assert clock.trustworthy
    clock.skew_seconds = timedelta(seconds=1.001).total_seconds()
    assert not clock.trustworthy
