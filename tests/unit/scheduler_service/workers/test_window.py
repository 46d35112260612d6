"""The next seconds in memory: in due order, the newest version of each plan, only of held shards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from scheduler_service.workers.window import CAPACITY, Ready, Window
from tests.unit.scheduler_service.rendering.people import DEFAULTS, RULE, person, plan_of

NOW = Instant.from_utc(2028, 3, 2, 9)
PLAN = plan_of(person(), RULE)


def ready(n: int, *, due: int = 0, version: int = 1) -> Ready:
    """Return plan number `n`, due so many seconds from now."""
    plan = replace(
        PLAN, plan_id=bytes([n]) * 16, shard=n >> 2, due_time=NOW.add(seconds=due), version=version
    )
    return Ready(plan, plan, person(), RULE, DEFAULTS, f"evt_{n}", None, None)


def numbers(taken: list[Ready]) -> list[int]:
    """Return which plans these are."""
    return [one.plan.plan_id[0] for one in taken]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 20)), max_size=60))
def test_what_is_due_comes_once_in_order(puts: list[tuple[int, int]]) -> None:
    """However plans are put and replaced, each is taken once, under its last version, when it is due."""
    window = Window()
    last: dict[int, tuple[int, int]] = {}
    for version, (n, due) in enumerate(puts):
        window.put(ready(n, due=due, version=version))
        last[n] = due, version
    taken = window.take_due(NOW, size=100)
    assert sorted(numbers(taken)) == sorted(n for n, (due, _) in last.items() if due <= 0)
    assert [one.plan.due_time for one in taken] == sorted(
        one.plan.due_time for one in taken if one.plan.due_time
    )
    assert all(one.plan.version == last[one.plan.plan_id[0]][1] for one in taken)
    assert window.take_due(NOW, size=100) == []
    waiting = [due for due, _ in last.values() if due > 0]
    assert window.next_due() == (NOW.add(seconds=min(waiting)) if waiting else None)
    assert len(window) == len(waiting)


def test_no_more_than_asked() -> None:
    """The rest of what is due stays for the next batch."""
    window = Window()
    for n in range(5):
        window.put(ready(n, due=-n))
    assert numbers(window.take_due(NOW, size=2)) == [4, 3]
    assert len(window) == 3
    assert window.space == CAPACITY - 3


def test_plans_of_shards_that_were_given_back_are_dropped() -> None:
    """What another replica works on now is not decided here, and may come back later."""
    window = Window()
    for n in (0, 5, 9):
        window.put(ready(n))
    window.retain([0, 2])
    assert not window.holds(bytes([5]) * 16, 1)
    assert numbers(window.take_due(NOW, size=10)) == [0, 9]
    window.put(ready(5))
    assert numbers(window.take_due(NOW, size=10)) == [5]


@pytest.mark.parametrize("version", [1, 3])
def test_holds_is_about_one_version(version: int) -> None:
    """Another version of a plan has to be read again."""
    window = Window()
    window.put(ready(1, version=2))
    assert window.holds(bytes([1]) * 16, 2)
    assert not window.holds(bytes([1]) * 16, version)
