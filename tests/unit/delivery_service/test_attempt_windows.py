"""The sliding window of attempts."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.attempt_windows import AttemptWindow
from delivery_service.domain.breakers import Counts

_SPAN = 30.0
_ATTEMPTS = st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=60)


@given(start=st.floats(0, 10_000), attempts=_ATTEMPTS, later=st.floats(0, 70))
def test_an_attempt_counts_for_at_least_nine_tenths_of_the_window_and_at_most_all_of_it(
    start: float, attempts: list[tuple[float, bool]], later: float
) -> None:
    """What is younger than 27 s of 30 s is counted, what is older than 30 s is not."""
    window = AttemptWindow(timedelta(seconds=_SPAN))
    at, made = start, []
    for gap, failed in attempts:
        at += gap / 10
        window.add(at, failed=failed)
        made.append((at, failed))
    now = at + later
    counts = window.counts(now)
    certainly = [failed for when, failed in made if now - when < _SPAN * 0.9 - 0.001]
    possibly = [failed for when, failed in made if now - when < _SPAN + 0.001]
    assert len(certainly) <= counts.attempts <= len(possibly)
    assert sum(certainly) <= counts.failures <= sum(possibly)


def test_a_cleared_window_counts_from_nothing() -> None:
    """After `clear` only what comes is counted."""
    window = AttemptWindow(timedelta(seconds=10))
    for at in range(8):
        window.add(100.0 + at, failed=True)
    window.clear()
    window.add(108.0, failed=False)
    assert window.counts(108.5) == Counts(1, 0)


def test_an_empty_window_has_no_failure_rate() -> None:
    """Without attempts the rate is 0, not an error."""
    assert AttemptWindow(timedelta(seconds=10)).counts(5.0).failure_rate == 0.0
