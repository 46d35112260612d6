"""Enrolment: since when an occasion is known, and under which policy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from chassis.errors import InvalidInput
from user_service.domain.occasions import (
    Enrolment,
    LeapDayRule,
    Occasion,
    OnEnrol,
    check_occasions,
    occasions_after,
)

THEN = Instant.from_utc(2027, 1, 1)
NOW = Instant.from_utc(2027, 5, 17, 12)
BIRTHDAY = Occasion("birthday", "birthday", 1990, 5, 17, None)
ENROLLED = Enrolment(BIRTHDAY, THEN, OnEnrol.NEXT)

OCCASIONS = st.builds(
    Occasion,
    occasion_id=st.sampled_from(["a", "b", "c", "d"]),
    kind=st.sampled_from(["birthday", "debut"]),
    year=st.none() | st.integers(1900, 2030),
    month=st.integers(1, 3),
    day=st.integers(1, 3),
    leap_day_rule=st.none() | st.sampled_from(LeapDayRule),
)
LISTS = st.lists(OCCASIONS, unique_by=lambda occasion: occasion.occasion_id)


def test_a_new_occasion_is_enrolled_now() -> None:
    """It gets the instant and the policy of the write."""
    after = occasions_after([], [BIRTHDAY], now=NOW, on_enrol=OnEnrol.SAME_DAY)
    assert after == (Enrolment(BIRTHDAY, NOW, OnEnrol.SAME_DAY),)


@pytest.mark.parametrize("change", [{"month": 6}, {"day": 18}])
def test_another_day_enrols_anew(change: dict[str, int]) -> None:
    """A changed month or day makes it an occasion that became known now."""
    moved = replace(BIRTHDAY, **change)
    after = occasions_after([ENROLLED], [moved], now=NOW, on_enrol=OnEnrol.SAME_DAY)
    assert after == (Enrolment(moved, NOW, OnEnrol.SAME_DAY),)


@pytest.mark.parametrize("change", [{"year": None}, {"year": 1991}, {"leap_day_rule": LeapDayRule.OMIT}])
def test_whatever_leaves_the_day_keeps_the_enrolment(change: dict[str, object]) -> None:
    """A corrected year or leap rule keeps instant and policy, and the new content is taken."""
    corrected = replace(BIRTHDAY, **change)
    after = occasions_after([ENROLLED], [corrected], now=NOW, on_enrol=OnEnrol.SAME_DAY)
    assert after == (Enrolment(corrected, THEN, OnEnrol.NEXT),)


def test_removed_and_added_again_is_new() -> None:
    """An occasion that was away is enrolled anew when it comes back."""
    away = occasions_after([ENROLLED], [], now=NOW, on_enrol=OnEnrol.NEXT)
    assert occasions_after(away, [BIRTHDAY], now=NOW, on_enrol=OnEnrol.NEXT)[0].enrol_time == NOW


@given(LISTS, LISTS, st.sampled_from(OnEnrol))
def test_writing_the_same_again_changes_nothing(
    old: list[Occasion], new: list[Occasion], policy: OnEnrol
) -> None:
    """The content is always that of the write, and a second equal write keeps every enrolment."""
    before = occasions_after([], old, now=THEN, on_enrol=OnEnrol.NEXT)
    after = occasions_after(before, new, now=NOW, on_enrol=policy)
    assert [enrolment.occasion for enrolment in after] == new
    later = NOW.add(hours=1)
    assert occasions_after(after, new, now=later, on_enrol=OnEnrol.SAME_DAY) == after


def test_an_id_stands_once() -> None:
    """The second occasion of an id is refused at its place."""
    with pytest.raises(InvalidInput) as refused:
        check_occasions([BIRTHDAY, replace(BIRTHDAY, occasion_id="x"), BIRTHDAY])
    assert refused.value.violations[0].field == "occasions[2].occasion_id"
