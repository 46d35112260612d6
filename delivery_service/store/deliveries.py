"""Reading deliveries: pending ones from the queue, ended ones from deliveries, attempts from both."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.errors import NotFound
from delivery_service.domain.deliveries import DeliveryState, LaneKey
from delivery_service.domain.settlements import Settlement

_ATTEMPT = "start_time, status_code, attempt_cause, connect_us, first_byte_us, total_us, answer_bytes, answer, url, secret_id"

_UNSETTLED = (
    "CAST(0 AS smallint) AS settlement, CAST(NULL AS timestamptz) AS settle_time, '' AS settle_reason"
)

# Pending: by the primary key of the queue, in the order of event ids.
_PENDING = text(f"""
    SELECT event_id, endpoint_id, round, {DeliveryState.PENDING:d} AS state, cause, attempts, next_time, deliver_by,
        accept_time, CAST(NULL AS timestamptz) AS end_time, occurrence_date, {_UNSETTLED}
    FROM queue
    WHERE tenant_id = :tenant_id AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
      AND (:event_id = '' OR event_id = :event_id) AND (event_id, endpoint_id) > (:after_event, :after_endpoint)
    ORDER BY event_id, endpoint_id LIMIT :size
""")

# Ended: by deliveries_ended, newest first; of one event by the primary key.
_ENDED = """
    SELECT event_id, endpoint_id, round, state, cause, attempts, CAST(NULL AS timestamptz) AS next_time, deliver_by,
        accept_time, end_time, occurrence_date, settlement, settle_time, settle_reason
    FROM deliveries
    WHERE tenant_id = :tenant_id AND (:endpoint_id = '' OR endpoint_id = :endpoint_id)
      AND (:event_id = '' OR event_id = :event_id) AND state = ANY(CAST(:states AS smallint[])) {unreceived}
      AND (end_time, event_id, endpoint_id) < (:before_time, :before_event, :before_endpoint)
    ORDER BY end_time DESC, event_id DESC, endpoint_id DESC LIMIT :size
"""
_ENDED_ANYHOW = text(_ENDED.format(unreceived=""))
# Said once more as a constant, so that the planner may use deliveries_unreceived.
_ENDED_UNRECEIVED = text(_ENDED.format(unreceived=f"AND state <> {DeliveryState.DELIVERED:d}"))

# By the primary keys. The date is not known here: each month's index is probed.
_ONE = text(f"""
    SELECT event_id, endpoint_id, round, {DeliveryState.PENDING:d} AS state, cause, attempts, next_time, deliver_by,
        accept_time, CAST(NULL AS timestamptz) AS end_time, occurrence_date, {_UNSETTLED}
    FROM queue WHERE event_id = :event_id AND endpoint_id = :endpoint_id AND tenant_id = :tenant_id
      AND (:round = 0 OR round = :round)
    UNION ALL
    SELECT event_id, endpoint_id, round, state, cause, attempts, NULL, deliver_by, accept_time, end_time,
        occurrence_date, settlement, settle_time, settle_reason
    FROM deliveries WHERE event_id = :event_id AND endpoint_id = :endpoint_id AND tenant_id = :tenant_id
      AND (:round = 0 OR round = :round)
    ORDER BY round DESC LIMIT 1
""")

_ATTEMPTS = text(f"""
    SELECT event_id, endpoint_id, round, number, {_ATTEMPT} FROM attempts
    WHERE event_id = ANY(CAST(:event_id AS text[]))
    UNION ALL
    SELECT event_id, endpoint_id, round, attempts, {_ATTEMPT} FROM deliveries
    WHERE event_id = ANY(CAST(:event_id AS text[])) AND start_time IS NOT NULL
    ORDER BY number
""")

# By the primary key; the dates leave out every other month.
_METADATA = text("""
    SELECT event_id, metadata FROM messages
    WHERE event_id = ANY(CAST(:event_id AS text[])) AND occurrence_date = ANY(CAST(:dates AS date[]))
      AND metadata <> ''
