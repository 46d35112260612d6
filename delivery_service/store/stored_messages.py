"""Messages by their ids, whichever endpoint they are for."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.arrays import source
from delivery_service.domain.deliveries import INBOX, DeliveryState
from delivery_service.domain.event_outcomes import EventOutcome
from delivery_service.store.event_outcomes import outcomes
from delivery_service.store.inbox import MESSAGE, InboxMessage, message
from delivery_service.store.stops import stopped

# By the primary keys. The dates are not known here: each month of messages is probed, of deliveries only that of a
# message that was found.
_GET = text(f"""
    SELECT {MESSAGE}, m.body, m.accept_time AS at, {stopped("m")} AS stopped, q.waiting, q.lease_until, d.ack_time
    FROM {source({"event_id": "text"}, name="a")}
    CROSS JOIN LATERAL (SELECT * FROM messages WHERE event_id = a.event_id OFFSET 0) m
    LEFT JOIN LATERAL (
        SELECT true AS waiting, lease_until FROM queue
        WHERE event_id = m.event_id AND endpoint_id = '{INBOX}' LIMIT 1
    ) q ON true
    LEFT JOIN LATERAL (
        SELECT end_time AS ack_time FROM deliveries
        WHERE event_id = m.event_id AND endpoint_id = '{INBOX}' AND occurrence_date = m.occurrence_date
          AND state = {DeliveryState.DELIVERED:d} LIMIT 1
    ) d ON true
    WHERE m.tenant_id = :tenant_id
""")


@dataclass(frozen=True)
class StoredMessage:
    """A message with how it stands; `waiting`: it is in the inbox; `stopped`: nobody may have it."""

    message: InboxMessage
    waiting: bool
    stopped: bool
    outcome: EventOutcome


async def get(engine: AsyncEngine, tenant_id: str, event_ids: Iterable[str]) -> dict[str, StoredMessage]:
    """Return the tenant's messages among these; one that it does not have is missing."""
    wanted = sorted(set(event_ids))
    async with engine.connect() as connection:
        rows = (await connection.execute(_GET, {"tenant_id": tenant_id, "event_id": wanted})).all()
    judged = await outcomes(
        engine, tenant_id, [row.event_id for row in rows], [row.occurrence_date for row in rows]
    )
    return {
        row.event_id: StoredMessage(
            message(row), bool(row.waiting), row.stopped, judged[row.event_id].outcome
        )
        for row in rows
        if row.event_id in judged  # not when retention dropped its month between the two
    }
