"""Re-issues: what one asks for, and of many events how far it has come, as an operation keeps it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from whenever import Instant

from chassis.operations.operation import Operation
from scheduler_service.domain.operations import REISSUE_EVENTS
from scheduler_service.domain.plan_records import Request
from scheduler_service.store.events import Key
from scheduler_service.store.filters import BEGINNING, Filter
from scheduler_service.store.requested_events import Draft
from scheduler_service.store.rows import request_from


@dataclass(frozen=True, slots=True)
class Reissue:
    """Issue again what `asked` finds, for `reason`, at most `max_per_second` (real seconds).

    `asked.decided_before` is when it was asked for: what comes of it is not issued again by it.
    """

    asked: Filter
    reason: str
    max_per_second: int


def operation_of(
    reissue: Reissue, operation_id: uuid.UUID, tenant_id: str, *, now: Instant, total: int
) -> Operation:
    """Return the operation that works it off."""
    return Operation(
        operation_id,
        tenant_id,
        REISSUE_EVENTS,
        now,
        now,
        subject=reissue.asked.event_type_id,
        total=total,
        request=_json(reissue),
    )


def reissue_of(operation: Operation) -> Reissue:
    """Return what an operation was asked for."""
    entry = operation.request
    asked = Filter(
        event_type_id=entry["event_type_id"],
        states=tuple(entry["states"]),
        due_after=datetime.fromisoformat(entry["due_after"]),
        due_before=datetime.fromisoformat(entry["due_before"]),
        reason=entry["ended_reason"],
        decided_before=datetime.fromisoformat(entry["decided_before"]),
    )
    return Reissue(asked, entry["reason"], entry["max_per_second"])


def key_of(operation: Operation) -> Key:
    """Return the event at which an operation has arrived."""
    entry = operation.position
    return (datetime.fromisoformat(entry["due_time"]), entry["event_id"]) if entry else (BEGINNING, "")


def position_at(key: Key) -> dict[str, str]:
    """Return what an operation keeps of the event at which it has arrived."""
    return {"due_time": key[0].isoformat(), "event_id": key[1]}


def draft_of_reissue(
    row: Mapping[str, Any], *, instance: str, reason: str, body_hash: bytes, now: Instant
) -> Draft:
    """Return the event with the message of an ended one (a row of `events`): its words, its cycle, due now."""
    before = None if row["request"] is None else request_from(row["request"])
    original = before or Request(now, cycle=row["cycle"])
    request = replace(original, create_time=now, local_time=None, reissue_of=row["event_id"], reason=reason)
    return Draft(
        instance,
        row["user_id"],
        row["event_type_id"],
        request,
        body_hash,
        occasion_id=row["occasion_id"],
    )


def _json(reissue: Reissue) -> dict[str, Any]:
    asked = reissue.asked
    assert asked.due_after is not None
    assert asked.due_before is not None
    assert asked.decided_before is not None
    return {
        "event_type_id": asked.event_type_id,
        "states": list(asked.states),
        "due_after": asked.due_after.isoformat(),
        "due_before": asked.due_before.isoformat(),
        "ended_reason": asked.reason,
        "decided_before": asked.decided_before.isoformat(),
        "reason": reissue.reason,
        "max_per_second": reissue.max_per_second,
    }
