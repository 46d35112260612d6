"""Long work: which states a caller may bring about, and from which."""

import uuid
from dataclasses import replace
from functools import partial

import pytest
from whenever import Instant

from chassis.errors import IllegalTransition
from chassis.operations.operation import (
    ENDED,
    Operation,
    OperationState,
    cancelled,
    paused,
    resumed,
)

STOPPABLE, KEPT = "redeliver", "replan"
KINDS = frozenset({STOPPABLE})
BEGAN = Instant.from_utc(2028, 6, 1, 10)
NOW = BEGAN.add(hours=1)
OPEN = [state for state in OperationState if state not in ENDED]


def operation(state: OperationState, kind: str = STOPPABLE) -> Operation:
    """Return an operation in a state."""
    return Operation(uuid.UUID(int=1), "tenant-1", kind, BEGAN, BEGAN, state=state)


@pytest.mark.parametrize("state", [OperationState.PENDING, OperationState.RUNNING])
def test_pausing_what_is_under_way(state: OperationState) -> None:
    """It is PAUSED as of now and not over."""
    after = paused(operation(state), NOW, kinds=KINDS)
    assert after == replace(operation(state), state=OperationState.PAUSED, update_time=NOW)
    assert not after.is_over


def test_pausing_twice() -> None:
    """One that is paused stays the same object."""
    before = operation(OperationState.PAUSED)
    assert paused(before, NOW, kinds=KINDS) is before


def test_resuming() -> None:
    """A paused one is RUNNING; one that was not paused stays the same object."""
    assert resumed(operation(OperationState.PAUSED), NOW).state is OperationState.RUNNING
    for state in (OperationState.PENDING, OperationState.RUNNING):
        before = operation(state)
        assert resumed(before, NOW) is before


@pytest.mark.parametrize("state", OPEN)
def test_cancelling(state: OperationState) -> None:
    """Whatever is not over ends now."""
    after = cancelled(operation(state), NOW, kinds=KINDS)
    assert (after.state, after.end_time, after.is_over) == (OperationState.CANCELLED, NOW, True)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_what_is_over(state: OperationState) -> None:
    """It can neither be paused nor resumed, the sentence says in which state it is; cancelled it stays."""
    before = operation(state)
    assert cancelled(before, NOW, kinds=KINDS) is before
    for transition in (partial(paused, kinds=KINDS), resumed):
        with pytest.raises(IllegalTransition, match=state):
            transition(before, NOW)


@pytest.mark.parametrize("state", OPEN)
def test_a_kind_that_keeps_promises_is_not_stopped(state: OperationState) -> None:
    """It keeps promises about due times: neither pausing nor cancelling is possible."""
    for transition in (paused, cancelled):
        with pytest.raises(IllegalTransition, match="promises"):
            transition(operation(state, KEPT), NOW, kinds=KINDS)
