"""Run one service's Alembic migrations; the version table lives in the service's own schema.

A service keeps `store/migrations/env.py` of two lines that calls `run_environment`, and one file
per change under `store/migrations/versions/`. A change that the release before could not live with
(a column dropped, a constraint added) says `phase = "contract"` and runs when no process of that release
is left; all others say nothing and run before the new processes start.

Services work meanwhile. A statement that waits for a lock keeps everybody waiting who comes after it, so none
waits long: it gives up, lets them pass, and the migration is tried again from its begin.
"""

import asyncio
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import create_engine
from chassis.errors import LocksHeld, ReleaseSkipped

# Replicas that start together migrate one after the other; the number only has to be ours.
_LOCK = 5_417_226_001
STATEMENT_TIMEOUT: Final = timedelta(minutes=10)
LOCK_TIMEOUT: Final = timedelta(seconds=2)
TRIES: Final = 10
"""With the pauses between them about half a minute."""
_PAUSE_SECONDS: Final = (0.5, 2.0)
_TURN_SECONDS: Final = 0.25
_SHOWN: Final = 80  # characters of the statement that waited
# No lock in time; or a deadlock with a service that locks the same tables in another order.
_TRIED_AGAIN: Final = frozenset({"55P03", "40P01"})
# Whoever has been in a transaction for longer than a migration waits, and has a lock on something of this schema.
# PostgreSQL tells a service's role of the sessions of others, a backup's for example, only that they are there.
_HOLDERS = text("""
    SELECT coalesce('session ' || l.pid, 'a prepared transaction') AS holder, a.application_name,
        string_agg(DISTINCT c.relname, ', ') AS tables,
        round(extract(epoch FROM clock_timestamp() - a.xact_start)) AS seconds
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND n.nspname = :schema AND c.relkind IN ('r', 'p') AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
        AND (a.xact_start IS NULL OR a.xact_start < clock_timestamp() - CAST(:waited AS interval))
    GROUP BY l.pid, a.application_name, a.xact_start ORDER BY a.xact_start NULLS FIRST LIMIT 5
""")


class Half(StrEnum):
    """Which part of an upgrade: what both releases can live with, or the rest."""

    EXPAND = "expand"
    CONTRACT = "contract"


def migrate(url: str, *, schema: str, directory: Path, half: Half = Half.CONTRACT) -> None:
    """Bring `schema` up to the newest migration found under `directory`; safe to call at the same time.

    With EXPAND it stops before the first contraction.

    Raises:
        ReleaseSkipped: EXPAND would have to pass a contraction.
        LocksHeld: somebody kept a table locked through all tries; what was done before stays done.
    """
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(_migrate(url, schema, directory, half))
        except BaseException as error:  # noqa: BLE001 - carried to the calling thread
            failures.append(error)

    # Its own thread: the caller may be inside a running event loop.
    thread = threading.Thread(target=work, name="migrate")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _migrate(url: str, schema: str, directory: Path, half: Half) -> None:
    engine = create_engine(url, name=f"{schema}-migrate", schema=schema, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"SET statement_timeout = {_milliseconds(STATEMENT_TIMEOUT)}"))
            await connection.execute(text(f"SET lock_timeout = {_milliseconds(LOCK_TIMEOUT)}"))
            await _take_turn(connection, schema)
            await connection.run_sync(_upgrade, schema, directory, half)
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            await connection.commit()
    finally:
        await engine.dispose()


async def _take_turn(connection: AsyncConnection, schema: str) -> None:
    """Wait, for as long as it takes and saying so, until nobody else migrates.

    Asked again and again: a statement that waits would run into its timeout, and hold a snapshot meanwhile.
    """
    told = False
    while not (await connection.execute(text(f"SELECT pg_try_advisory_lock({_LOCK})"))).scalar_one():
        await connection.commit()
        if not told:
            sys.stderr.write(f"migration of {schema}: another one is under way here, waiting for its end\n")
            told = True
        await asyncio.sleep(_TURN_SECONDS)
    await connection.commit()


def _upgrade(connection: Connection, schema: str, directory: Path, half: Half) -> None:
    exists = connection.execute(
        text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": schema}
    ).scalar()
    if not exists:
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    connection.commit()
    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    # The scripts' order is from the newest to the oldest.
    chain = list(scripts.walk_revisions())[::-1]
    target = (
        chain[-1].revision if half is Half.CONTRACT else last_expansion(chain, _present(connection, schema))
    )
    if target is not None:
        _patiently(connection, schema, chain, lambda: command.upgrade(config, target))


def _patiently(
    connection: Connection, schema: str, chain: Sequence[Script], upgrade: Callable[[], None]
) -> None:
    """Try again what gave up waiting for a lock; each migration is a transaction, so those before it are done."""
    for tried in range(1, TRIES + 1):
        try:
            upgrade()
        except DBAPIError as error:
            connection.rollback()
            if getattr(error.orig, "sqlstate", None) not in _TRIED_AGAIN:
                raise
            if tried == TRIES:
                statement = " ".join((error.statement or "").split())[:_SHOWN]
                raise LocksHeld(_held_by(connection, schema, chain, statement)) from error
        else:
            return
        time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - not for secrets


def _held_by(connection: Connection, schema: str, chain: Sequence[Script], statement: str) -> str:
    names = [script.revision for script in chain]
    present = _present(connection, schema)
    waiting = names[names.index(present) + 1 if present in names else 0]
    rows = connection.execute(_HOLDERS, {"schema": schema, "waited": LOCK_TIMEOUT}).all()
    connection.commit()
    holders = [
        f"{row.holder} ({row.application_name or 'unnamed'}: {row.tables}"
        f"{', of another role' if row.seconds is None else f', for {row.seconds} s'})"
        for row in rows
    ]
    return (
        f"migration {waiting} of {schema} got no lock within {LOCK_TIMEOUT.total_seconds():g} s in {TRIES} tries"
        f" for `{statement}` and left nothing behind; who is in a long transaction there:"
        f" {', '.join(holders) or 'nobody now'}."
        " Let them end, or end them with pg_terminate_backend(pid), and migrate again"
    )


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def _present(connection: Connection, schema: str) -> str | None:
    found = MigrationContext.configure(
        connection, opts={"version_table_schema": schema}
    ).get_current_revision()
    connection.commit()
    return found


def last_expansion(chain: Sequence[Script], present: str | None) -> str | None:
    """Return up to where an expansion may go, or None when nothing is pending before a contraction.

    An empty schema has no process of an older release: it takes everything.
    """
    if present is None:
        return chain[-1].revision
    names = [script.revision for script in chain]
    pending = chain[names.index(present) + 1 :] if present in names else []
    phases = [getattr(script.module, "phase", Half.EXPAND) for script in pending]
    first = phases.index(Half.CONTRACT) if Half.CONTRACT in phases else len(phases)
    if Half.EXPAND in phases[first:]:
        raise ReleaseSkipped(
            f"migration {pending[first].revision} ends what an older release needs, and newer ones stand behind it:"
            " install the release that brought it first, or stop every service and run `migrate` without a half"
        )
    return pending[first - 1].revision if first else None


def run_environment() -> None:
    """Run the migrations that Alembic selected on the connection that `migrate` opened."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