""")


@dataclass(frozen=True)
class StoredAttempt:
    """One HTTP try as stored; times in microseconds from its start, -1: none."""

    number: int
    start_time: datetime
    status_code: int
    cause: int
    connect_us: int
    first_byte_us: int
    total_us: int
    answer_bytes: int
    answer: bytes
    url: str
    secret_id: str


@dataclass(frozen=True)
class StoredDelivery:
    """A delivery with its attempts, the first one first, and its event's metadata (JSON; empty: none)."""

    event_id: str
    endpoint_id: str
    round: int
    state: DeliveryState
    cause: int
    attempts: int
    next_time: datetime | None
    deliver_by: datetime
    accept_time: datetime
    end_time: datetime | None
    tries: tuple[StoredAttempt, ...]
    metadata: str
    settlement: Settlement
    settle_time: datetime | None
    settle_reason: str


async def pending(
    engine: AsyncEngine, tenant_id: str, *, endpoint_id: str, event_id: str, after: tuple[str, str], size: int
) -> list[StoredDelivery]:
    """Return up to `size` pending deliveries after (event id, endpoint id)."""
    parameters = {
        "tenant_id": tenant_id,
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "after_event": after[0],
        "after_endpoint": after[1],
        "size": size,
    }
    return await _read(engine, _PENDING, parameters)


async def ended(
    engine: AsyncEngine,
    tenant_id: str,
    *,
    endpoint_id: str,
    event_id: str,
    states: Sequence[DeliveryState],
    before: tuple[datetime, str, str],
    size: int,
) -> list[StoredDelivery]:
    """Return up to `size` ended deliveries before (end time, event id, endpoint id), the newest end first."""
    parameters = {
        "tenant_id": tenant_id,
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "states": [int(state) for state in states],
        "before_time": before[0],
        "before_event": before[1],
        "before_endpoint": before[2],
        "size": size,
    }
    query = _ENDED_ANYHOW if DeliveryState.DELIVERED in states else _ENDED_UNRECEIVED
    return await _read(engine, query, parameters)


async def get(engine: AsyncEngine, lane: LaneKey, event_id: str, *, round_number: int = 0) -> StoredDelivery:
    """Return one round of a delivery; 0: the latest.

    Raises:
        NotFound: the tenant has no such delivery, or it no such round.
    """
    found = await _read(engine, _ONE, {**lane._asdict(), "event_id": event_id, "round": round_number})
    if not found:
        which = f"round {round_number} of the" if round_number else "no"
        what = f'{which} delivery of "{event_id}" to "{lane.endpoint_id}"'
        raise NotFound(f"there is no {what}" if round_number else f"there is {what}")
    return found[0]


async def _read(engine: AsyncEngine, query: Any, parameters: dict[str, Any]) -> list[StoredDelivery]:
    async with engine.connect() as connection:
        rows = (await connection.execute(query, parameters)).all()
        if not rows:
            return []
        named = {"event_id": sorted({row.event_id for row in rows})}
        dates = sorted({row.occurrence_date for row in rows})
        told = (await connection.execute(_METADATA, {**named, "dates": dates})).all()
        tried = sorted({row.event_id for row in rows if row.attempts})
        tries = (await connection.execute(_ATTEMPTS, {"event_id": tried})).all() if tried else []
    by_delivery: dict[tuple[str, str, int], list[StoredAttempt]] = {}
    for one in tries:
        by_delivery.setdefault((one.event_id, one.endpoint_id, one.round), []).append(StoredAttempt(*one[3:]))
    metadata = {row.event_id: row.metadata for row in told}
    return [
        _delivery(
            row,
            by_delivery.get((row.event_id, row.endpoint_id, row.round), []),
            metadata.get(row.event_id, ""),
        )
        for row in rows
    ]


def _delivery(row: Row[Any], tries: list[StoredAttempt], metadata: str) -> StoredDelivery:
    return StoredDelivery(
        row.event_id,
        row.endpoint_id,
        row.round,
        DeliveryState(row.state),
        row.cause,
        row.attempts,
        row.next_time,
        row.deliver_by,
        row.accept_time,
        row.end_time,
        tuple(tries),
        metadata,
        Settlement(row.settlement),
        row.settle_time,
        row.settle_reason,
    )
