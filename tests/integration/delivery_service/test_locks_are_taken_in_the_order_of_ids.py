"""Statements over many rows wait for the first id before they touch the next: two of them cannot deadlock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState
from delivery_service.store import inbox_endings, inbox_leases, outcomes, queue, stops
from delivery_service.store.inbox_leases import Lease
from delivery_service.store.outcomes import Outcome
from delivery_service.store.partitions import Partitions
from tests.integration.delivery_service.conftest import TENANT_ID, World, running

OWNER = 7
FIRST, LAST = "evt_a", "evt_z"
NOW = Instant("2027-02-28T12:00:00Z")
Statement = Callable[[AsyncEngine], Awaitable[None]]


def outcome(event_id: str, state: DeliveryState) -> Outcome:
    """Return the outcome of an attempt that failed."""
    at = NOW.to_stdlib()
    cause = DeliveryCause.CONNECTION
    rest = (at, 0, cause, -1, -1, -1, 0, b"", "http://127.0.0.1/", "s1")
    return Outcome(event_id, "hook", 1, date(2027, 2, 28), state, cause, 1, at, *rest)


async def record_ends(engine: AsyncEngine) -> None:
    """Record two ends."""
    batch = [outcome(one, DeliveryState.CANCELLED) for one in (LAST, FIRST)]
    await outcomes.record(engine, batch, owner=OWNER)


async def record_retries(engine: AsyncEngine) -> None:
    """Record two attempts that are followed by another one."""
    batch = [outcome(one, DeliveryState.PENDING) for one in (LAST, FIRST)]
    await outcomes.record(engine, batch, owner=OWNER)


async def release(engine: AsyncEngine) -> None:
    """Give two rows back."""
    async with unit_of_work(engine) as connection:
        await queue.release(connection, OWNER, [(LAST, "hook"), (FIRST, "hook")])


async def release_all(engine: AsyncEngine) -> None:
    """Give all rows back."""
    async with unit_of_work(engine) as connection:
        await queue.release_all(connection, [OWNER])


async def acknowledge(engine: AsyncEngine) -> None:
    """Acknowledge two messages of the inbox."""
    await inbox_endings.acknowledge(engine, TENANT_ID, [LAST, FIRST], now=NOW)


async def discard(engine: AsyncEngine) -> None:
    """Delete two messages from the inbox."""
    await inbox_endings.discard(engine, TENANT_ID, [LAST, FIRST], now=NOW)


async def extend_leases(engine: AsyncEngine) -> None:
    """Extend the leases of two messages of the inbox."""
    await inbox_leases.extend(engine, TENANT_ID, [Lease(LAST, "t"), Lease(FIRST, "t")], until=NOW)


async def put(world: World, endpoint_id: str, owner: int | None) -> None:
    """Store two pending deliveries, the last id first."""
    await Partitions(world.engine).ensure([date(2027, 2, 28)])
    async with world.engine.begin() as connection:
        for event_id in (LAST, FIRST):
            await connection.execute(
                text(
                    "INSERT INTO queue SELECT :event_id, :endpoint_id, 1, :tenant, 'u', '2027-02-28',"
                    " CAST(:owner AS bigint), 0, 0, now(), now(), now(), now()"
                ),
                {
                    "event_id": event_id,
                    "endpoint_id": endpoint_id,
                    "tenant": TENANT_ID,
                    "owner": owner,
                },
            )


async def waits_at_the_first(world: World, statement: Statement, table: str) -> None:
    """Assert that the statement, stopped at the first id, holds no lock on the last one."""

    async def waiting() -> bool:
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await world.rows(query))

    lock = f"SELECT FROM {table} WHERE event_id = :event_id FOR UPDATE"
    async with world.engine.begin() as blocker:
        await blocker.execute(text(lock), {"event_id": FIRST})
        running_statement = asyncio.ensure_future(statement(world.engine))
        await world.until(waiting)
        async with world.engine.begin() as other:
            await other.execute(text(f"{lock} NOWAIT"), {"event_id": LAST})
    await running_statement


@pytest.mark.parametrize("statement", [record_ends, record_retries, release, release_all])
async def test_what_changes_owned_rows_locks_them_in_order(database_url: str, statement: Statement) -> None:
    """Recording and releasing lock the queue by event and endpoint."""
    async with running(database_url, serve=False) as world:
        await put(world, "hook", OWNER)
        await waits_at_the_first(world, statement, "queue")


@pytest.mark.parametrize("statement", [acknowledge, discard, extend_leases])
async def test_what_readers_of_the_inbox_change_they_lock_in_order(
    database_url: str, statement: Statement
) -> None:
    """Two readers that name the same messages in another order do not block each other."""
    async with running(database_url, serve=False) as world:
        await put(world, INBOX, None)
        async with world.engine.begin() as connection:
            await connection.execute(text("UPDATE queue SET lease_token = 't'"))
        await waits_at_the_first(world, statement, "queue")


async def test_forgetting_stops_waits_for_nobody(database_url: str) -> None:
    """Stops that somebody is writing are left for the next time, the others are forgotten."""
    async with running(database_url, serve=False) as world:
        async with world.engine.begin() as connection:
            for event_id in (LAST, FIRST):
                await connection.execute(
                    text(
                        "INSERT INTO stops (tenant_id, event_id, user_id, decided_before, until, reason)"
                        " VALUES (:tenant, :event_id, '', :now, :now, 'told')"
                    ),
                    {"tenant": TENANT_ID, "event_id": event_id, "now": NOW.to_stdlib()},
                )
        async with world.engine.begin() as blocker:
            await blocker.execute(text("SELECT FROM stops WHERE event_id = 'evt_a' FOR UPDATE"))
            async with unit_of_work(world.engine) as connection:
                await stops.prune(connection, NOW.add(seconds=1))
        assert [row.event_id for row in await world.rows("SELECT event_id FROM stops")] == [FIRST]
