"""Backoff with full jitter, within deliver_by."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from delivery_service.domain.retries import LONGEST_RETRY_AFTER, Backoff, next_delay

NOW = Instant("2027-02-28T08:00:00Z")
DRAWS = st.floats(0, 1, exclude_max=True)
ATTEMPTS = st.integers(1, 10_000)


@given(ATTEMPTS, DRAWS)
def test_a_delay_is_below_its_ceiling_and_the_ceiling_below_the_longest(attempts: int, draw: float) -> None:
    """Full jitter: anything from nothing up to the ceiling; the ceiling never falls and is bounded."""
    backoff = Backoff()
    assert timedelta(0) <= backoff.delay(attempts, draw) <= backoff.ceiling(attempts) <= backoff.longest
    assert backoff.ceiling(attempts) <= backoff.ceiling(attempts + 1)


def test_the_ceiling_doubles() -> None:
    """1, 2, 4 ... 2,048 seconds, then an hour."""
    backoff = Backoff()
    assert [backoff.ceiling(n).total_seconds() for n in (1, 2, 3, 12, 13)] == [1, 2, 4, 2048, 3600]


@given(
    ATTEMPTS,
    DRAWS,
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(days=-1), timedelta(days=31)),
    st.floats(0.001, 100_000),
)
def test_no_retry_is_planned_after_deliver_by(
    attempts: int, draw: float, retry_after: timedelta, left: timedelta, speed: float
) -> None:
    """now + delay * speed <= deliver_by holds for every planned retry; Retry-After is a lower bound."""
    delay = next_delay(
        Backoff(),
        attempts,
        draw=draw,
        retry_after=retry_after,
        now=NOW,
        deliver_by=NOW.add(seconds=left.total_seconds()),
        speed=speed,
    )
    if delay is None:
        wanted = max(Backoff().delay(attempts, draw), min(retry_after, LONGEST_RETRY_AFTER))
        assert wanted.total_seconds() * speed > left.total_seconds() - 1e-6
    else:
        assert delay.total_seconds() * speed <= left.total_seconds() + 1e-6
        assert delay >= min(retry_after, LONGEST_RETRY_AFTER)
