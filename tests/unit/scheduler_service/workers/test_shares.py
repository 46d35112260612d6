"""Which due plans are read next: turn by turn, and nothing that guard mode holds."""

from collections import Counter

from whenever import Instant

from scheduler_service.store.controls import Guard
from scheduler_service.store.plans import Due
from scheduler_service.workers.shares import in_turns, spans

NOW = Instant.from_utc(2028, 3, 2, 9)
HORIZON = NOW.add(seconds=2.5)
LATE_EDGE = NOW.subtract(seconds=60)


def rows(tenant: str, count: int, *, late: bool = False) -> list[Due]:
    """Return so many plans of a tenant."""
    due_time = NOW.to_stdlib()
    return [(tenant, late, n.to_bytes(4, "big"), 1, due_time) for n in range(count)]


def test_each_tenant_has_its_turn() -> None:
    """Among the first 110 are all ten of a small tenant, and the others share the rest."""
    mixed = in_turns([*rows("a", 20_000), *rows("b", 10), *rows("c", 20_000, late=True), *rows("c", 500)])
    assert len(mixed) == 40_510
    first = Counter((tenant, late) for tenant, late, *_ in mixed[:110])
    assert first == {("a", False): 50, ("b", False): 10, ("c", True): 25, ("c", False): 25}


def test_the_order_within_a_tenant_stays() -> None:
    """What is due first is read first."""
    mixed = in_turns([*rows("a", 100), *rows("b", 100)])
    assert [row for row in mixed if row[0] == "a"] == rows("a", 100)


def test_late_is_beside_on_time() -> None:
    """What is more than a minute late is a share of its own."""
    late, on_time = spans(NOW, HORIZON, None)
    assert (late.late, late.until) == (True, LATE_EDGE)
    assert (on_time.late, on_time.after, on_time.until) == (False, LATE_EDGE, HORIZON)


def test_what_guard_mode_holds_is_not_read() -> None:
    """Due times before its begin and from its end on are, each in its share."""
    guard = Guard(NOW.subtract(hours=3), NOW.subtract(seconds=30), "a restore")
    before, after = spans(NOW, HORIZON, guard)
    assert (before.late, before.until) == (True, guard.since.subtract(microseconds=1))
    assert (after.late, after.after, after.until) == (
        False,
        guard.until.subtract(microseconds=1),
        HORIZON,
    )


def test_what_is_ended_instead_is_read() -> None:
    """Guard mode that was told to end what it holds needs it in the window."""
    guard = Guard(NOW.subtract(hours=3), NOW, "a restore", expires=True)
    assert spans(NOW, HORIZON, guard) == spans(NOW, HORIZON, None)
