"""Slots and memory: a lot for one, little for each of many, always something for who has nothing."""

from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.shares import Shares

TOTALS = st.integers(1, 2000)


@given(TOTALS, st.lists(st.integers(0, 40), max_size=400))
def test_never_more_than_there_is(total: int, takers: list[int]) -> None:
    """Whoever takes in whatever order as long as it is not refused: the total holds."""
    shares = Shares(total)
    own: dict[int, int] = {}
    used = 0
    for taker in takers:
        if not shares.refuses(own.get(taker, 0), used):
            own[taker] = own.get(taker, 0) + 1
            used += 1
        assert used <= total


@given(TOTALS, st.integers(0, 2000), st.integers(0, 2000))
def test_whoever_has_one_may_have_another_only_while_as_much_is_free_for_the_others(
    total: int, own: int, used: int
) -> None:
    """Of the common three quarters nobody takes more than is left."""
    shares = Shares(total)
    if own and own <= used and not shares.refuses(own, used):
        assert own < shares.common - used + 1


@given(st.integers(40, 2000), st.integers(1, 64))
def test_a_hundred_that_never_give_back_leave_a_slot_to_the_next(total: int, limit: int) -> None:
    """100 endpoints that take what they get and hang fill three quarters at most, or one slot each."""
    shares = Shares(total)
    used = 0
    hanging = min(100, total // 4)
    for _ in range(hanging):
        own = 0
        while own < limit and not shares.refuses(own, used):
            own += 1
            used += 1
        assert own >= 1
    assert used <= shares.common + hanging
    if hanging < total // 4:
        assert not shares.refuses(0, used)


@given(TOTALS, st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 50))
def test_the_room_in_memory_fits(total: int, own: int, used: int, small: int) -> None:
    """What is promised at once is there, and who has little is promised something while anything is free."""
    room = Shares(total, small=small).room(own, used)
    assert 0 <= room <= max(0, total - used)
    if own < small and used < total:
        assert room >= 1
