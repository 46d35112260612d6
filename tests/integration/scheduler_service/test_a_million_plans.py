"""Among a million plans each hot statement finds its rows by the index it names, and touches hardly any other."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import turned
from chassis.database import create_engine
from scheduler_service.domain.ids import BEYOND_ALL, shard_range
from scheduler_service.domain.plans import Plan
from scheduler_service.store import (
    SCHEMA,
    decisions,
    event_types,
    events,
    handovers,
    planned_events,
    plans,
    recipients,
    shard_work,
)
from scheduler_service.store.event_types import Stored
from scheduler_service.store.filters import Filter
from scheduler_service.store.plans import Place, Stretch
from scheduler_service.store.rows import PLAN, plan_row
from tests.integration.scheduler_service.conftest import World
from tests.integration.scheduler_service.test_the_decision_is_compared import (
    RULE,
    SINCE,
    decided,
    named,
    planned,
)

# Half of them are tenant-1's, the rest of 199 others; a 366th is due on each day of the year. Filled
# before the indexes are made: twenty times faster.
_FILL = (
    "ALTER TABLE plans DROP CONSTRAINT plans_pkey, SET UNLOGGED",
    "DROP INDEX plans_due",
    """
    INSERT INTO plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard, version, cycle,
        occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT id, CASE WHEN n % 2 = 0 THEN 'tenant-1' ELSE 'tenant-' || 2 + n % 199 END, 'u' || n, 'birthday',
        'birthday', '', get_byte(id, 0) >> 2, 1, '2028', due::date, due, due, due + interval '15 hours',
        '2027-01-01Z', 1, 1, '2026a', '', false
    FROM (SELECT n, decode(md5(n::text), 'hex'), timestamptz '2028-01-01 09:00Z' + (n / 2 % 366) * interval '1 day'
          FROM generate_series(1, 1000000) AS n) AS made (n, id, due)
    """,
    "ALTER TABLE plans ADD PRIMARY KEY (plan_id)",
    "CREATE INDEX plans_due ON plans (tenant_id, due_time, plan_id) WHERE due_time IS NOT NULL",
    """
    INSERT INTO tenants (tenant_id, version, time_zone, locale, leap_day_rule)
    SELECT 'tenant-' || n, 1, 'UTC', 'en', 'BACKWARD' FROM generate_series(1, 200) AS n
    """,
    """
    INSERT INTO recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name, family_name,
        occasions, attributes)
    SELECT 'tenant-1', 'u' || n, 'e', 1, 'UTC', 'en', '', '', '[]', '{}' FROM generate_series(2, 300000, 2) AS n
    """,
    """
    INSERT INTO events (event_id, tenant_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date,
        state, reason, nominal_due_time, due_time, deliver_by, decide_time, late, priority, event_type_version,
        recipient_version, tzdata_version, time_zone, utc_offset_seconds, shifts)
    SELECT 'evt_' || encode(plan_id, 'hex'), tenant_id, user_id, event_type_id, occasion_id, instance, '2027',
        occurrence_date, 'SENT', '', nominal_due_time, due_time, deliver_by, due_time, false, 2, 1, 1, '2026a',
        'UTC', 0, '' FROM plans WHERE get_byte(plan_id, 15) < 26
    """,
    """
    INSERT INTO handovers (handover_id, offered_until, events, body)
    SELECT gen_random_uuid(), 'epoch', 500, '' FROM generate_series(1, 32)
    """,
    "ANALYZE",
)
NEW_YEAR = datetime(2028, 1, 1, 9, tzinfo=UTC)
NOW = Instant(NEW_YEAR).add(seconds=2)
YEAR_END = datetime(2028, 12, 31, 12, tzinfo=UTC)
NO_START = turned(plans._START, [])
DAY_OF_TENANT_1 = 1_366
"""So many of tenant-1 are due in one instant; of each of the others six or seven."""


@dataclass(frozen=True)
class Hot:
    """A hot statement: by which index each table is to be read, and how many rows and pages of 8 KB at most."""

    name: str
    statement: TextClause
    bound: dict[str, Any]
    by: dict[str, str]
    rows: int
    pages: int


@dataclass(frozen=True)
class Read:
    """What a statement has read: the ways into each table, rows of all of them, and pages."""

    by: dict[str, set[str]]
    rows: int
    pages: int


@pytest.fixture
async def connection(world: World) -> AsyncIterator[AsyncConnection]:
    """A connection to a store with a million plans."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with engine.connect() as opened:
        await opened.execute(text("SET statement_timeout = '120s'"))
        for statement in _FILL:
            await opened.execute(text(statement))
        await event_types.insert(opened, Stored(RULE, "Birthday", True, SINCE, SINCE))
        await opened.commit()
        yield opened
    await engine.dispose()


