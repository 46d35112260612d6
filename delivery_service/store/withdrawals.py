"""Pending deliveries whose message was acknowledged in the inbox while a replica held them."""

# ruff: noqa: S608 - every name in these statements is of this module

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState

_MOST = 5000
# The table is a few rows; the queue by its primary key.
_ALL = text(f"""
    SELECT w.event_id, w.round, q.event_id IS NOT NULL AND q.owner IS NOT NULL AS held
    FROM withdrawals w LEFT JOIN queue q USING (event_id, endpoint_id, round) LIMIT {_MOST}
""")
# What nobody holds any more is ended, whichever replica comes first; what has ended by itself is forgotten.
# Deliveries are locked in the order of ids, as by whatever else changes many rows.
_SETTLE = text(f"""
    WITH free AS MATERIALIZED (
        SELECT q.event_id, q.endpoint_id, q.round FROM withdrawals w JOIN queue q USING (event_id, endpoint_id, round)
        WHERE q.owner IS NULL ORDER BY 1, 2, 3 FOR UPDATE OF q SKIP LOCKED
    ), gone AS (
        DELETE FROM queue q USING free f
        WHERE q.event_id = f.event_id AND q.endpoint_id = f.endpoint_id AND q.round = f.round RETURNING q.*
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, {DeliveryState.CANCELLED:d},
            {DeliveryCause.ACKNOWLEDGED:d}, attempts, accept_time, deliver_by, :now FROM gone
    ), over AS MATERIALIZED (
        SELECT w.event_id, w.endpoint_id, w.round FROM withdrawals w
        WHERE NOT EXISTS (SELECT FROM queue q
            WHERE q.event_id = w.event_id AND q.endpoint_id = w.endpoint_id AND q.round = w.round)
        ORDER BY 1, 2, 3 FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        DELETE FROM withdrawals w USING over o
        WHERE w.event_id = o.event_id AND w.endpoint_id = o.endpoint_id AND w.round = o.round
    )
    SELECT count(*) FROM gone
""")


class Withdrawal(NamedTuple):
    """A delivery to withdraw; `held`: a replica has it."""

    event_id: str
    round: int
    held: bool


async def listed(engine: AsyncEngine) -> list[Withdrawal]:
    """Return what is to be withdrawn."""
    async with engine.connect() as connection:
        return [Withdrawal(*row) for row in (await connection.execute(_ALL)).all()]


async def settle(engine: AsyncEngine, *, now: Instant) -> int:
    """End what nobody holds, forget what has ended; return how many were ended."""
    async with unit_of_work(engine) as connection:
        return int((await connection.execute(_SETTLE, {"now": now.to_stdlib()})).scalar_one())
