"""How much waits in all inboxes, and since when."""

# ruff: noqa: S608 - every name in these statements is of this module

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from delivery_service.domain.deliveries import INBOX

_COUNTED = 1_000_000
# By queue_lane: unowned rows, those that wait for a retry included.
_DEPTH = text(
    f"SELECT count(*) FROM (SELECT FROM queue WHERE owner IS NULL AND endpoint_id = '{INBOX}' LIMIT {_COUNTED}) q"
)
# A skip scan: one probe of queue_lane per lane that has unowned rows, whatever their number.
_OLDEST = text(f"""
    WITH RECURSIVE lane AS (
        (SELECT tenant_id, endpoint_id, next_time FROM queue WHERE owner IS NULL
         ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT 1)
        UNION ALL
        SELECT q.tenant_id, q.endpoint_id, q.next_time FROM lane, LATERAL (
            SELECT tenant_id, endpoint_id, next_time FROM queue
            WHERE owner IS NULL AND (tenant_id, endpoint_id) > (lane.tenant_id, lane.endpoint_id)
            ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT 1
        ) q
    )
    SELECT min(next_time) FROM lane WHERE endpoint_id = '{INBOX}'
""")


class Depth(NamedTuple):
    """Unacknowledged messages of all inboxes (at most a million) and when the oldest was accepted."""

    messages: int
    oldest: datetime | None


async def depth(engine: AsyncEngine) -> Depth:
    """Return how much waits."""
    async with engine.connect() as connection:
        oldest = (await connection.execute(_OLDEST)).scalar_one()
        return Depth(int((await connection.execute(_DEPTH)).scalar_one()), oldest)
