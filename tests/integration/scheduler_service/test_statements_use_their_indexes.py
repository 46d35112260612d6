"""Among 50,000 plans and as many events each hot statement finds its few rows by the index it names."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.arrays import turned
from chassis.database import create_engine
from scheduler_service.store import SCHEMA, decisions, plans
from tests.integration.scheduler_service.conftest import World
from tests.integration.scheduler_service.test_the_decision_is_compared import decided, named, planned

_FILL = (
    """
    INSERT INTO plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard, version, cycle,
        occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT id, 'tenant-1', 'u' || n, 'birthday', 'birthday', '', get_byte(id, 0) >> 2, 1, '2028', due::date,
        due, due, due + interval '15 hours', '2027-01-01Z', 1, 1, '2026a', '', false
    FROM (SELECT n, decode(md5(n::text), 'hex') AS id, timestamptz '2028-01-01 09:00Z' + (n % 366) * interval '1 day'
          FROM generate_series(1, 50000) AS n) AS made (n, id, due)
    """,
    """
    INSERT INTO events (event_id, tenant_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date,
        state, reason, nominal_due_time, due_time, deliver_by, decide_time, late, priority, event_type_version,
        recipient_version, tzdata_version, time_zone, utc_offset_seconds, shifts)
    SELECT 'evt_' || encode(plan_id, 'hex'), tenant_id, user_id, event_type_id, occasion_id, instance, cycle,
        occurrence_date, 'SENT', '', nominal_due_time, due_time, deliver_by, due_time, false, 2, 1, 1, '2026a',
        'UTC', 0, '' FROM plans
    """,
    "ANALYZE plans",
    "ANALYZE events",
)


@pytest.fixture
async def connection(world: World) -> AsyncIterator[AsyncConnection]:
    """A connection to a store that is full."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with engine.begin() as opened:
        for statement in _FILL:
            await opened.execute(text(statement))
        yield opened
    await engine.dispose()


async def scans(
    connection: AsyncConnection, statement: TextClause, bound: dict[str, Any]
) -> set[tuple[str, str]]:
    """Return (table, index or kind of scan) of every table that the statement reads."""
    answer = await connection.execute(text("EXPLAIN (FORMAT JSON) " + statement.text), bound)
    found: set[tuple[str, str]] = set()
    waiting = [answer.scalar_one()[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node["Node Type"] == "Bitmap Index Scan":
            found.add((node["Index Name"].split("_")[0], node["Index Name"]))
        elif "Relation Name" in node and "Scan" in node["Node Type"] and "Bitmap" not in node["Node Type"]:
            found.add((node["Relation Name"], node.get("Index Name", node["Node Type"])))
    return found


async def test_a_tenant_that_has_nothing_due_is_not_looked_for_in_the_whole_table(
    connection: AsyncConnection,
) -> None:
    """All that is due is another tenant's: most rows match then, and PostgreSQL would try them one by one."""
    bound = {**turned(plans._START, []), "horizon": datetime(2029, 1, 1, tzinfo=UTC)}
    read = await scans(connection, plans._DUE_TENANTS, bound)
    assert {by for table, by in read if table == "plans"} == {"plans_due"}


async def test_hot_statements(connection: AsyncConnection) -> None:
    """Due plans, a person's plans and the lock of a decision: none reads a whole table."""
    since, until = datetime(2028, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, 9, 0, 2, tzinfo=UTC)
    stretch = turned(plans._STRETCH, [("tenant-1", False, since, b"\xff", until)])
    due = {**stretch, "shards": list(range(22)), "low": b"", "high": b"\x58", "each": 12_000}
    assert await scans(connection, plans._DUE_KEYS, due) == {("plans", "plans_due")}

    parts = [bytes.fromhex(f"{n:016x}") for n in range(0, 2**63, 2**54)][:500]
    people = turned(plans._RANGE, [plans.user_range(part) for part in parts])
    assert await scans(connection, plans._OF_USERS, people) == {("plans", "plans_pkey")}
    low, high = plans.user_range(parts[0])
    assert await scans(connection, plans._OF_USER, {"low": low, "high": high}) == {("plans", "plans_pkey")}

    batch = [decided(planned(f"u{n}")) for n in range(500)]
    rows = [decisions._row(one, name) for one, name in zip(batch, named(batch), strict=True)]
    bound = {
        **turned(decisions._COLUMNS, rows),
        "decide_time": datetime(2028, 3, 2, tzinfo=UTC),
        "by_hand": False,
    }
    read = await scans(connection, decisions._DECIDE, bound)
    assert {index for table, index in read if table == "plans"} == {"plans_pkey"}
    prefetch = {"plan_ids": [one.plan.plan_id for one in batch]}
    assert ("plans", "plans_pkey") in await scans(connection, plans._PREFETCH, prefetch)
