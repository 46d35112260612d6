"""What became of events, summed over their endpoints and the inbox."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from delivery_service.domain.deliveries import INBOX, DeliveryState

RECEIVED: Final = 1
OPEN: Final = 2
UNCLAIMED: Final = 3
EXPIRED: Final = 4
DEAD: Final = 5
CANCELLED: Final = 6

# The numbers of redletter.common.v1.Outcome are its precedence: the least one counts. By the primary
# keys; the dates leave out every other month.
_OUTCOMES = text(f"""
    WITH asked AS (
        SELECT event_id, occurrence_date FROM messages
        WHERE event_id = ANY(CAST(:event_id AS text[])) AND occurrence_date = ANY(CAST(:dates AS date[]))
          AND tenant_id = :tenant_id
    ), found AS (
        SELECT q.event_id, CASE WHEN q.endpoint_id = '{INBOX}' THEN {UNCLAIMED} ELSE {OPEN} END AS outcome,
            CAST(NULL AS timestamptz) AS receive_time
        FROM queue q WHERE q.event_id = ANY(CAST(:event_id AS text[]))
        UNION ALL
        SELECT d.event_id, CASE d.state WHEN {DeliveryState.DELIVERED:d} THEN {RECEIVED}
            WHEN {DeliveryState.EXPIRED:d} THEN {EXPIRED} WHEN {DeliveryState.DEAD:d} THEN {DEAD} ELSE {CANCELLED} END,
            CASE d.state WHEN {DeliveryState.DELIVERED:d} THEN d.end_time END
        FROM deliveries d
        WHERE d.event_id = ANY(CAST(:event_id AS text[])) AND d.occurrence_date = ANY(CAST(:dates AS date[]))
    )
    SELECT a.event_id, min(f.outcome) AS outcome, min(f.receive_time) AS receive_time
    FROM asked a JOIN found f USING (event_id) GROUP BY a.event_id
""")


class EventOutcome(NamedTuple):
    """The number of redletter.common.v1.Outcome, and when it was first received."""

    outcome: int
    receive_time: datetime | None


async def outcomes(
    engine: AsyncEngine, tenant_id: str, event_ids: Sequence[str], dates: Sequence[date]
) -> dict[str, EventOutcome]:
    """Return what became of each event of the tenant; one that has no message is missing."""
    parameters = {"tenant_id": tenant_id, "event_id": list(event_ids), "dates": sorted(set(dates))}
    async with engine.connect() as connection:
        rows = (await connection.execute(_OUTCOMES, parameters)).all()
    return {row.event_id: EventOutcome(row.outcome, row.receive_time) for row in rows}
