"""How a message leaves the inbox: acknowledged or deleted, both final."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState

_NAMED: Final = "event_id = ANY(CAST(:event_id AS text[])) AND tenant_id = :tenant_id"
_END: Final = """
    INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
        accept_time, deliver_by, end_time)
    SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, {state:d}, {cause:d}, attempts,
        accept_time, deliver_by, :now FROM {gone}
"""

# Every pending delivery of the events is locked, in the order of ids, as whatever else changes many rows. What
# nobody holds ends here; what a replica holds it ends itself, as soon as it sees the withdrawal, because only it
# knows what is on the wire. By the primary key of the queue.
_ACK: Final = text(f"""
    WITH locked AS MATERIALIZED (
        SELECT event_id, endpoint_id, round, tenant_id, owner FROM queue WHERE {_NAMED}
        ORDER BY event_id, endpoint_id, round FOR UPDATE
    ), taken AS (
        SELECT DISTINCT event_id FROM locked WHERE endpoint_id = '{INBOX}'
    ), gone AS (
        DELETE FROM queue q USING locked l
        WHERE q.event_id = l.event_id AND q.endpoint_id = l.endpoint_id AND q.round = l.round
          AND l.owner IS NULL AND l.event_id IN (SELECT event_id FROM taken)
        RETURNING q.*
    ), received AS (
        {_END.format(state=DeliveryState.DELIVERED, cause=DeliveryCause.NONE, gone=f"gone WHERE endpoint_id = '{INBOX}'")}
    ), cancelled AS (
        {_END.format(state=DeliveryState.CANCELLED, cause=DeliveryCause.ACKNOWLEDGED, gone=f"gone WHERE endpoint_id <> '{INBOX}'")}
    ), held AS (
        INSERT INTO withdrawals (event_id, endpoint_id, round)
        SELECT event_id, endpoint_id, round FROM locked
        WHERE owner IS NOT NULL AND event_id IN (SELECT event_id FROM taken)
        ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
        RETURNING event_id
    )
    SELECT t.event_id, EXISTS (SELECT FROM held h WHERE h.event_id = t.event_id) AS on_the_wire FROM taken t
""")

_DELETE: Final = text(f"""
    WITH locked AS MATERIALIZED (
        SELECT event_id, endpoint_id, round FROM queue WHERE {_NAMED} AND endpoint_id = '{INBOX}'
        ORDER BY event_id, endpoint_id, round FOR UPDATE
    ), gone AS (
        DELETE FROM queue q USING locked l
        WHERE q.event_id = l.event_id AND q.endpoint_id = l.endpoint_id AND q.round = l.round
        RETURNING q.*
    ), ended AS (
        {_END.format(state=DeliveryState.CANCELLED, cause=DeliveryCause.DISCARDED, gone="gone")}
    )
    SELECT DISTINCT event_id FROM gone
""")

# By the primary keys; the dates are not known here: each month's index is probed.
_STANDING: Final = text(f"""
    SELECT event_id, {DeliveryState.PENDING:d} AS state, 0 AS cause FROM queue
    WHERE {_NAMED} AND endpoint_id = '{INBOX}'
    UNION ALL
    SELECT event_id, state, cause FROM deliveries WHERE {_NAMED} AND endpoint_id = '{INBOX}'
""")


class Standing(Enum):
    """How a message stands in the inbox; of several rounds the first of these counts."""

    WAITING = auto()
    """Nobody has acknowledged or deleted it."""
    ACKED = auto()
    """Acknowledged."""
    DISCARDED = auto()
    """Deleted."""
    STOPPED = auto()
    """Stopped, for example because its user was deleted."""


class Acknowledged(NamedTuple):
    """Messages acknowledged now or before; those of which a replica holds a delivery; how many are fresh; why not
    the others, as far as the inbox knows them."""

    event_ids: set[str]
    on_the_wire: set[str]
    fresh: int
    others: Mapping[str, Standing]


class Discarded(NamedTuple):
    """Messages deleted now or before, how many are fresh, and why not the others."""

    event_ids: set[str]
    fresh: int
    others: Mapping[str, Standing]


async def acknowledge(
    engine: AsyncEngine, tenant_id: str, event_ids: Iterable[str], *, now: Instant
) -> Acknowledged:
    """Acknowledge messages and end what is pending at endpoints, in one transaction; repeatable."""
    wanted = sorted(set(event_ids))
    async with unit_of_work(engine) as connection:
        parameters = {"tenant_id": tenant_id, "event_id": wanted, "now": now.to_stdlib()}
        rows = (await connection.execute(_ACK, parameters)).all()
        fresh = {row.event_id for row in rows}
        others = await standings(connection, tenant_id, set(wanted) - fresh)
    before = {event_id for event_id, found in others.items() if found is Standing.ACKED}
    return Acknowledged(fresh | before, {row.event_id for row in rows if row.on_the_wire}, len(fresh), others)


async def discard(
    engine: AsyncEngine, tenant_id: str, event_ids: Iterable[str], *, now: Instant
) -> Discarded:
    """End messages without their being received; deliveries to endpoints go on. Repeatable."""
    wanted = sorted(set(event_ids))
    async with unit_of_work(engine) as connection:
        parameters = {"tenant_id": tenant_id, "event_id": wanted, "now": now.to_stdlib()}
        fresh = set((await connection.execute(_DELETE, parameters)).scalars())
        others = await standings(connection, tenant_id, set(wanted) - fresh)
    before = {event_id for event_id, found in others.items() if found is Standing.DISCARDED}
    return Discarded(fresh | before, len(fresh), others)


async def standings(
    connection: AsyncConnection, tenant_id: str, event_ids: Iterable[str]
) -> dict[str, Standing]:
    """Return how messages stand; one that the inbox never had is missing."""
    wanted = sorted(event_ids)
    if not wanted:
        return {}
    rows = (await connection.execute(_STANDING, {"tenant_id": tenant_id, "event_id": wanted})).all()
    found: dict[str, Standing] = {}
    for row in rows:
        now, known = _standing(row), found.get(row.event_id)
        if known is None or now.value < known.value:
            found[row.event_id] = now
    return found


def _standing(row: Row[Any]) -> Standing:
    if row.state == DeliveryState.PENDING:
        return Standing.WAITING
    if row.state == DeliveryState.DELIVERED:
        return Standing.ACKED
    return Standing.DISCARDED if row.cause == DeliveryCause.DISCARDED else Standing.STOPPED
