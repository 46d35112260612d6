"""The plans of the ledger's statements, at size: which indexes, which partitions, how many rows."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from delivery_service.store import event_outcomes, ledger, stops
from delivery_service.store.partitions import Partitions
from tests.integration.delivery_service.conftest import TENANT_ID, World, running

DAY = date(2027, 2, 14)
MONTHS = [date(year, month, 1) for year in (2026, 2027) for month in range(1, 13)]
# A tenth of February's messages are the tenant's of the day.
_MESSAGES = """
    INSERT INTO messages (event_id, occurrence_date, tenant_id, user_id, event_type_id, due_time, decide_time,
        deliver_by, priority, body, metadata, traceparent, accept_time)
    SELECT 'evt_' || left(md5(i::text), 26) || '_2027',
        CASE WHEN i % 10 = 0 THEN DATE '2027-02-14' WHEN i % 10 = 1 THEN DATE '2027-01-01' + i % 300
             ELSE DATE '2027-02-01' + i % 28 END,
        CASE WHEN i % 10 > 4 THEN 'other' ELSE :tenant END, 'u' || i, 'birthday', :at, :at, :at, 2, '\\x7b7d', '', '', :at
    FROM generate_series(1, 30000) AS i
"""
_DELIVERIES = """
    INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
        accept_time, deliver_by, end_time)
    SELECT event_id, 'hook', 1, occurrence_date, tenant_id, 2, 0, 1, :at, :at,
        CAST(:at AS timestamptz) + make_interval(secs => row_number() OVER () / 1000.0) FROM messages
"""
_QUEUE = """
    INSERT INTO queue SELECT event_id, 'inbox', 1, tenant_id, user_id, occurrence_date, NULL, 0, 0, :at, :at, :at, :at
    FROM messages WHERE event_id LIKE 'evt_a%'
"""


async def fill(world: World) -> None:
    """Store 30,000 messages over two years of months, with their deliveries."""
    await Partitions(world.engine).ensure(MONTHS)
    parameters: dict[str, Any] = {"tenant": TENANT_ID, "at": world.clock.now().to_stdlib()}
    async with world.engine.begin() as connection:
        await connection.execute(text(_MESSAGES), parameters)
        for statement in (_DELIVERIES, _QUEUE):
            await connection.execute(text(statement), {"at": parameters["at"]})


async def analyze(world: World) -> None:
    """Give the planner its statistics."""
    async with world.engine.begin() as connection:
        await connection.execute(text("ANALYZE messages, deliveries, queue"))


async def plan_of(world: World, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a statement; return the nodes of its plan that read a table, executed or not."""
    [[found]] = await world.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", **parameters)
    tree = json.loads(found) if isinstance(found, str) else found

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", []):
            yield from nodes(child)

    return [node for node in nodes(tree[0]["Plan"]) if "Relation Name" in node]


def tables(plan: list[dict[str, Any]]) -> set[str]:
    """Return the tables that a plan may read."""
    return {node["Relation Name"] for node in plan}


def touched(plan: list[dict[str, Any]]) -> float:
    """Return how many rows a plan has looked at."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in plan
    )


@pytest.mark.parametrize("analyzed", [False, True], ids=["before-analyze", "after-analyze"])
async def test_a_date_is_read_from_its_month_by_its_indexes(database_url: str, analyzed: bool) -> None:
    """Summary, listing and outcomes touch the rows they answer for, whether the planner has statistics or not."""
    async with running(database_url, serve=False) as world:
        await fill(world)
        if analyzed:
            await analyze(world)
        day = {"tenant_id": TENANT_ID, "day": DAY}
        february = {"messages_2027_02", "deliveries_2027_02", "queue"}
        messages = (await ledger.summary(world.engine, TENANT_ID, DAY)).messages
        assert messages > 3000

        summary = await plan_of(world, ledger.SUMMARY, day)
        assert tables(summary) == february
        assert all("Index Name" in node or "Bitmap" in node["Node Type"] for node in summary), summary
        assert touched(summary) < 2.2 * messages

        listing = await plan_of(world, ledger.LISTING, {**day, "after": "evt_8", "size": 100})
        assert tables(listing) == february
        assert all("Index Name" in node or "Bitmap" in node["Node Type"] for node in listing), listing

        assert touched(listing) < messages + 220

        page = list(await ledger.listing(world.engine, TENANT_ID, DAY, after="evt_8", size=100))
        asked = {"tenant_id": TENANT_ID, "event_id": page, "on_date": [DAY] * len(page), "dates": [DAY]}
        outcomes = await plan_of(world, event_outcomes.OUTCOMES, asked)
        assert tables(outcomes) == february
        assert touched(outcomes) < 2.2 * len(page)

        named = {"tenant_id": TENANT_ID, "event_id": page, "decided_before": world.clock.now().to_stdlib()}
        standing = await plan_of(world, stops.STANDING, named)
        read = {node["Relation Name"] for node in standing if node["Actual Loops"]}
        assert {table for table in read if table.startswith("deliveries")} == {"deliveries_2027_02"}
        assert touched([node for node in standing if node["Relation Name"] in february]) < 2.2 * len(page)
