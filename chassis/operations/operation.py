"""Operations: long work with its progress, which a caller may stop, let go on, or end."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from whenever import Instant

from chassis.errors import IllegalTransition


class OperationState(StrEnum):
    """Where the work stands."""

    PENDING = "PENDING"
    """Accepted, not begun."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    """Stopped by a caller until resumed; nothing is lost."""
    SUCCEEDED = "SUCCEEDED"
    """Over: everything was tried."""
    FAILED = "FAILED"
    """Over: it could not go on."""
    CANCELLED = "CANCELLED"
    """Over: a caller cancelled it."""


ENDED: Final = frozenset({OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Operation:
    """Long work: `done` of `total` items are over, of which `succeeded` did what was asked.

    `position` is where the worker goes on, `request` what was asked for: plain JSON, each of its kind.
    """

    operation_id: uuid.UUID
    tenant_id: str
    kind: str
    create_time: Instant
    update_time: Instant
    subject: str = ""
    state: OperationState = OperationState.PENDING
    total: int = 0
    done: int = 0
    succeeded: int = 0
    failed: int = 0
    error: str = ""
    position: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    end_time: Instant | None = None

    @property
    def is_over(self) -> bool:
        """True when it will not change any more."""
        return self.state in ENDED


def paused(operation: Operation, now: Instant, *, kinds: Collection[str]) -> Operation:
    """Return the operation stopped; the same object when it was. `kinds` may be stopped by a caller.

    Raises:
        IllegalTransition: it is over, or of a kind that may not be stopped.
    """
    _require_steerable(operation, "paused", kinds)
    if operation.state is OperationState.PAUSED:
        return operation
    return replace(operation, state=OperationState.PAUSED, update_time=now)


def resumed(operation: Operation, now: Instant) -> Operation:
    """Return the operation as it goes on; the same object when it was not stopped.

    Raises:
        IllegalTransition: it is over.
    """
    _require_open(operation, "resumed")
    if operation.state is not OperationState.PAUSED:
        return operation
    return replace(operation, state=OperationState.RUNNING, update_time=now)


def cancelled(operation: Operation, now: Instant, *, kinds: Collection[str]) -> Operation:
    """Return the operation ended by a caller; the same object when it was over. `kinds` may be stopped.

    Raises:
        IllegalTransition: it is of a kind that may not be stopped.
    """
    if operation.is_over:
        return operation
    _require_steerable(operation, "cancelled", kinds)
    return replace(operation, state=OperationState.CANCELLED, update_time=now, end_time=now)


def _require_open(operation: Operation, what: str) -> None:
    if operation.is_over:
        raise IllegalTransition(
            f"operation {operation.operation_id} is {operation.state}; only one that is not over can be {what}"
        )


def _require_steerable(operation: Operation, what: str, kinds: Collection[str]) -> None:
    _require_open(operation, what)
    if operation.kind not in kinds:
        allowed = ", ".join(sorted(kinds))
        raise IllegalTransition(
            f"operation {operation.operation_id} is a {operation.kind} and cannot be {what}, because it keeps"
            f" promises about due times (allowed: {allowed})"
        )
