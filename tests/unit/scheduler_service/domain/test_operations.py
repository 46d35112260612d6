"""Long work: which states a caller may bring about, and from which."""

import uuid
from dataclasses import replace

import pytest
from whenever import Instant

from chassis.errors import IllegalTransition
from scheduler_service.domain.operations import (
    ENDED,
    REISSUE_EVENTS,
    REPLAN_EVENT_TYPE,
    Operation,
    OperationState,
    cancelled,
    paused,
    resumed,
)

BEGAN = Instant.from_utc(2028, 6, 1, 10)
NOW = BEGAN.add(hours=1)
OPEN = [state for state in OperationState if state not in ENDED]


def operation(state: OperationState, kind: str = REISSUE_EVENTS) -> Operation:
    """Return an operation in a state."""
    return Operation(uuid.UUID(int=1), "tenant-1", kind, BEGAN, BEGAN, state=state)


@pytest.mark.parametrize("state", [OperationState.PENDING, OperationState.RUNNING])
def test_pausing_what_is_under_way(state: OperationState) -> None:
    """It is PAUSED as of now and not over."""
    after = paused(operation(state), NOW)
    assert after == replace(operation(state), state=OperationState.PAUSED, update_time=NOW)
    assert not after.is_over


def test_pausing_twice() -> None:
    """One that is paused stays the same object."""
    before = operation(OperationState.PAUSED)
    assert paused(before, NOW) is before


def test_resuming() -> None:
    """A paused one is RUNNING; one that was not paused stays the same object."""
    assert resumed(operation(OperationState.PAUSED), NOW).state is OperationState.RUNNING
    for state in (OperationState.PENDING, OperationState.RUNNING):
        before = operation(state)
        assert resumed(before, NOW) is before


@pytest.mark.parametrize("state", OPEN)
def test_cancelling(state: OperationState) -> None:
    """Whatever is not over ends now."""
    after = cancelled(operation(state), NOW)
    assert (after.state, after.end_time, after.is_over) == (OperationState.CANCELLED, NOW, True)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_what_is_over(state: OperationState) -> None:
    """It can neither be paused nor resumed, the sentence says in which state it is; cancelled it stays."""
    before = operation(state)
    assert cancelled(before, NOW) is before
    for transition in (paused, resumed):
        with pytest.raises(IllegalTransition, match=state):
            transition(before, NOW)


@pytest.mark.parametrize("state", OPEN)
def test_a_replan_is_not_stopped(state: OperationState) -> None:
    """It keeps promises about due times: neither pausing nor cancelling is possible."""
    for transition in (paused, cancelled):
        with pytest.raises(IllegalTransition, match="promises"):
            transition(operation(state, REPLAN_EVENT_TYPE), NOW)
