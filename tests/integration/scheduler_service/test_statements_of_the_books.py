"""Among 100,000 plans, events and people each statement of the books, of zone data and of retention finds
its rows by the index it names."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import create_engine
from scheduler_service.store import SCHEMA, ledger, retention, tzdata
from tests.integration.scheduler_service.conftest import World
from tests.integration.scheduler_service.test_statements_use_their_indexes import scans

_N = 100_000
_FILL = (
    "INSERT INTO tenants (tenant_id, version, time_zone, locale, leap_day_rule) SELECT 't' || n, 1, 'UTC', 'en', '' FROM generate_series(1, 20) n",
    f"""
    INSERT INTO recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name, family_name,
        occasions, attributes)
    SELECT 't' || 1 + n % 20, 'u' || n, 'e', 1, 'UTC', 'en', 'A', 'L', jsonb_build_array(jsonb_build_object(
        'id', 'birthday', 'kind', 'birthday', 'month', 1 + n % 12, 'day', 1 + n / 12 % 28)), '{{}}'
    FROM generate_series(1, {_N}) AS n
    """,
    f"""
    INSERT INTO plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard, version, cycle,
        occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT id, 't' || 1 + n % 20, 'u' || n, 'birthday', 'birthday', '', get_byte(id, 0) >> 2, 1, '2028', due::date,
        due, due, due + interval '15 hours', '2027-01-01Z', 1, 1, '2026a', '', false
    FROM (SELECT n, decode(md5(n::text), 'hex') AS id, timestamptz '2028-01-01 09:00Z' + (n % 366) * interval '1 day'
          FROM generate_series(1, {_N}) AS n) AS made (n, id, due)
    """,
    """
    INSERT INTO events (event_id, tenant_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date,
        state, reason, nominal_due_time, due_time, deliver_by, decide_time, late, priority, event_type_version,
        recipient_version, tzdata_version, time_zone, utc_offset_seconds, shifts)
    SELECT 'evt_' || encode(plan_id, 'hex'), tenant_id, user_id, event_type_id, occasion_id, instance, cycle,
        occurrence_date, 'SENT', '', nominal_due_time, due_time, deliver_by, due_time, false, 2, 1, 1, '2026a',
        'UTC', 0, '' FROM plans ORDER BY occurrence_date
    """,
    f"""
    INSERT INTO event_requests (tenant_id, instance, event_id, body_hash, create_time)
    SELECT 't' || 1 + n % 20, 'i' || n, 'evt_' || md5(n::text) || '_once', '', '2028-01-01Z'::timestamptz
        + n * interval '5 minutes' FROM generate_series(1, {_N}) AS n
    """,
    f"""
    INSERT INTO ledger_days (tenant_id, ledger_date, difference, body, signature, compute_time)
    SELECT 't' || n % 20 + 1, date '2028-01-01' + n / 20, 0, '{{}}', '', '2028-01-01Z' FROM generate_series(1, {_N}) AS n
    """,
    """
    INSERT INTO tzdata_changes SELECT plan_id, tenant_id, user_id, event_type_id, 'Europe/Berlin', due_time, due_time
    FROM plans
    """,
    "SELECT brin_summarize_new_values('events_of_date')",
    *(
        f"ANALYZE {name}"
        for name in (
            "plans",
            "events",
            "recipients",
            "event_requests",
            "ledger_days",
            "tzdata_changes",
            "tenants",
        )
    ),
)
_IDS = [bytes([n]) * 16 for n in range(200)]
_NAMES = [f"evt_{n}" for n in range(200)]
_ON = date(2028, 5, 17)


@pytest.fixture
async def connection(world: World) -> AsyncIterator[AsyncConnection]:
    """A connection to a store that is full."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with engine.begin() as opened:
        for statement in _FILL:
            await opened.execute(text(statement))
        yield opened
    await engine.dispose()


async def test_statements_of_the_books(connection: AsyncConnection) -> None:
    """A date's events by block, its plans by due time, ids and people by primary key, requests by day."""
    of_date = {"tenant_id": "t7", "on": _ON}

    async def read(statement: Any, **bound: Any) -> set[tuple[str, str]]:
        return await scans(connection, statement, bound)

    ended = await read(ledger._ENDED, **of_date)
    assert ("events", "events_of_date") in ended
    assert ("events", "Seq Scan") not in ended
    assert await read(ledger._OPEN, **of_date) == {("plans", "plans_due")}
    assert await read(ledger._ELSEWHERE, event_id=_NAMES, plan_id=_IDS) == {
        ("events", "events_pkey"),
        ("plans", "plans_pkey"),
    }
    users = [f"u{n}" for n in range(6, 4000, 20)]
    assert await read(ledger._VERSIONS, tenant_id="t7", user_ids=users) == {("recipients", "recipients_pkey")}
    since, until = datetime(2028, 5, 17, tzinfo=UTC), datetime(2028, 5, 18, tzinfo=UTC)
    undecided = await read(ledger._UNDECIDED, tenant_id="t7", since=since, until=until)
    assert ("event", "event_requests_of_day") in undecided or (
        "event_requests",
        "event_requests_of_day",
    ) in undecided
    assert ("events", "events_pkey") in undecided
    assert await read(ledger._PLANNED, plan_ids=_IDS) == {("plans", "plans_pkey")}
    for days in ([517], None):
        people = await read(ledger._PEOPLE, tenant_id="t7", days=days, after="u5", size=250)
        assert ("recipients", "recipients_pkey") in people
        assert ("recipients", "Seq Scan") not in people
    rules = await read(ledger._RULES, tenant_id="t7")
    assert {table for table, _ in rules} == {"event_types"} or ("event", "event_types_pkey") in rules


async def test_statements_of_the_kept_balances(connection: AsyncConnection) -> None:
    """A tenant's list walks the primary key backwards; what is missing is asked key by key or in one pass."""
    page = {"only_differences": False, "before_date": date(2029, 1, 1), "before_tenant": "", "size": 101}
    listed = await scans(connection, ledger._DAYS, {**page, "tenant_id": "t7"})
    assert listed & {("ledger_days", "ledger_days_pkey"), ("ledger", "ledger_days_pkey")}
    missing = await scans(
        connection,
        ledger._UNBALANCED,
        {"dates": [date(2028, 5, day) for day in range(10, 18)], "size": 100},
    )
    assert missing & {("ledger_days", "ledger_days_pkey"), ("ledger", "ledger_days_pkey")}


async def test_statements_of_zone_data_and_retention(connection: AsyncConnection) -> None:
    """Pages by the primary key; the sweep locks and deletes by it."""

    async def read(statement: Any, **bound: Any) -> set[tuple[str, str]]:
        return await scans(connection, statement, bound)

    plans = {("plans", "plans_pkey")}
    assert await read(tzdata._PAGE, after=bytes(16), size=200) == plans
    assert await read(tzdata._STAMP, plan_ids=_IDS, version="x") == plans
    changes = {("tzdata_changes", "tzdata_changes_pkey"), ("tzdata", "tzdata_changes_pkey")}
    assert await read(tzdata._NOTED, size=200) <= changes
    assert await read(tzdata._DONE, plan_ids=_IDS) <= changes
    sweep = await read(retention._SWEEP, after=bytes(16), before="2025", size=5000)
    assert {index for table, index in sweep if table == "plans"} == {"plans_pkey"}
