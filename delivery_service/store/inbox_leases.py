"""Leases of inbox messages: who works on one, and until when (real clock).

A lease is two columns of the queue's row that no index has, so that taking one touches none. Two readers never
get the same row: whoever locks it first has it, the other one looks further.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.arrays import source
from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX
from delivery_service.store.inbox import MESSAGE, SCANNED, InboxMessage, Key, message
from delivery_service.store.inbox_filters import InboxFilter, of_message, of_times, of_user, order

AT_ONCE: Final = 200
"""Most messages leased by one statement: their bodies have 4 MB."""

_MINE: Final = f"q.owner IS NULL AND q.tenant_id = :tenant_id AND q.endpoint_id = '{INBOX}'"
_AFTER: Final = "AND (q.next_time, q.event_id) > (:after_time, :after_id)"
# How far one look goes when messages must be read to know which are wanted. By queue_lane or queue_inbox_user.
_EDGE: Final = f"""
    SELECT q.next_time, q.event_id FROM queue q WHERE {_MINE} {_AFTER} {{times}} {{user}}
    ORDER BY {{order}} OFFSET :scanned - 1 LIMIT 1
"""
# By queue_lane or queue_inbox_user, the oldest first; messages by their primary key. The scalar subquery is never turned
# into a join: the scan stops when it has enough.
_LEASE: Final = f"""
    WITH picked AS MATERIALIZED (
        SELECT q.event_id, q.round, q.next_time, q.lease_token FROM queue q
        WHERE {_MINE} {_AFTER} {{times}} {{user}} {{edge}}
          AND (q.lease_until IS NULL OR q.lease_until <= :real_now) {{message}}
        ORDER BY {{order}} LIMIT :room FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE queue q SET lease_until = :until, lease_token = :token FROM picked p
        WHERE q.event_id = p.event_id AND q.endpoint_id = '{INBOX}' AND q.round = p.round
        RETURNING q.event_id, q.occurrence_date, p.next_time AS at, q.lease_until, p.lease_token <> '' AS ran_out
    )
    SELECT {MESSAGE}, m.body, l.at, CAST(NULL AS timestamptz) AS ack_time, l.lease_until, l.ran_out
    FROM leased l CROSS JOIN LATERAL (
        SELECT * FROM messages m WHERE m.event_id = l.event_id AND m.occurrence_date = l.occurrence_date OFFSET 0
    ) m ORDER BY l.at, m.event_id
"""
_WANTED: Final = """
    AND (SELECT true FROM messages m
         WHERE m.event_id = q.event_id AND m.occurrence_date = q.occurrence_date {conditions} OFFSET 0)
"""

# Locked in the order of ids, as whatever else changes many rows. By the primary key.
_CHANGE: Final = f"""
    WITH locked AS MATERIALIZED (
        SELECT q.event_id, q.round FROM {source({"event_id": "text", "lease_token": "text"}, name="o")}
        JOIN queue q USING (event_id, lease_token)
        WHERE q.endpoint_id = '{INBOX}' AND q.tenant_id = :tenant_id AND q.lease_token <> ''
        ORDER BY q.event_id, q.round FOR UPDATE OF q
    )
    UPDATE queue q SET lease_until = :until {{cleared}} FROM locked l
    WHERE q.event_id = l.event_id AND q.endpoint_id = '{INBOX}' AND q.round = l.round
    RETURNING q.event_id
"""
_EXTEND: Final = text(_CHANGE.format(cleared=""))
_RELEASE: Final = text(_CHANGE.format(cleared=", lease_token = ''"))
# By the primary key.
_HELD: Final = text(f"""
    SELECT q.event_id FROM {source({"event_id": "text", "lease_token": "text"}, name="o")}
    JOIN queue q USING (event_id, lease_token)
    WHERE q.endpoint_id = '{INBOX}' AND q.tenant_id = :tenant_id AND q.lease_until > :real_now
