"""Real servers for every test: one PostgreSQL and one Valkey per pytest process, fresh state per test.

`clone_database(name, migrate)` gives a test its own database; `redis_url` an empty Valkey. Under xdist every worker
has servers of its own. They die with the process that started them, also when that is killed.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
import redis

from redletter_cli.embedded import Postgres, Valkey, start_on_free_port
from redletter_cli.embedded.databases import clone_database as clone
from redletter_cli.embedded.databases import create_database, drop_database, seal

Migrate = Callable[[str], None]
CloneDatabase = Callable[[str, Migrate], str]

_HOME = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
# Durability is not what these tests ask for; tests that kill the server make their own.
_FAST = {"shared_buffers": "128MB", "fsync": "off", "full_page_writes": "off", "max_connections": "200"}


def pytest_configure(config: pytest.Config) -> None:
    """Start from an environment in which neither our settings nor libpq's nor anybody's home are seen."""
    for name in list(os.environ):
        if name.startswith(("REDLETTER_", "PG", "OTEL_", "XDG_")):
            del os.environ[name]
    # asyncpg looks for ~/.postgresql and fails where the home may not be read, as in many containers.
    config.stash[_HOME] = tempfile.TemporaryDirectory(prefix="redletter-home-", ignore_cleanup_errors=True)
    os.environ["HOME"] = config.stash[_HOME].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the home made for this run."""
    config.stash[_HOME].cleanup()


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    """Give the session a directory for its servers, removed at the end."""
    # Not pytest's own: it keeps the last three, and a cluster has 40 MB.
    with tempfile.TemporaryDirectory(prefix="redletter-test-", ignore_cleanup_errors=True) as made:
        # Root without user namespaces runs PostgreSQL as nobody, who must be able to get there.
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="session")
def postgres(server_dir: Path) -> Iterator[Postgres]:
    """Run one PostgreSQL for the session, without fsync."""
    server = start_on_free_port(lambda port: Postgres(server_dir / "postgres", port=port, settings=_FAST))
    if server.notice:
        warnings.warn(server.notice, stacklevel=1)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(server_dir: Path) -> Iterator[Valkey]:
    """Run one Valkey for the session, without persistence."""
    server = start_on_free_port(lambda port: Valkey(server_dir / "valkey", port=port))
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """Give the test an empty Valkey: no key in any database, no script, no function."""
    with redis.Redis.from_url(valkey.url()) as client:
        client.flushall()
        client.script_flush()
        client.function_flush()
    return valkey.url()


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> CloneDatabase:
    """Give `template(name, migrate)`: the name of a sealed database that `migrate` filled once per session."""
    made: set[str] = set()

    def template(name: str, migrate: Migrate) -> str:
        database = f"{name}_template"
        if name not in made:
            drop_database(postgres, database)  # what a migration that failed has left
            create_database(postgres, database)
            _without_loop(migrate, postgres.url(database))
            seal(postgres, database)
            made.add(name)
        return database

    return template


@pytest.fixture
def clone_database(postgres: Postgres, template_database: CloneDatabase) -> Iterator[CloneDatabase]:
    """Give `clone_database(name, migrate)`: the URL (asyncpg) of a fresh copy of what `migrate` made.

    `migrate` gets the URL of an empty database once per `name` and session; it must close its connections. The
    copies of a test are dropped after it, whoever is still connected. Several of a name are several databases.
    """
    mine: list[str] = []

    def clone_of(name: str, migrate: Migrate) -> str:
        database = f"{name}_{next(_NUMBERS)}"
        clone(postgres, template_database(name, migrate), to=database)
        mine.append(database)
        return postgres.url(database)

    yield clone_of
    for database in mine:
        drop_database(postgres, database)


_NUMBERS = count(1)


def _without_loop(migrate: Migrate, url: str) -> None:
    """Run `migrate` on a thread of its own, so that it may call `asyncio.run` even when a test's loop runs."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        threads.submit(migrate, url).result()
