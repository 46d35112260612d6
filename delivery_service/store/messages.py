"""Messages: an event is stored once, by its id, together with its deliveries, in one transaction."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.arrays import Columns, source, turned
from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState, LaneKey
from delivery_service.domain.endpoints import EndpointState
from delivery_service.store.partitions import Partitions
from delivery_service.store.stops import SHARE, stopped

COLUMNS: Columns = {
    "event_id": "text",
    "occurrence_date": "date",
    "tenant_id": "text",
    "user_id": "text",
    "event_type_id": "text",
    "due_time": "timestamptz",
    "decide_time": "timestamptz",
    "deliver_by": "timestamptz",
    "priority": "smallint",
    "body": "bytea",
    "metadata": "text",
    "traceparent": "text",
}

_FULL = source(
    {"full_tenant": "text", "full_endpoint": "text"}, name="full_lane", renamed="tenant_id, endpoint_id"
)

# One statement: what was new decides what is addressed, so that a second offer, even after endpoints
# changed, adds nothing. A lane without room gets its row without an owner, to be fetched later.
_ACCEPT = text(f"""
    WITH fresh AS (
        INSERT INTO messages ({", ".join(COLUMNS)}, accept_time)
        SELECT o.*, :now FROM {source(COLUMNS, name="o")} ORDER BY o.event_id
        ON CONFLICT (event_id, occurrence_date) DO NOTHING
        RETURNING event_id, occurrence_date, tenant_id, user_id, decide_time, deliver_by
    ), judged AS (
        SELECT f.*, {stopped("f")} AS stopped FROM fresh f
    ), addressed AS (
        SELECT j.*, coalesce(e.endpoint_id, '{INBOX}') AS endpoint_id,
            CASE WHEN e.endpoint_id IS NULL OR full_lane.tenant_id IS NOT NULL OR j.stopped THEN NULL
                 ELSE CAST(:owner AS bigint) END AS owner
        FROM judged j
        LEFT JOIN endpoints e ON e.tenant_id = j.tenant_id AND e.state = {EndpointState.ENABLED:d}
        LEFT JOIN {_FULL}
            ON full_lane.tenant_id = e.tenant_id AND full_lane.endpoint_id = e.endpoint_id
    ), queued AS (
        INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
            next_time, decide_time, deliver_by, accept_time)
        SELECT event_id, endpoint_id, 1, tenant_id, user_id, occurrence_date, owner, 0, 0,
            CASE WHEN endpoint_id = '{INBOX}' THEN :now ELSE :real_now END, decide_time, deliver_by, :now
        FROM addressed WHERE NOT stopped
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, 1, occurrence_date, tenant_id, {DeliveryState.CANCELLED:d},
            {DeliveryCause.CANCELLED:d}, 0, :now, deliver_by, :now
        FROM addressed WHERE stopped
    )
    SELECT event_id, endpoint_id, owner IS NOT NULL AS held, stopped FROM addressed
""")

Offered = tuple[str, date, str, str, str, datetime, datetime, datetime, int, bytes, str, str]
"""One event, in the order of COLUMNS."""


class Addressed(NamedTuple):
    """A delivery made by an accept: `held` when this replica owns it, `stopped` when a stop overtook it."""

    event_id: str
    endpoint_id: str
    held: bool
    stopped: bool


async def accept(
    engine: AsyncEngine,
    partitions: Partitions,
    offered: Sequence[Offered],
    *,
    now: Instant,
    real_now: Instant,
    owner: int | None,
    full_lanes: Sequence[LaneKey],
) -> list[Addressed]:
    """Store what is new and address it to the enabled endpoints of its tenant, or to the inbox.

    Returns the deliveries made; an event known before has none. By the primary keys of messages,
    stops and endpoints.
    """
    columns = turned(COLUMNS, offered)
    await partitions.ensure(columns["occurrence_date"])
    parameters: dict[str, Any] = {
        **columns,
        "now": now.to_stdlib(),
        "real_now": real_now.to_stdlib(),
        "owner": owner,
        "full_tenant": [lane.tenant_id for lane in full_lanes],
        "full_endpoint": [lane.endpoint_id for lane in full_lanes],
    }
    async with unit_of_work(engine) as connection:
        await connection.execute(SHARE)
        found = await connection.execute(_ACCEPT, parameters)
        return [Addressed._make(row) for row in found.all()]