""")


class Lease(NamedTuple):
    """A message and the token of its lease."""

    event_id: str
    lease_token: str


class Leased(NamedTuple):
    """What one look took: messages, how many had a lease that ran out, and how far it went (None: to the end)."""

    messages: list[InboxMessage]
    ran_out: int
    edge: Key | None


async def lease(
    engine: AsyncEngine,
    tenant_id: str,
    asked: InboxFilter,
    *,
    after: Key,
    room: int,
    token: str,
    real_now: Instant,
    until: Instant,
    scanned: int = SCANNED,
) -> Leased:
    """Lease up to `room` free messages after a key, the oldest first, at most 200.

    With a filter on what only messages tell at most `scanned` rows are looked at.
    """
    parameters: dict[str, Any] = {
        "tenant_id": tenant_id,
        "after_time": after[0],
        "after_id": after[1],
        "room": min(room, AT_ONCE),
        "token": token,
        "real_now": real_now.to_stdlib(),
        "until": until.to_stdlib(),
    }
    async with unit_of_work(engine) as connection:
        edge = None
        if asked.reads_messages:
            query, bound = edge_statement(asked)
            found = await connection.execute(text(query), {**parameters, **bound, "scanned": scanned})
            edge = next(((row.next_time, row.event_id) for row in found), None)
        query, bound = statement(asked, edge=edge)
        rows = (await connection.execute(text(query), {**parameters, **bound})).all()
    return Leased([message(row) for row in rows], sum(row.ran_out for row in rows), edge)


def edge_statement(asked: InboxFilter) -> tuple[str, dict[str, Any]]:
    """Return the statement that finds how far one look goes, and what is bound by the filter."""
    times, bound = of_times(asked, "q.next_time")
    query = _EDGE.format(times=times, user=of_user(asked), order=order(asked))
    return query, bound | ({"user_id": asked.user_id} if asked.user_id else {})


def statement(asked: InboxFilter, *, edge: Key | None) -> tuple[str, dict[str, Any]]:
    """Return the statement that leases, no further than `edge`, and what is bound by filter and edge."""
    times, bound_times = of_times(asked, "q.next_time")
    conditions, bound = of_message(asked)
    query = _LEASE.format(
        times=times,
        user=of_user(asked),
        order=order(asked),
        edge="AND (q.next_time, q.event_id) <= (:edge_time, :edge_id)" if edge else "",
        message=_WANTED.format(conditions=conditions) if asked.reads_messages else "",
    )
    limits = {"edge_time": edge[0], "edge_id": edge[1]} if edge else {}
    return query, {**bound_times, **bound, **limits}


async def extend(engine: AsyncEngine, tenant_id: str, leases: Sequence[Lease], *, until: Instant) -> set[str]:
    """Make leases last until then; return the messages whose token was the present one."""
    return await _change(engine, _EXTEND, tenant_id, leases, until)


async def release(
    engine: AsyncEngine, tenant_id: str, leases: Sequence[Lease], *, free_from: Instant
) -> set[str]:
    """End leases; nobody gets the messages before `free_from`. Return those whose token was the present one."""
    return await _change(engine, _RELEASE, tenant_id, leases, free_from)


async def held(
    engine: AsyncEngine, tenant_id: str, leases: Sequence[Lease], *, real_now: Instant
) -> set[str]:
    """Return the messages of which these leases still hold."""
    parameters = {**_columns(leases), "tenant_id": tenant_id, "real_now": real_now.to_stdlib()}
    async with engine.connect() as connection:
        return set((await connection.execute(_HELD, parameters)).scalars())


async def _change(
    engine: AsyncEngine, query: Any, tenant_id: str, leases: Sequence[Lease], until: Instant
) -> set[str]:
    parameters = {**_columns(leases), "tenant_id": tenant_id, "until": until.to_stdlib()}
    async with unit_of_work(engine) as connection:
        return set((await connection.execute(query, parameters)).scalars())


def _columns(leases: Sequence[Lease]) -> dict[str, list[str]]:
    return {
        "event_id": [one.event_id for one in leases],
        "lease_token": [one.lease_token for one in leases],
    }
