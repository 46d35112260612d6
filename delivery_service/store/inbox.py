"""The inbox: unacknowledged messages are rows of the queue, acknowledged ones deliveries."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryState

# By queue_lane: unowned rows of (tenant, inbox) in the order of next_time, which here is the accept time.
_UNACKED = (
    f"""
    SELECT q.event_id, q.occurrence_date, q.accept_time, CAST(NULL AS timestamptz) AS ack_time FROM queue q
    WHERE q.owner IS NULL AND q.tenant_id = :tenant_id AND q.endpoint_id = '{INBOX}'
      AND (q.next_time, q.event_id) > (:after_time, :after_id)
    """,
    "ORDER BY q.owner, q.next_time, q.event_id LIMIT :size",
)
# By deliveries_inbox.
_ACKED = (
    f"""
    SELECT d.event_id, d.occurrence_date, d.accept_time, d.end_time AS ack_time FROM deliveries d
    WHERE d.tenant_id = :tenant_id AND d.endpoint_id = '{INBOX}' AND d.state = {DeliveryState.DELIVERED:d}
      AND (d.accept_time, d.event_id) > (:after_time, :after_id)
    """,
    "ORDER BY d.accept_time, d.event_id LIMIT :size",
)
_PAGE = """
    SELECT m.event_id, m.user_id, m.event_type_id, m.body, k.accept_time, k.ack_time, m.due_time, m.deliver_by,
        m.priority, m.metadata
    FROM ({kept}) k JOIN messages m USING (event_id, occurrence_date)
    WHERE (:user_id = '' OR m.user_id = :user_id) AND (:event_type_id = '' OR m.event_type_id = :event_type_id)
    ORDER BY k.accept_time, k.event_id LIMIT :size
"""

_ACK = text(f"""
    WITH locked AS MATERIALIZED (
        SELECT event_id, round FROM queue
        WHERE event_id = ANY(CAST(:event_id AS text[])) AND endpoint_id = '{INBOX}' AND tenant_id = :tenant_id
        ORDER BY event_id, round FOR UPDATE
    ), gone AS (
        DELETE FROM queue q USING locked l
        WHERE q.event_id = l.event_id AND q.endpoint_id = '{INBOX}' AND q.round = l.round RETURNING q.*
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, {DeliveryState.DELIVERED:d}, 0, attempts,
            accept_time, deliver_by, :now FROM gone
    )
    SELECT event_id FROM gone
""")
_ACKED_BEFORE = text(f"""
    SELECT DISTINCT event_id FROM deliveries WHERE event_id = ANY(CAST(:event_id AS text[]))
      AND endpoint_id = '{INBOX}' AND tenant_id = :tenant_id AND state = {DeliveryState.DELIVERED:d}
""")


@dataclass(frozen=True)
class InboxMessage:
    """A message as its reader sees it; `ack_time` is None until it was acknowledged."""

    event_id: str
    user_id: str
    event_type_id: str
    body: bytes
    accept_time: datetime
    ack_time: datetime | None
    due_time: datetime
    deliver_by: datetime
    priority: int
    metadata: str


async def page(
    engine: AsyncEngine,
    tenant_id: str,
    *,
    unacked: bool,
    acked: bool,
    user_id: str,
    event_type_id: str,
    after: tuple[datetime, str],
    size: int,
) -> list[InboxMessage]:
    """Return up to `size` messages after (accept time, event id), in the order they were accepted."""
    # Without a filter on messages each index ends by itself; with one it is read until the page is full.
    whole = not user_id and not event_type_id
    parts = [
        part + order * whole for part, order, wanted in ((*_UNACKED, unacked), (*_ACKED, acked)) if wanted
    ]
    kept = " UNION ALL ".join(f"({part})" for part in parts)
    parameters: dict[str, Any] = {
        "tenant_id": tenant_id,
        "user_id": user_id,
        "event_type_id": event_type_id,
        "after_time": after[0],
        "after_id": after[1],
        "size": size,
    }
    async with engine.connect() as connection:
        rows = (await connection.execute(text(_PAGE.format(kept=kept)), parameters)).all()
    return [InboxMessage(*row) for row in rows]


async def acknowledge(
    engine: AsyncEngine, tenant_id: str, event_ids: Sequence[str], *, now: Instant
) -> set[str]:
    """Acknowledge messages; return those that are acknowledged now, whether by this call or before."""
    parameters = {"tenant_id": tenant_id, "event_id": sorted(set(event_ids))}
    async with unit_of_work(engine) as connection:
        fresh = {
            row.event_id for row in await connection.execute(_ACK, {**parameters, "now": now.to_stdlib()})
        }
        left = sorted(set(event_ids) - fresh)
        if not left:
            return fresh
        before = await connection.execute(_ACKED_BEFORE, {**parameters, "event_id": left})
        return fresh | {row.event_id for row in before}
