"""Which deliveries may have a new round, and until when it is worth sending."""

from dataclasses import replace
from datetime import timedelta

import pytest
from whenever import Instant

from chassis.errors import IllegalTransition, NotFound
from delivery_service.domain.deliveries import INBOX, DeliveryState
from delivery_service.domain.endpoints import EndpointState
from delivery_service.domain.redeliveries import LAST_ROUND, WINDOW, Candidate, Refusal, deadline, error
from delivery_service.domain.settlements import Settlement
from delivery_service.store.redelivery_operations import new_operation_id

DECIDED = Instant("2027-02-28T09:00:00Z")
NOW = DECIDED.add(hours=5)
DAY = timedelta(hours=24)
DEAD = Candidate(
    "evt_a",
    "hook",
    1,
    DeliveryState.DEAD,
    Settlement.NONE,
    is_open=False,
    decide_time=DECIDED,
    kept_until=None,
    endpoint=EndpointState.ENABLED,
    stopped=False,
)


def test_a_round_has_a_deadline_of_its_own() -> None:
    """It is so long from now, whatever the first round's was."""
    assert deadline(DEAD, now=NOW, within=DAY) == NOW.add(hours=24)


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.EXPIRED, DeliveryState.CANCELLED])
def test_every_end_may_be_followed_by_a_round(state: DeliveryState) -> None:
    """Delivered as well, because the receiver may have lost its data."""
    assert deadline(replace(DEAD, state=state), now=NOW, within=DAY) == NOW.add(hours=24)


def test_no_round_outlives_what_is_remembered() -> None:
    """The deadline is cut at the end of retention, and before the stops of the event's time are forgotten."""
    kept = NOW.add(hours=3)
    assert deadline(replace(DEAD, kept_until=kept), now=NOW, within=DAY) == kept
    found = deadline(DEAD, now=NOW, within=WINDOW)
    assert isinstance(found, Instant)
    assert found < DECIDED.add(hours=35 * 24)


@pytest.mark.parametrize(
    ("candidate", "refusal"),
    [
        (replace(DEAD, endpoint_id=INBOX), Refusal.INBOX),
        (replace(DEAD, is_open=True), Refusal.OPEN),
        (replace(DEAD, round=None, is_open=True), Refusal.OPEN),
        (replace(DEAD, round=None), Refusal.UNKNOWN),
        (replace(DEAD, decide_time=None), Refusal.FORGOTTEN),
        (replace(DEAD, kept_until=NOW), Refusal.FORGOTTEN),
        (replace(DEAD, stopped=True), Refusal.STOPPED),
        (replace(DEAD, endpoint=None), Refusal.ENDPOINT_GONE),
        (replace(DEAD, endpoint=EndpointState.DISABLED), Refusal.ENDPOINT_DISABLED),
        (replace(DEAD, decide_time=NOW.subtract(hours=35 * 24)), Refusal.TOO_OLD),
        (replace(DEAD, round=LAST_ROUND), Refusal.TOO_OFTEN),
    ],
    ids=str,
)
def test_refusals(candidate: Candidate, refusal: Refusal) -> None:
    """Each is an error that names the delivery: NOT_FOUND for what is not there, else ILLEGAL_STATE."""
    assert deadline(candidate, now=NOW, within=DAY) is refusal
    said = error(refusal, candidate)
    assert isinstance(
        said, NotFound if refusal in (Refusal.UNKNOWN, Refusal.FORGOTTEN) else IllegalTransition
    )
    assert candidate.event_id in said.message
    assert candidate.endpoint_id in said.message


def test_the_window_is_the_time_for_which_stops_are_kept() -> None:
    """Otherwise an event could be sent again to somebody whose deletion nobody remembers."""
    from delivery_service.store.stops import KEPT

    assert WINDOW <= KEPT


def test_operation_ids_say_whose_they_are() -> None:
    """They are UUIDs of version 8 and of RFC 9562's variant, each another one."""
    found = {new_operation_id() for _ in range(200)}
    assert len(found) == 200
    assert {one.version for one in found} == {8}
    assert {one.variant for one in found} == {"specified in RFC 4122"}
