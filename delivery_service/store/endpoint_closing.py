"""What waits for a later attempt to an endpoint that is disabled or deleted is due now: it can only end.

Carried by the primary key of endpoints and by queue_lane (owner, tenant_id, endpoint_id, next_time).
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source
from delivery_service.domain.deliveries import INBOX, LaneKey
from delivery_service.domain.endpoints import EndpointState

AT_ONCE: Final = 1000
"""Rows of one endpoint that one statement moves; it holds their locks."""

_LANES = source({"tenant_id": "text", "endpoint_id": "text"}, name="lane")

_CLOSED = text(f"""
    SELECT lane.tenant_id, lane.endpoint_id
    FROM {_LANES} LEFT JOIN endpoints e USING (tenant_id, endpoint_id)
    WHERE lane.endpoint_id <> '{INBOX}' AND (e.state IS NULL OR e.state = {EndpointState.DISABLED:d})
""")

# Skips what somebody holds, so it waits for nobody and its order is no matter. Owned rows are with a replica that
# knows, within a second, that the endpoint is closed.
_HASTEN = text(f"""
    WITH picked AS MATERIALIZED (
        SELECT q.event_id, q.endpoint_id, q.round, q.tenant_id FROM {_LANES}, LATERAL (
            SELECT event_id, endpoint_id, round, tenant_id FROM queue
            WHERE owner IS NULL AND tenant_id = lane.tenant_id AND endpoint_id = lane.endpoint_id
              AND next_time > :real_now
            ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
        ) q
    ), moved AS (
        UPDATE queue q SET next_time = :real_now FROM picked p
        WHERE q.event_id = p.event_id AND q.endpoint_id = p.endpoint_id AND q.round = p.round
        RETURNING q.tenant_id, q.endpoint_id
    )
    SELECT tenant_id, endpoint_id, count(*) AS moved FROM moved GROUP BY tenant_id, endpoint_id
""")


async def closed(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> list[LaneKey]:
    """Return those of these lanes whose endpoint is disabled or gone."""
    rows = (await connection.execute(_CLOSED, _named(lanes))).all()
    return [LaneKey(row.tenant_id, row.endpoint_id) for row in rows]


async def hasten(
    connection: AsyncConnection, lanes: Sequence[LaneKey], *, real_now: Instant
) -> dict[LaneKey, int]:
    """Make what waits for later in these lanes due now, up to 1,000 each; return how many of which."""
    parameters = {**_named(lanes), "real_now": real_now.to_stdlib()}
    rows = (await connection.execute(_HASTEN, parameters)).all()
    return {LaneKey(row.tenant_id, row.endpoint_id): row.moved for row in rows}


def _named(lanes: Sequence[LaneKey]) -> dict[str, list[str]]:
    return {
        "tenant_id": [lane.tenant_id for lane in lanes],
        "endpoint_id": [lane.endpoint_id for lane in lanes],
    }
