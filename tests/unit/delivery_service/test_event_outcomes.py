"""What a stop can still do about an event."""

import pytest
from redletter.common.v1 import outcome_pb2

from delivery_service.domain.event_outcomes import EventOutcome, Standing, standing


def test_outcomes_are_numbered_as_in_the_contract() -> None:
    """Each number but UNSPECIFIED means the same here and on the wire."""
    wire = {name.removeprefix("OUTCOME_"): number for name, number in outcome_pb2.Outcome.items() if number}
    assert {outcome.name: int(outcome) for outcome in EventOutcome} == wire


def test_an_event_that_was_not_accepted_is_cancelled() -> None:
    """The stop waits for it."""
    assert standing(None, stopped=False, covered=True) is Standing.CANCELLED


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("outcome", [EventOutcome.RECEIVED, EventOutcome.NONE])
def test_a_received_event_is_too_late_also_when_another_delivery_was_stopped(
    outcome: EventOutcome, stopped: bool
) -> None:
    """One receiver is enough; and of an event without any delivery nothing is promised."""
    assert standing(outcome, stopped=stopped, covered=True) is Standing.TOO_LATE


@pytest.mark.parametrize("outcome", [EventOutcome.OPEN, EventOutcome.UNCLAIMED])
def test_an_open_event_is_on_the_wire_unless_the_stop_does_not_cover_it(outcome: EventOutcome) -> None:
    """What the stop covers and did not end is somebody else's to end; what was decided later goes on."""
    assert standing(outcome, stopped=True, covered=True) is Standing.ON_THE_WIRE
    assert standing(outcome, stopped=False, covered=False) is Standing.TOO_LATE


@pytest.mark.parametrize("outcome", [EventOutcome.EXPIRED, EventOutcome.DEAD, EventOutcome.CANCELLED])
def test_an_ended_event_is_cancelled_if_a_stop_had_a_part_in_it(outcome: EventOutcome) -> None:
    """Dead or expired everywhere before the stop is too late."""
    assert standing(outcome, stopped=True, covered=True) is Standing.CANCELLED
    assert standing(outcome, stopped=False, covered=True) is Standing.TOO_LATE
