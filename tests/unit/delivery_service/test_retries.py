"""Backoff with full jitter, within deliver_by."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from delivery_service.domain.retries import LAST_CHANCE, LONGEST_RETRY_AFTER, Backoff, next_delay

NOW = Instant("2027-02-28T08:00:00Z")
DRAWS = st.floats(0, 1, exclude_max=True)
ATTEMPTS = st.integers(1, 10_000)


@given(ATTEMPTS, DRAWS)
def test_a_delay_is_below_its_ceiling_and_the_ceiling_below_the_longest(attempts: int, draw: float) -> None:
    """Full jitter: anything from nothing up to the ceiling; the ceiling never falls and is bounded."""
    backoff = Backoff()
    assert (
        timedelta(0)
        <= backoff.delay(attempts, draw, latest=timedelta.max)
        <= backoff.ceiling(attempts)
        <= backoff.longest
    )
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
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    if delay is None:
        assert (asked + LAST_CHANCE).total_seconds() * speed > left.total_seconds() - 1e-6
    else:
        assert delay.total_seconds() * speed <= left.total_seconds() + 1e-6
        assert delay >= asked


def test_a_drawn_wait_beyond_deliver_by_does_not_give_up_early() -> None:
    """With minutes left there is another attempt within them, spread by what was drawn."""
    delay = next_delay(
        Backoff(),
        9,
        draw=0.9,
        retry_after=timedelta(seconds=30),
        now=NOW,
        deliver_by=NOW.add(seconds=111),
        speed=1,
    )
    assert delay == (timedelta(seconds=111) - LAST_CHANCE) * 0.9


def test_what_nobody_could_still_receive_is_not_tried() -> None:
    """With less left than `LAST_CHANCE` there is no other attempt, even when nothing was drawn."""
    for draw in (0.0, 0.9):
        left = NOW.add(seconds=LAST_CHANCE.total_seconds() * 0.9)
        delay = next_delay(
            Backoff(), 1, draw=draw, retry_after=timedelta(0), now=NOW, deliver_by=left, speed=1
        )
        assert delay is None
