"""Rates in whole numbers."""

from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.rates import SLICE_SECONDS, pause_after, slice_of, window

RATES = st.floats(0.01, 100_000)


@given(RATES)
def test_a_window_is_never_above_its_rate_and_hardly_below(rate: float) -> None:
    """At most `rate` on average; at least 90 % of it, from one in ten seconds on."""
    amount, seconds = window(rate)
    assert amount >= 1
    assert amount / seconds <= rate * (1 + 1e-9)
    assert amount / seconds >= rate * (0.9 if rate >= 0.1 else 0.5)
    assert seconds <= 10 or rate < 0.1


def test_windows_of_everyday_rates() -> None:
    """Whole rates are per second, halves per two seconds, one in a minute is one in a minute."""
    assert [tuple(window(rate)) for rate in (1, 50, 2.5, 0.5, 1 / 60)] == [
        (1, 1),
        (50, 1),
        (5, 2),
        (1, 2),
        (1, 60),
    ]


@given(RATES, RATES)
def test_a_replica_alone_never_exceeds_the_rate(rate: float, other: float) -> None:
    """What it asks for at once and the pause after it make the rate, and no more than ten askings a second."""
    cost = min(slice_of(rate), slice_of(other))
    pause = pause_after(cost, rate)
    assert cost / pause <= rate * (1 + 1e-9)
    assert pause >= SLICE_SECONDS


@given(RATES)
def test_a_replica_with_enough_to_send_uses_its_whole_rate(rate: float) -> None:
    """A full slice and the pause after it make the rate; a slice is never more than its window."""
    cost = slice_of(rate)
    assert cost / pause_after(cost, rate) >= rate * (1 - 1e-9)
    assert cost <= window(rate).amount
