"""Listing, leasing, acknowledging and counting among 120,000 inbox messages: which indexes, how many rows."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from delivery_service.store import inbox, inbox_depth, inbox_endings, inbox_leases
from delivery_service.store.inbox_filters import InboxFilter
from delivery_service.store.partitions import Partitions
from tests.integration.delivery_service.conftest import TENANT_ID, World, running

EACH = 60_000
FIRST = (datetime.min.replace(tzinfo=UTC), "")
SCANNED = 5000
FILTERS = [
    InboxFilter(),
    InboxFilter(user_id="u7"),
    InboxFilter(event_type_id="anniversary"),
    InboxFilter(priority=3),
    InboxFilter(metadata=(("order", "54321"),)),
    InboxFilter(
        created_after=datetime(2027, 2, 20, tzinfo=UTC), created_before=datetime(2027, 2, 21, tzinfo=UTC)
    ),
]
# Accepted through February, one every few seconds; the first half waits, the second half is acknowledged. Every
# hundredth user has a message; one in a thousand is of another type.
_MESSAGES = """
    INSERT INTO messages (event_id, occurrence_date, tenant_id, user_id, event_type_id, due_time, decide_time,
        deliver_by, priority, body, metadata, traceparent, accept_time)
    SELECT 'evt_' || left(md5(i::text), 26) || '_2027', DATE '2027-01-15' + (i % 60), :tenant, 'u' || i / 2,
        CASE WHEN i % 1000 = 999 THEN 'anniversary' ELSE 'birthday' END, t, t, t, 2, '\\x7b7d',
        '{"order": "' || i || '"}', '', t
    FROM (SELECT i, TIMESTAMPTZ '2027-02-01Z' + i % :each * INTERVAL '12 seconds' AS t
          FROM generate_series(1, 2 * :each) AS i) g
"""
_QUEUE = """
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, attempts, cause,
        next_time, decide_time, deliver_by, accept_time)
    SELECT event_id, {endpoint}, 1, tenant_id, user_id, occurrence_date, 0, 0, accept_time, accept_time, accept_time,
        accept_time FROM messages WHERE (CAST(CAST(metadata AS jsonb) ->> 'order' AS int) <= :each) = {waits}
"""
_ACKED = """
    INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
        accept_time, deliver_by, end_time)
    SELECT event_id, 'inbox', 1, occurrence_date, tenant_id, 2, 0, 1, accept_time, accept_time, accept_time
    FROM messages m WHERE NOT EXISTS (
        SELECT FROM queue q WHERE q.event_id = m.event_id AND q.endpoint_id = 'inbox')
