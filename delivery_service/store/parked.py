"""What waits for endpoints with open breakers beyond its deadline: nobody fetches it to send it, so it is ended here."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned
from delivery_service.domain.deliveries import LaneKey, QueuedDelivery
from delivery_service.store.stops import stopped

AT_ONCE: Final = 500
"""Deliveries of one endpoint that one statement takes."""

_KEY = {"tenant_id": "text", "endpoint_id": "text"}
# By queue_lane, all that waits for the endpoint: there is no index on the deadline, which would cost every delivery
# something for the few that are parked. Skips what somebody holds, so its order is no matter.
_TAKE_OVERDUE = text(f"""
    WITH picked AS MATERIALIZED (
        SELECT q.event_id, q.endpoint_id, q.round FROM {source(_KEY, name="lane")}, LATERAL (
            SELECT event_id, endpoint_id, round FROM queue
            WHERE owner IS NULL AND tenant_id = lane.tenant_id AND endpoint_id = lane.endpoint_id
              AND deliver_by <= :now
            LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
        ) q
    )
    UPDATE queue q SET owner = :owner FROM picked p
    WHERE q.event_id = p.event_id AND q.endpoint_id = p.endpoint_id AND q.round = p.round
    RETURNING q.event_id, q.endpoint_id, q.round, q.occurrence_date, q.attempts, q.tenant_id, q.user_id,
        q.decide_time, q.deliver_by, {stopped("q")} AS stopped
""")


async def take_overdue(
    connection: AsyncConnection, lanes: Sequence[LaneKey], *, owner: int, now: Instant
) -> list[tuple[str, QueuedDelivery]]:
    """Make what is past its deadline (business time) this owner's, up to 500 of each lane.

    Returns (endpoint id, delivery) of each, without what only an attempt needs.
    """
    parameters = {**turned(_KEY, lanes), "owner": owner, "now": now.to_stdlib()}
    rows = (await connection.execute(_TAKE_OVERDUE, parameters)).all()
    return [
        (
            row.endpoint_id,
            QueuedDelivery(
                event_id=row.event_id,
                round=row.round,
                occurrence_date=row.occurrence_date,
                attempts=row.attempts,
                tenant_id=row.tenant_id,
                user_id=row.user_id,
                due_time=Instant(row.deliver_by),
                decide_time=Instant(row.decide_time),
                deliver_by=Instant(row.deliver_by),
                traceparent="",
                body=b"",
                stopped=row.stopped,
            ),
        )
        for row in rows
    ]
