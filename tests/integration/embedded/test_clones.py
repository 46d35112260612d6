"""The fixtures every other test stands on: clones of a template, an empty Valkey."""

import asyncio
import os
from collections.abc import Callable

import asyncpg
import pytest
import redis.asyncio

from redletter_cli.embedded import Postgres
from redletter_cli.embedded.databases import SqlFailed, drop_database, ensure_database, execute

_CALLS: list[str] = []


def _migrate(url: str) -> None:
    _CALLS.append(url)
    asyncio.run(_create(url))


async def _create(url: str) -> None:
    connection = await _connect(url)
    await connection.execute("CREATE TABLE item (id int PRIMARY KEY)")
    await connection.close()


async def _connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def test_clones_are_independent_and_migrated_once(clone_database: Callable[..., str]) -> None:
    """Two clones of a template have its tables, share no row, and cost one migration."""
    urls = [clone_database("clones", _migrate) for _ in range(2)]
    first, second = [await _connect(url) for url in urls]
    await first.execute("INSERT INTO item VALUES (1)")
    assert await second.fetchval("SELECT count(*) FROM item") == 0
    assert len(_CALLS) == 1
    await first.close()
    await second.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_clone_is_fresh_for_every_test(clone_database: Callable[..., str], turn: int) -> None:
    """A row of the last test is not there in the next one; a forgotten connection does not prevent the drop."""
    connection = await _connect(clone_database("clones", _migrate))
    await connection.execute("INSERT INTO item VALUES (1)")
    assert await connection.fetchval("SELECT count(*) FROM item") == 1


def test_migration_that_fails_is_tried_again(clone_database: Callable[..., str]) -> None:
    """The error of a migration reaches every test that needs it; no half template is cloned."""

    def broken(url: str) -> None:
        raise RuntimeError("no such column")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="no such column"):
            clone_database("broken", broken)
    assert clone_database("broken", _migrate).startswith("postgresql+asyncpg://redletter:")


@pytest.mark.parametrize("turn", [1, 2])
async def test_valkey_is_empty_for_every_test(redis_url: str, turn: int) -> None:
    """A key of the last test is not there in the next one."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("key", "value")


async def test_roles_see_only_their_own_schema(postgres: Postgres) -> None:
    """Each role of a database may create in its schema, and may not even look into another's."""
    roles = ["first_service", "second_service"]
    for _ in range(2):
        ensure_database(postgres, "shared_by_roles", roles=roles)
    try:
        first, second = [await _connect(postgres.url("shared_by_roles", role)) for role in roles]
        await first.execute("CREATE TABLE first_service.item (id int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="schema first_service"):
            await second.fetch("SELECT * FROM first_service.item")
        await first.close()
        await second.close()
    finally:
        drop_database(postgres, "shared_by_roles")
        execute(postgres, "DROP ROLE first_service; DROP ROLE second_service")


def test_refused_statement_carries_the_servers_words(postgres: Postgres) -> None:
    """SQL that fails raises with what PostgreSQL said."""
    with pytest.raises(SqlFailed, match='relation "nowhere" does not exist'):
        execute(postgres, "SELECT * FROM nowhere")


def test_name_that_would_need_quoting_is_refused(postgres: Postgres) -> None:
    """Names of databases are plain words; anything else is refused before it reaches SQL."""
    with pytest.raises(ValueError, match="is no name for a database or role"):
        drop_database(postgres, 'x"; DROP ROLE redletter; --')


def test_settings_of_the_machine_are_not_seen() -> None:
    """No variable of ours, of libpq or of telemetry reaches a test, and the home is a temporary one."""
    assert not [name for name in os.environ if name.startswith(("REDLETTER_", "PG", "OTEL_"))]
    assert "redletter-home-" in os.environ["HOME"]
