"""Among 50,000 plans and as many events each listing and each edit by hand finds its rows by the index it names."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.arrays import turned
from chassis.operations import store as operations
from scheduler_service.store import event_requests, events, plan_edits, planned_events
from scheduler_service.store.filters import Filter
from scheduler_service.store.requested_events import _PEOPLE
from tests.integration.scheduler_service import test_statements_use_their_indexes as store
from tests.integration.scheduler_service.test_statements_use_their_indexes import scans

connection = store.connection

JUNE = datetime(2028, 6, 1, tzinfo=UTC)
YEAR = {"due_after": datetime(2028, 1, 1, tzinfo=UTC), "due_before": datetime(2029, 1, 1, tzinfo=UTC)}
AFTER = (JUNE, "")

# One event in a thousand was asked for by a caller; each of an order of its own.
_ASK = """
    UPDATE events SET request = jsonb_build_object('create_time', due_time, 'metadata',
        jsonb_build_object('order', user_id, 'campaign', 'summer'))
    WHERE user_id LIKE '%000'
"""


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Filter(**YEAR), "events_of_tenant"),
        (Filter(**YEAR, states=("SENT",), event_type_id="birthday", priority=2), "events_of_tenant"),
        (Filter(user_id="u77"), "events_of_user"),
        (Filter(user_id="u77", states=("SENT",), **YEAR), "events_of_user"),
        (Filter(metadata=(("order", "u7000"),)), "events_by_metadata"),
        (Filter(metadata=(("order", "u7000"),), states=("SENT",), **YEAR), "events_by_metadata"),
    ],
    ids=str,
)
async def test_a_page_of_ended_events(connection: AsyncConnection, asked: Filter, index: str) -> None:
    """Of a tenant, of a person and of metadata: each by its own index."""
    await connection.execute(text(_ASK))
    await connection.execute(text("ANALYZE events"))
    statement, bound = events.page_statement("tenant-1", asked, after=AFTER, size=101)
    assert await scans(connection, statement, bound) == {("events", index)}


async def test_a_page_of_planned_events(connection: AsyncConnection) -> None:
    """Of a tenant by due time in each shard, of a person by the range of their plan ids."""

    async def read(asked: Filter, part: bytes | None) -> set[tuple[str, str]]:
        statement, bound = planned_events.page_statement(
            "tenant-1", asked, user_part=part, types_of_priority=["birthday"], after=(JUNE, b""), size=101
        )
        return await scans(connection, statement, bound)

    assert await read(Filter(**YEAR), None) == {("plans", "plans_due")}
    assert await read(Filter(**YEAR, priority=2, event_type_id="birthday"), None) == {("plans", "plans_due")}
    assert await read(Filter(user_id="u1"), bytes.fromhex("0123456789abcdef")) == {("plans", "plans_pkey")}


async def test_edits_by_hand(connection: AsyncConnection) -> None:
    """Plans, events, ids of callers and people are found by their keys, five hundred at a time."""
    await connection.execute(
        text(
            """
            INSERT INTO event_requests (tenant_id, instance, event_id, body_hash, create_time)
            SELECT 'tenant-1', n::text, n::text, '', '2028-01-01Z' FROM generate_series(1, 50000) AS n
            """
        )
    )
    await connection.execute(
        text(
            """
            INSERT INTO recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name, family_name,
                occasions, attributes)
            SELECT 'tenant-1', n::text, '', 1, 'UTC', 'en', '', '', '[]', '{}' FROM generate_series(1, 50000) AS n
            """
        )
    )
    for table in ("event_requests", "recipients"):
        await connection.execute(text(f"ANALYZE {table}"))
    tenant = {"tenant_id": "tenant-1"}
    names = [str(n) for n in range(500)]
    ids = [bytes([n % 256]) * 16 for n in range(500)]

    async def indexes(statement: TextClause, bound: dict[str, object]) -> set[str]:
        return {index for _, index in await scans(connection, statement, bound)}

    assert await indexes(plan_edits._LOCK, {**tenant, "plan_ids": ids}) == {"plans_pkey"}
    assert await indexes(events._OF_IDS, {**tenant, "event_ids": names}) == {"events_pkey"}
    known = {**tenant, "instances": names}
    assert await indexes(event_requests._OF, known) == {"event_requests_pkey"}
    assert await indexes(_PEOPLE, {**tenant, "user_ids": names}) == {"recipients_pkey"}
    asked = {**turned(event_requests._ASKED, [(name, name) for name in names]), **tenant}
    unknown = await indexes(event_requests._UNKNOWN, asked)
    assert {"recipients_pkey", "event_requests_pkey"} <= unknown
    assert "Seq Scan" not in unknown


async def test_operations_by_their_indexes(connection: AsyncConnection) -> None:
    """Open operations among a hundred thousand ended ones, and a page of all of them, by their indexes."""
    await connection.execute(
        text(
            """
            INSERT INTO operations (operation_id, tenant_id, kind, state, create_time, update_time, end_time)
            SELECT gen_random_uuid(), 'tenant-1', 'reissue_events', 'SUCCEEDED', d, d, d
            FROM generate_series(timestamptz '2028-01-01Z', '2028-03-10Z', interval '1 minute') AS d
            """
        )
    )
    await connection.execute(text("ANALYZE operations"))
    assert await scans(connection, operations._OPEN, {"kind": "reissue_events", "size": 100}) == {
        ("operations", "operations_open")
    }
    page = {"tenant_id": "tenant-1", "before_time": JUNE, "before_id": "0" * 32, "size": 101}
    assert await scans(connection, operations._PAGE, page) == {("operations", "operations_of_tenant")}
