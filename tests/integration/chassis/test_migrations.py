"""Migrations: the same however often and however many at once, in the service's own schema."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from chassis import migrations
from chassis.errors import LocksHeld
from chassis.migrations import LOCK_TIMEOUT, migrate
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


async def test_a_long_migration_is_waited_for(
    clone_database: Callable[..., str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for another replica's migration is said once, and no timeout of a lock or a statement ends it."""
    for name in ("LOCK_TIMEOUT", "STATEMENT_TIMEOUT"):
        monkeypatch.setattr(migrations, name, timedelta(seconds=1))
    url = await asyncio.to_thread(clone_database, "empty", nothing)
    holder = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    said = ""
    try:
        await holder.execute("SELECT pg_advisory_lock(5417226001)")
        running = asyncio.create_task(asyncio.to_thread(bring_up, url))
        waiting = (
            "SELECT extract(epoch FROM clock_timestamp() - min(backend_start)) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND application_name = '{SCHEMA}-migrate'"
        )
        while (await holder.fetchval(waiting) or 0) < 2:
            assert not running.done()
            await asyncio.sleep(0.05)
            said += capsys.readouterr().err
        assert said.count(f"migration of {SCHEMA}: another one is under way here") == 1
        await holder.execute("SELECT pg_advisory_unlock(5417226001)")
        await running
    finally:
        await holder.close()
    assert (SCHEMA, "plans") in await tables(url)


_CHANGING = '''"""Adds a column."""

from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade() -> None:
    """Change a table that is in use."""
    op.execute("CREATE TABLE beside (n int)")
    op.execute("ALTER TABLE plans ADD COLUMN changed int")
'''


def changing(directory: Path) -> Path:
    """Return a copy of the scheduler's migrations with one more, which wants a table for itself."""
    copied = directory / "migrations"
    shutil.copytree(MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(path.name for path in (copied / "versions").glob("0*.py"))
    (copied / "versions" / "9999_changing.py").write_text(_CHANGING.format(newest=newest[:4]))
    return copied


@pytest.fixture
async def busy(clone_database: Callable[..., str]) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A migrated database, and a session that reads a table in a transaction that stays open."""
    url = await asyncio.to_thread(clone_database, "empty", nothing)
    await asyncio.to_thread(bring_up, url)
    reader = await asyncpg.connect(
        url.replace("+asyncpg", ""), ssl=False, server_settings={"application_name": "a long report"}
    )
    await reader.execute(f"BEGIN; SELECT FROM {SCHEMA}.plans")
    yield url, reader
    await reader.close()


async def test_nobody_waits_behind_a_migration_that_waits(
    busy: tuple[str, asyncpg.Connection], tmp_path: Path
) -> None:
    """It gives up its place in the queue in time, and is done as soon as whoever reads has ended."""
    url, reader = busy
    watcher = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    run = partial(migrate, url, schema=SCHEMA, directory=changing(tmp_path))
    running = asyncio.create_task(asyncio.to_thread(run))
    waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    while not await watcher.fetchval(waiting):
        assert not running.done()
        await asyncio.sleep(0.01)
    await watcher.execute(f"SET lock_timeout = '{LOCK_TIMEOUT.total_seconds() + 2} s'")
    await watcher.execute(f"SELECT FROM {SCHEMA}.plans LIMIT 1")
    assert not running.done()
    await reader.execute("COMMIT")
    await running
    assert await revisions(url) == ["9999"]
    await watcher.close()


async def test_a_migration_that_gets_no_lock_says_who_has_it(
    busy: tuple[str, asyncpg.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its tries it names the session and leaves nothing of itself behind; later it succeeds."""
    url, reader = busy
    monkeypatch.setattr(migrations, "TRIES", 2)
    run = partial(migrate, url, schema=SCHEMA, directory=changing(tmp_path))
    pid = await reader.fetchval("SELECT pg_backend_pid()")
    said = (
        rf"migration 9999 of {SCHEMA} got no lock .* 2 tries for `ALTER TABLE plans ADD COLUMN changed int` "
        rf".*session {pid} \(a long report: plans, for \d+ s\)"
    )
    with pytest.raises(LocksHeld, match=said):
        await asyncio.to_thread(run)
    assert await revisions(url) != ["9999"]
    assert (SCHEMA, "beside") not in await tables(url)
    await reader.execute("COMMIT")
    await asyncio.to_thread(run)
    assert await revisions(url) == ["9999"]


async def test_whoever_is_of_another_role_is_named_too(
    busy: tuple[str, asyncpg.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's role may not see since when a backup runs, and yet its sentence has the session to end."""
    url, reader = busy
    monkeypatch.setattr(migrations, "TRIES", 1)
    pid = await reader.fetchval("SELECT pg_backend_pid()")
    watcher = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    await watcher.execute("CREATE ROLE migrating LOGIN PASSWORD 'migrating'")
    try:
        # The tables' owner, but for the one that the backup reads: its owner cannot be changed meanwhile.
        await watcher.execute(f"GRANT USAGE, CREATE ON SCHEMA {SCHEMA} TO migrating")
        await watcher.execute(f"GRANT ALL ON {SCHEMA}.alembic_version, {SCHEMA}.plans TO migrating")
        locking = changing(tmp_path) / "versions" / "9999_changing.py"
        locking.write_text(
            locking.read_text().replace("ALTER TABLE plans ADD COLUMN changed int", "LOCK plans")
        )
        theirs = make_url(url).set(username="migrating", password="migrating")
        run = partial(
            migrate,
            theirs.render_as_string(hide_password=False),
            schema=SCHEMA,
            directory=tmp_path / "migrations",
        )
        with pytest.raises(LocksHeld, match=rf"session {pid} \(a long report: plans, of another role\)"):
            await asyncio.to_thread(run)
    finally:
        await watcher.execute("DROP OWNED BY migrating; DROP ROLE migrating")
        await watcher.close()


async def test_a_deadlock_is_tried_again(busy: tuple[str, asyncpg.Connection], tmp_path: Path) -> None:
    """A service that locks the same tables in another order goes on; the migration begins anew and is done."""
    url, reader = busy
    crossing = changing(tmp_path) / "versions" / "9999_changing.py"
    both = 'op.execute("ALTER TABLE feed ADD COLUMN changed int")\n    op.execute("ALTER TABLE plans'
    crossing.write_text(crossing.read_text().replace('op.execute("ALTER TABLE plans', both))
    watcher = await asyncpg.connect(url.replace("+asyncpg", ""), ssl=False)
    await reader.execute("SET deadlock_timeout = '1min'")  # the migration is the one that finds it
    run = partial(migrate, url, schema=SCHEMA, directory=tmp_path / "migrations")
    running = asyncio.create_task(asyncio.to_thread(run))
    waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
    while not await watcher.fetchval(waiting):
        assert not running.done()
        await asyncio.sleep(0.01)
    await reader.execute(f"SELECT FROM {SCHEMA}.feed; COMMIT")
    await running
    assert await revisions(url) == ["9999"]
    await watcher.close()