async def read_by(connection: AsyncConnection, hot: Hot) -> Read:
    """Run the statement, undo it, and return what it has read."""
    explained = text("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + hot.statement.text)
    if hot.statement is plans._DUE_KEYS:
        await connection.execute(plans._IN_ORDER)
    answer = (await connection.execute(explained, hot.bound)).scalar_one()[0]["Plan"]
    await connection.rollback()
    by: dict[str, set[str]] = {}
    rows: Counter[str] = Counter()
    for node in _nodes(answer):
        kind = node["Node Type"]
        if kind == "Bitmap Index Scan":
            by.setdefault(_table_of(node["Index Name"]), set()).add(node["Index Name"])
        elif "Relation Name" in node and kind != "ModifyTable":
            if kind != "Bitmap Heap Scan":
                by.setdefault(node["Relation Name"], set()).add(node.get("Index Name", kind))
            seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            rows[node["Relation Name"]] += round(seen * node["Actual Loops"])
    return Read(by, sum(rows.values()), answer["Shared Hit Blocks"] + answer["Shared Read Blocks"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _table_of(index: str) -> str:
    return index.split("_", maxsplit=1)[0]


async def some_plans(connection: AsyncConnection) -> list[Plan]:
    """Return 500 stored plans of tenant-1 that are due in one instant."""
    everything = Stretch("tenant-1", False, Place.after_all(Instant.MIN), NOW)
    found = await plans.due_keys(connection, range(64), stretches=[everything], each=500)
    return [plan for plan, _ in await plans.prefetch(connection, [row[2] for row in found])]


def stretches(*tenants: str) -> dict[str, Any]:
    """Return the parameters of what of these tenants is due at noon of New Year's Day."""
    begin, noon = datetime(1, 1, 1, tzinfo=UTC), NOW.to_stdlib()
    both = [(True, begin, b"", NEW_YEAR), (False, NEW_YEAR, BEYOND_ALL, noon)]
    return dict(turned(plans._STRETCH, [(tenant, *lane) for tenant in tenants for lane in both]))


def reading(stored: list[Plan]) -> list[Hot]:
    """Return the statements that read."""
    ids = [plan.plan_id for plan in stored]
    people = turned(plans._RANGE, [plans.user_range(plan_id[:8]) for plan_id in sorted(ids)])
    due = {"shards": list(range(64)), "low": b"", "high": BEYOND_ALL}
    low, high = shard_range(32, 63)
    upper = {"shards": list(range(32, 64)), "low": low, "high": high}
    everybody = stretches(*(f"tenant-{n}" for n in range(1, 201)))
    tenth = datetime(2028, 2, 10, tzinfo=UTC)
    backlog = turned(plans._STRETCH, [("tenant-1", True, tenth, b"", YEAR_END)])
    guard = {"since": NEW_YEAR, "until": NOW.to_stdlib()}
    low, high = plans.user_range(ids[0][:8])
    year = Filter(due_after=NEW_YEAR, due_before=datetime(2029, 1, 1, tzinfo=UTC))
    after = (datetime(2028, 6, 1, tzinfo=UTC), b"")
    listed = {"user_part": None, "types_of_priority": [], "after": after, "size": 101}
    by_tenant, by_id, whole = {"plans": "plans_due"}, {"plans": "plans_pkey"}, {"tenants": "Seq Scan"}
    small_page = planned_events.page_statement("tenant-77", year, **listed)
    large_page = planned_events.page_statement("tenant-1", year, **listed)
    ended_page = events.page_statement("tenant-77", year, after=(after[0], ""), size=101)
    of_user = events.page_statement("tenant-1", Filter(user_id="u500"), after=(NEW_YEAR, ""), size=101)
    names = [f"u{n}" for n in range(2, 1002, 2)]
    return [
        Hot("due tenants", plans._DUE_TENANTS, {**NO_START, "horizon": NOW.to_stdlib()}, by_tenant | whole, 400, 1_500),
        Hot("due keys, all shards", plans._DUE_KEYS, {**due, **everybody, "each": 60}, by_tenant, 1_500, 3_000),
        Hot("due keys, one tenant", plans._DUE_KEYS, {**due, **stretches("tenant-1"), "each": 12_000}, by_tenant, 1_400, 2_000),
        Hot("due keys, the upper half of the shards", plans._DUE_KEYS, {**upper, **everybody, "each": 500}, by_tenant, 1_500, 3_000),
        Hot("due keys, a third of the shards", plans._DUE_KEYS, {**due, **everybody, "shards": list(range(0, 64, 3)), "each": 500}, by_tenant, 3_000, 4_000),
        Hot("due keys, a year of backlog", plans._DUE_KEYS, {**due, **backlog, "each": 12_000}, by_tenant, 12_000, 13_000),
        Hot("held by guard mode", plans._HELD, {**guard, "size": 100}, by_tenant | whole, 1_800, 2_500),
        Hot("how many guard mode holds", plans._HELD_COUNT, guard, by_tenant | whole, 3_000, 4_000),
        Hot("prefetch", plans._PREFETCH, {"plan_ids": ids}, by_id | {"recipients": "recipients_pkey"}, 1_000, 5_000),
        Hot("plans of 500 people", plans._OF_USERS, people, by_id, 500, 4_000),
        Hot("plans of one person", plans._OF_USER, {"low": low, "high": high}, by_id, 1, 8),
        Hot("one plan", plans._GET, {"plan_id": ids[0], "tenant_id": "tenant-1"}, by_id, 1, 8),
        Hot("planned events of a small tenant", *small_page, by_tenant, 101, 200),
        Hot("planned events of a large tenant", *large_page, by_tenant, 101, 200),
        Hot("ended events of a small tenant", *ended_page, {"events": "events_of_tenant"}, 101, 200),
        Hot("ended events of one person", *of_user, {"events": "events_of_user"}, 101, 20),
        Hot("a page of people", recipients._PAGE, {"tenant_id": "tenant-1", "after": "u5", "size": 500}, {"recipients": "recipients_pkey"}, 500, 200),
        Hot("500 people", recipients._OF, {"tenant_id": "tenant-1", "user_ids": names}, {"recipients": "recipients_pkey"}, 500, 3_000),
        Hot("hand-overs that wait", handovers._WAITING, {}, {"handovers": "Seq Scan"}, 32, 4),
    ]  # fmt: skip


def writing(stored: list[Plan]) -> list[Hot]:
    """Return the statements that write; what they read of `plans` is what they change."""
    batch = [replace(decided(plan), version=1, next_plan=planned(plan.user_id)) for plan in stored]
    rows = [decisions._row(one, name) for one, name in zip(batch, named(batch), strict=True)]
    decide = {**turned(decisions._COLUMNS, rows), "decide_time": NEW_YEAR, "by_hand": True}
    plan_rows = turned(PLAN, map(plan_row, stored))
    ids = {"plan_ids": [plan.plan_id for plan in stored]}
    note = {**shard_work._bound(ids["plan_ids"]), "holder": "me", "takeovers": 0}
    by_id = {"plans": "plans_pkey"}
    return [
        Hot("decide 500", decisions._DECIDE, decide, by_id, 1_600, 15_000),
        Hot("put 500 off", decisions._DEFER, plan_rows, by_id, 1_600, 9_000),
        Hot("forget 500", plans._DELETE, ids, by_id, 500, 4_000),
        Hot("write 500", plans._UPSERT, turned(PLAN, [plan_row(replace(p, version=2)) for p in stored]), {}, 0, 6_000),
        Hot("note 500", shard_work._NOTE, note, {}, 0, 100),
        Hot("take hand-overs", handovers._TAKE, {"lease": 5, "size": 4}, {"handovers": "Seq Scan"}, 70, 40),
    ]  # fmt: skip


async def test_every_hot_statement_reads_what_it_needs(connection: AsyncConnection) -> None:
    """By its index, no more rows than it answers or changes (and what it must pass over), some pages for each."""
    stored = await some_plans(connection)
    assert len(stored) == 500
    await connection.rollback()
    wrong: dict[str, object] = {}
    for hot in [*reading(stored), *writing(stored)]:
        read = await read_by(connection, hot)
        expected = {table: {index} for table, index in hot.by.items()}
        found = {table: by for table, by in read.by.items() if table in ("plans", *expected)}
        if found != expected or read.rows > hot.rows or read.pages > hot.pages:
            wrong[hot.name] = read
    assert wrong == {}
