"""The next seconds in memory: in due order, the newest version of each plan, only of held shards."""

from collections import Counter
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


def ready_of(tenant: str, n: int, *, due: int = 0, late: bool = False) -> Ready:
    """Return plan `n` of a tenant, due so many seconds from now."""
    plan = replace(
        PLAN, tenant_id=tenant, plan_id=tenant.encode() + n.to_bytes(4, "big"), due_time=NOW.add(seconds=due)
    )
    return Ready(plan, plan, person(), RULE, DEFAULTS, f"evt_{tenant}{n}", None, None, late)


def counted(taken: list[Ready]) -> dict[str, int]:
    """Return how many plans of which tenant were taken."""
    return dict(Counter(one.plan.tenant_id for one in taken))


def filled(**plans: int) -> Window:
    """Return a window in which so many plans of each tenant are due, in this order."""
    window = Window()
    for tenant, count in plans.items():
        for n in range(count):
            window.put(ready_of(tenant, n))
    return window


def test_a_tenant_alone_gets_full_batches() -> None:
    """Nobody else has anything due: each batch is as large as it may be."""
    window = filled(big=1_200)
    assert [counted(window.take_due(NOW, size=500)) for _ in range(3)] == [
        {"big": 500},
        {"big": 500},
        {"big": 200},
    ]


def test_ten_of_a_small_tenant_do_not_wait_for_a_thousand_of_a_large_one() -> None:
    """They are the next batch, all ten and nothing else, although they fell due last."""
    window = filled(big=1_000)
    assert counted(window.take_due(NOW, size=500)) == {"big": 500}
    for n in range(10):
        window.put(ready_of("small", n))
    assert counted(window.take_due(NOW, size=500)) == {"small": 10}
    assert counted(window.take_due(NOW, size=500)) == {"big": 500}


def test_small_tenants_do_not_stop_a_large_one() -> None:
    """However many small ones come, every second batch is the large one's."""
    window = filled(big=1_000, one=10)
    taken = [counted(window.take_due(NOW, size=500)) for _ in range(2)]
    for n in range(5):
        window.put(ready_of("two", n))
    taken += [counted(window.take_due(NOW, size=500)) for _ in range(2)]
    assert taken == [{"one": 10}, {"big": 500}, {"two": 5}, {"big": 500}]


def test_large_tenants_share_a_batch() -> None:
    """Two with hundreds each get a half of every batch."""
    window = filled(one=600, two=600)
    assert counted(window.take_due(NOW, size=500)) == {"one": 250, "two": 250}


def test_late_plans_go_beside_those_on_time() -> None:
    """A thousand late ones of the same tenant do not come before ten that are due now."""
    window = Window()
    for n in range(1_000):
        window.put(ready_of("big", n, due=-3_600, late=True))
    for n in range(1_000, 1_010):
        window.put(ready_of("big", n))
    batches = [window.take_due(NOW, size=500) for _ in range(2)]
    assert [(len(batch), {one.late for one in batch}) for batch in batches] == [(10, {False}), (500, {True})]


def test_only_small_ones_when_asked() -> None:
    """Beside the large batches there is a way for those with a few plans only."""
    window = filled(big=1_000)
    assert window.take_due(NOW, size=500, only_small=True) == []
    window.put(ready_of("small", 1))
    assert counted(window.take_due(NOW, size=500, only_small=True)) == {"small": 1}
    assert len(window) == 1_000


def test_room_is_made_by_what_is_not_wanted() -> None:
    """Only as many plans go as have to, and none of those that are wanted."""
    window = filled(big=CAPACITY)
    wanted = {ready_of("big", n).plan.plan_id for n in range(CAPACITY - 10)}
    window.make_room(4, wanted=wanted)
    assert window.space == 4
    assert all(window.holds(plan_id, PLAN.version) for plan_id in wanted)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 200), st.booleans()), max_size=300),
    st.integers(1, 80),
)
def test_whatever_is_due_is_taken_once(puts: list[tuple[str, int, bool]], size: int) -> None:
    """Tenants and lateness only change the order: nothing is left behind and nothing comes twice."""
    window = Window()
    for tenant, n, late in puts:
        window.put(ready_of(tenant, n, late=late))
    taken: list[Ready] = []
    while batch := window.take_due(NOW, size=size):
        assert len(batch) <= size
        taken += batch
    assert sorted(one.event_id for one in taken) == sorted({f"evt_{tenant}{n}" for tenant, n, _ in puts})
    assert len(window) == 0


def test_what_is_being_decided_is_not_read_again() -> None:
    """A plan that was taken counts as held until its decision is settled, and comes back only when put again."""
    window = filled(one=1)
    taken = window.take_due(NOW, size=10)
    plan = taken[0].plan
    assert window.holds(plan.plan_id, plan.version)
    assert not window.holds(plan.plan_id, plan.version + 1)
    assert window.take_due(NOW, size=10) == []
    window.settled(taken)
    assert not window.holds(plan.plan_id, plan.version)


def test_a_window_with_one_tenant_is_not_shared() -> None:
    """Late and on time of one tenant are no two tenants; another's single plan makes it shared until it is taken."""
    window = filled(big=1_000)
    window.put(ready_of("big", 1_001, due=-3_600, late=True))
    assert not window.shared
    window.put(ready_of("small", 1))
    assert window.shared
    window.take_due(NOW, size=10, only_small=True)
    assert not window.shared
