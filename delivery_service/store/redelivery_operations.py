"""What an operation of delivery was asked for and how far it has come, as the operation keeps it: plain JSON."""

import secrets
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from whenever import Instant

from chassis.operations.operation import Operation
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.domain.redeliveries import DISCARD_DEAD_LETTERS, REDELIVER_DELIVERIES
from delivery_service.store.delivery_filters import FIRST, Filter, Key

_VERSION: Final = 0x8 << 76
_VERSION_BITS: Final = 0xF << 76
_VARIANT: Final = 0b10 << 62
_VARIANT_BITS: Final = 0b11 << 62


@dataclass(frozen=True, slots=True)
class Redelivery:
    """Begin a new round of all that `asked` finds, worth sending for `within`, `max_per_second` (real) at most."""

    asked: Filter
    within: timedelta
    max_per_second: int


@dataclass(frozen=True, slots=True)
class Discarding:
    """Discard all that `asked` finds, for `reason`."""

    asked: Filter
    reason: str


Task = Redelivery | Discarding


@dataclass(frozen=True, slots=True)
class Position:
    """Where an operation has arrived, when (real time) its next page may come, and why items were refused."""

    key: Key = FIRST
    next_time: Instant | None = None
    refused: Mapping[str, int] = field(default_factory=dict)

    def moved(self, key: Key, *, next_time: Instant, refused: Mapping[str, int]) -> "Position":
        """Return the position after one more page."""
        return Position(key, next_time, Counter(self.refused) + Counter(refused))

    @property
    def sentence(self) -> str:
        """Why items did not succeed; empty when all did."""
        return ", ".join(f"{number:,} refused: {why}" for why, number in sorted(self.refused.items()))


def new_operation_id() -> uuid.UUID:
    """Return a random UUID of version 8: by it a client knows which service answers for the operation."""
    number = secrets.randbits(128)
    number = number & ~_VERSION_BITS | _VERSION
    return uuid.UUID(int=number & ~_VARIANT_BITS | _VARIANT)


def operation_of(task: Task, tenant_id: str, *, now: Instant, total: int) -> Operation:
    """Return a new operation that does the task."""
    kind = REDELIVER_DELIVERIES if isinstance(task, Redelivery) else DISCARD_DEAD_LETTERS
    return Operation(
        new_operation_id(),
        tenant_id,
        kind,
        now,
        now,
        subject=task.asked.endpoint_id,
        total=total,
        request=_request(task),
    )


def task_of(operation: Operation) -> Task:
    """Return what an operation was asked for."""
    entry = operation.request
    asked = Filter(
        states=tuple(DeliveryState(state) for state in entry["states"]),
        endpoint_id=entry["endpoint_id"],
        causes=tuple(DeliveryCause(cause) for cause in entry["causes"]),
        user_id=entry["user_id"],
        event_type_id=entry["event_type_id"],
        end_after=datetime.fromisoformat(entry["end_after"]),
        end_before=datetime.fromisoformat(entry["end_before"]),
    )
    if operation.kind == DISCARD_DEAD_LETTERS:
        return Discarding(asked, entry["reason"])
    return Redelivery(asked, timedelta(seconds=entry["within_seconds"]), entry["max_per_second"])


def position_of(operation: Operation) -> Position:
    """Return where an operation has arrived."""
    entry = operation.position
    if not entry:
        return Position()
    key = Key(datetime.fromisoformat(entry["end_time"]), entry["event_id"], entry["endpoint_id"])
    return Position(key, Instant.parse_iso(entry["next_time"]), entry["refused"])


def stored(position: Position) -> dict[str, Any]:
    """Return what an operation keeps of its position."""
    return {
        "end_time": position.key.end_time.isoformat(),
        "event_id": position.key.event_id,
        "endpoint_id": position.key.endpoint_id,
        "next_time": position.next_time.format_iso() if position.next_time else "",
        "refused": dict(position.refused),
    }


def _request(task: Task) -> dict[str, Any]:
    asked = task.asked
    request: dict[str, Any] = {
        "states": [int(state) for state in asked.states],
        "endpoint_id": asked.endpoint_id,
        "causes": [int(cause) for cause in asked.causes],
        "user_id": asked.user_id,
        "event_type_id": asked.event_type_id,
        "end_after": asked.end_after.isoformat(),
        "end_before": asked.end_before.isoformat(),
    }
    if isinstance(task, Discarding):
        return {**request, "reason": task.reason}
    return {**request, "within_seconds": task.within.total_seconds(), "max_per_second": task.max_per_second}