"""


@pytest.fixture(params=[False, True], ids=["before-analyze", "after-analyze"])
async def world(database_url: str, request: Any) -> AsyncIterator[World]:
    """Run one replica, its loops at rest, over a large inbox."""
    async with running(database_url, serve=False) as made:
        await Partitions(made.engine).ensure([date(2027, month, 1) for month in (1, 2, 3)])
        async with made.engine.begin() as connection:
            for parent in ("messages", "deliveries"):
                for month in ("01", "02", "03"):
                    await connection.execute(
                        text(f"ALTER TABLE {parent}_2027_{month} SET (autovacuum_enabled = off)")
                    )
            await connection.execute(text("ALTER TABLE queue SET (autovacuum_enabled = off)"))
            parameters = {"tenant": TENANT_ID, "each": EACH}
            await connection.execute(text(_MESSAGES), parameters)
            await connection.execute(text(_queue("'inbox'", "true")), {"each": EACH})
            await connection.execute(text(_ACKED))
            await connection.execute(text(_queue("'hook'", "false")), {"each": EACH})
            if request.param:
                await connection.execute(text("ANALYZE messages, deliveries, queue"))
        yield made


async def test_every_page_and_every_look_reads_a_bounded_part_by_an_index(world: World) -> None:
    """Whatever a filter finds, a page and a reader look at no more than 5,000 rows of a kind, by an index.

    Their messages are found by key; a page, a lease, an acknowledgement and the depth together take under 2 s.
    """
    for asked in FILTERS:
        await _a_page(world, asked)
        await _a_lease(world, asked)
    await _small_calls(world)


async def _a_page(world: World, asked: InboxFilter) -> None:
    for acked in (False, True):
        query, parameters = inbox.statement(
            asked,
            acked=acked,
            tenant_id=TENANT_ID,
            after=FIRST,
            size=100,
            largest=2 * 1024 * 1024,
            scanned=SCANNED,
        )
        plan = await _plan(world, query, parameters)
        assert _by_index(plan), (asked, plan)
        kept = [node for node in plan if not node["Relation Name"].startswith("messages")]
        # One user's waiting messages are found by the user; the rest by the inbox's order.
        assert _touched(kept) <= SCANNED + 10, (asked, kept)
        messages = [node for node in plan if node["Relation Name"].startswith("messages")]
        assert _touched(messages) <= SCANNED + 10, (asked, messages)


async def _a_lease(world: World, asked: InboxFilter) -> None:
    now = world.clock.real()
    common = {
        "tenant_id": TENANT_ID,
        "after_time": FIRST[0],
        "after_id": FIRST[1],
        "room": 100,
        "token": "t",
        "real_now": now.to_stdlib(),
        "until": now.add(seconds=60).to_stdlib(),
    }
    edge = None
    if asked.reads_messages:
        query, bound = inbox_leases.edge_statement(asked)
        parameters = {**common, **bound, "scanned": SCANNED}
        plan = await _plan(world, query, {name: parameters[name] for name in _bound(query, parameters)})
        assert _by_index(plan), plan
        assert _touched(plan) <= SCANNED + 1, plan
        [row] = await world.rows(query, **{name: parameters[name] for name in _bound(query, parameters)})
        edge = (row.next_time, row.event_id)
    query, bound = inbox_leases.statement(asked, edge=edge)
    plan = await _plan(world, query, {**common, **bound})
    assert _by_index(plan), (asked, plan)
    read = [node for node in plan if node["Relation Name"] == "queue"]
    assert _touched(read) <= SCANNED + 2 * 100 + 10, (asked, read)


async def _small_calls(world: World) -> None:
    began = time.monotonic()
    page = await inbox.page(
        world.engine, TENANT_ID, InboxFilter(), unacked=True, acked=True, after=FIRST, size=100, largest=2**21
    )
    assert len(page.messages) == 100
    now = world.clock.real()
    leased = await inbox_leases.lease(
        world.engine,
        TENANT_ID,
        InboxFilter(),
        after=FIRST,
        room=10,
        token="t",
        real_now=now,
        until=now.add(seconds=60),
    )
    ids = [one.event_id for one in leased.messages]
    done = await inbox_endings.acknowledge(world.engine, TENANT_ID, ids, now=world.clock.now())
    assert done.fresh == 10
    found = await inbox_depth.depth(world.engine)
    assert found.messages == EACH - 10
    assert time.monotonic() - began < 2


def _queue(endpoint: str, waits: str) -> str:
    return _QUEUE.format(endpoint=endpoint, waits=waits)


def _bound(query: str, parameters: dict[str, Any]) -> list[str]:
    return [name for name in parameters if f":{name}" in query]


async def _plan(world: World, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a statement; return the nodes of its plan that read a table and were executed."""
    [[found]] = await world.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", **parameters)
    tree = json.loads(found) if isinstance(found, str) else found

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", []):
            yield from nodes(child)

    return [
        node
        for node in nodes(tree[0]["Plan"])
        if "Relation Name" in node and node["Actual Loops"] and node["Node Type"] != "ModifyTable"
    ]


def _by_index(plan: list[dict[str, Any]]) -> bool:
    return all("Index Name" in node or "Bitmap" in node["Node Type"] for node in plan)


def _touched(plan: list[dict[str, Any]]) -> float:
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in plan
    )
