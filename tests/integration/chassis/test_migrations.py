"""Migrations: the same however often and however many at once, in the service's own schema."""

import asyncio
from collections.abc import Callable

import asyncpg

from chassis.migrations import migrate
from scheduler_service.store import MIGRATIONS, SCHEMA


def nothing(_url: str) -> None:
    """Leave the database empty."""


def bring_up(url: str) -> None:
    """Migrate the scheduler's schema."""
    migrate(url, schema=SCHEMA, directory=MIGRATIONS)


async def tables(url: str) -> set[tuple[str, str]]:
    """Return (schema, table) of everything that is not PostgreSQL's own."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    try:
        rows = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {(row[0], row[1]) for row in rows}
    finally:
        await connection.close()


async def revisions(url: str) -> list[str]:
    """Return what the version table holds: one revision."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    try:
        return [row[0] for row in await connection.fetch(f"SELECT version_num FROM {SCHEMA}.alembic_version")]
    finally:
        await connection.close()


async def test_four_at_once_and_once_more(clone_database: Callable[..., str]) -> None:
    """Replicas that start together end with one schema and one key; a second run changes nothing."""
    url = await asyncio.to_thread(clone_database, "empty", nothing)
    await asyncio.gather(*(asyncio.to_thread(bring_up, url) for _ in range(4)))
    made = await tables(url)
    assert {schema for schema, _ in made} == {SCHEMA}
    assert (SCHEMA, "alembic_version") in made
    first = await revisions(url)
    await asyncio.to_thread(bring_up, url)
    assert await revisions(url) == first
    assert await tables(url) == made


async def test_a_long_migration_is_waited_for(clone_database: Callable[..., str]) -> None:
    """The wait for another replica's migration has no end of its own: five seconds would be a crash loop."""
    url = await asyncio.to_thread(clone_database, "empty", nothing)
    holder = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    try:
        await holder.execute("SELECT pg_advisory_lock(5417226001)")
        running = asyncio.create_task(asyncio.to_thread(bring_up, url))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await holder.fetchval(waiting):
            await asyncio.sleep(0.01)
        held = "SELECT extract(epoch FROM clock_timestamp() - min(query_start)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while (await holder.fetchval(held) or 0) < 5.2:
            assert not running.done()
            await asyncio.sleep(0.05)
        await holder.execute("SELECT pg_advisory_unlock(5417226001)")
        await running
    finally:
        await holder.close()
    assert (SCHEMA, "plans") in await tables(url)
