"""Run one service's Alembic migrations; the version table lives in the service's own schema.

A service keeps `store/migrations/env.py` of two lines that calls `run_environment`, and one file
per change under `store/migrations/versions/`.
"""

import asyncio
import threading
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text

from chassis.database import create_engine

# Replicas that start together migrate one after the other; the number only has to be ours.
_LOCK = 5_417_226_001


def migrate(url: str, *, schema: str, directory: Path) -> None:
    """Bring `schema` up to the newest migration found under `directory`; safe to call at the same time."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(_migrate(url, schema, directory))
        except BaseException as error:  # noqa: BLE001 - carried to the calling thread
            failures.append(error)

    # Its own thread: the caller may be inside a running event loop.
    thread = threading.Thread(target=work, name="migrate")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _migrate(url: str, schema: str, directory: Path) -> None:
    engine = create_engine(url, name=f"{schema}-migrate", schema=schema, pool_size=1)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SET statement_timeout = '10min'"))
            # Another replica may migrate for longer than a lock may be waited for otherwise.
            await connection.execute(text("SET lock_timeout = 0"))
            await connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            await connection.execute(text("RESET lock_timeout"))
            await connection.commit()
            await connection.run_sync(_upgrade, schema, directory)
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, directory: Path) -> None:
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
    command.upgrade(config, "head")


def run_environment() -> None:
    """Run the migrations that Alembic selected on the connection that `migrate` opened."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
