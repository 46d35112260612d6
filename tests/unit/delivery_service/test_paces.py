"""Additive increase, multiplicative decrease."""

from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.paces import FIRST, Pace

MOSTS = st.integers(1, 1024)
# What happens to a lane: an answer with so many in flight, a bad answer to an attempt so old, another ceiling.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("succeeded"), st.integers(1, 1024)),
        st.tuples(st.just("slow"), st.integers(0, 50)),
        st.tuples(st.just("limit"), MOSTS),
    ),
    max_size=200,
)


@given(MOSTS, STEPS)
def test_a_window_is_never_below_one_or_above_its_ceiling(most: int, steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order; it grows by one at most, and falls to no less than half."""
    pace = Pace(most)
    for now, (what, value) in enumerate(steps):
        before = pace.window
        if what == "succeeded":
            pace.succeeded(value)
            assert before <= pace.window <= before + 1
        elif what == "slow":
            halved = pace.slow(began=now - value, now=now)
            assert pace.window == (max(1, before // 2) if halved else before)
        else:
            pace.limit(value)
            assert pace.window == min(before, value)
        assert 1 <= pace.window <= pace.most


@given(st.integers(2, 1024), st.integers(1, 60))
def test_one_round_trip_halves_once(most: int, answers: int) -> None:
    """All bad answers to what was under way at the first of them count as one."""
    pace = Pace(most)
    before = pace.window
    halved = [pace.slow(began=9.0, now=10.0 + n / 100) for n in range(answers)]
    assert halved == [True] + [False] * (answers - 1)
    assert pace.window == max(1, before // 2)


@given(MOSTS)
def test_a_new_endpoint_begins_small_and_doubles_with_each_window(most: int) -> None:
    """Each answer to a full window adds one: as many answers as the ceiling are enough to get there."""
    pace = Pace(most)
    assert pace.window == min(FIRST, most)
    for _ in range(most):
        pace.succeeded(pace.window)
    assert pace.window == most
    assert not pace.slowed


def test_after_a_slowdown_it_grows_by_one_per_window() -> None:
    """64 halves to 32; the next 32 answers add one, the next 33 another."""
    pace = Pace(64)
    for _ in range(64):
        pace.succeeded(pace.window)
    pace.slow(began=1.0, now=1.1)
    grown = []
    for _ in range(32 + 33):
        pace.succeeded(pace.window)
        grown.append(pace.window)
    assert (grown[30], grown[31], grown[63], grown[64]) == (32, 33, 33, 34)
    assert pace.slowed


@given(MOSTS, st.integers(1, 200))
def test_a_window_that_is_not_used_up_does_not_grow(most: int, answers: int) -> None:
    """An endpoint that never had more than one attempt in flight has not shown that it bears more."""
    pace = Pace(most)
    before = pace.window
    for _ in range(answers):
        pace.succeeded(before - 1)
    assert pace.window == before
