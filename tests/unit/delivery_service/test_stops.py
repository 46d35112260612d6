"""The stops in memory."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from delivery_service.domain.deliveries import DeliveryCause, QueuedDelivery
from delivery_service.domain.stops import RecentStops, Stop

NOON = Instant("2027-02-28T12:00:00Z")


def row(*, tenant: str = "t", event: str = "e", user: str = "u", decided: Instant = NOON) -> QueuedDelivery:
    """Return a delivery."""
    return QueuedDelivery(event, 1, date(2027, 2, 28), 0, tenant, user, NOON, decided, NOON, "", b"{}")


def test_a_stop_covers_its_event_or_user_up_to_its_instant() -> None:
    """Only the same tenant's, only the named subject, only what was decided before."""
    stops = RecentStops(60)
    stops.add(Stop("t", "", "u", NOON), monotonic=0)
    stops.add(Stop("t", "e2", "", NOON), monotonic=0)
    before, after = NOON.subtract(seconds=1), NOON.add(seconds=1)
    assert stops.stops(row(decided=before))
    assert not stops.stops(row(decided=NOON))
    assert not stops.stops(row(decided=after))
    assert not stops.stops(row(tenant="other", decided=before))
    assert stops.stops(row(event="e2", user="v", decided=before))
    assert not stops.stops(row(event="e3", user="v", decided=before))


def test_what_postgresql_has_marked_stays_stopped() -> None:
    """A delivery that was fetched as stopped needs no memory."""
    assert RecentStops(60).stops(row()._replace(stopped=True))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100)), max_size=30), st.integers(0, 200))
def test_a_stop_is_kept_as_long_as_it_was_promised(added: list[tuple[int, int]], now: int) -> None:
    """Each subject is known until `keep_seconds` after it was last added, and then no longer held."""
    stops = RecentStops(50)
    added = sorted(added, key=lambda one: one[1])
    for user, moment in added:
        stops.add(Stop("t", "", f"u{user}", NOON), monotonic=moment)
    stops.forget(monotonic=now)
    expected = {user for user, moment in added if moment >= now - 50}
    decided = NOON.subtract(seconds=1)
    assert {user for user in range(4) if stops.stops(row(user=f"u{user}", decided=decided))} == expected
    assert len(stops) == len(expected)


def test_what_was_acknowledged_in_the_inbox_is_withdrawn_in_that_round_only() -> None:
    """Its round is stopped with cause ACKNOWLEDGED while it is named; another round, and other events, are not."""
    recent = RecentStops(10)
    first, again, other = row(event="e1"), row(event="e1")._replace(round=2), row(event="e2")
    recent.withdraw({("e1", 1)})
    assert [recent.stops(one) for one in (first, again, other)] == [True, False, False]
    assert recent.cause(first) is DeliveryCause.ACKNOWLEDGED
    recent.withdraw(())
    assert not recent.stops(first)
    assert recent.cause(first) is DeliveryCause.CANCELLED
