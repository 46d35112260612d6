"""The schema that the migrations leave, and what the service says without it."""

import asyncio
from collections.abc import Callable

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from sqlalchemy import Connection

from chassis.migrations import migrate
from chassis.rpc.server import Port
from tests.integration.user_service.harness import SECRET, running
from user_service.app import engine_of, store_answers
from user_service.settings import Settings
from user_service.store import MIGRATIONS, SCHEMA
from user_service.store.tables import metadata


async def test_tables_are_what_the_migrations_made(settings: Settings) -> None:
    """`store/tables.py` and the migrated schema have the same tables, columns and indexes."""

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engine = engine_of(settings)
    async with engine.connect() as connection:
        differences = await connection.run_sync(compare)
    await engine.dispose()
    assert differences == []


async def test_migrating_again_changes_nothing(settings: Settings) -> None:
    """`migrate` may be run at every start, also by several replicas at once."""
    again = [
        asyncio.to_thread(migrate, settings.database_url, schema=SCHEMA, directory=MIGRATIONS)
        for _ in range(3)
    ]
    await asyncio.gather(*again)
    engine = engine_of(settings)
    assert await store_answers(engine)
    await engine.dispose()


async def test_without_its_schema_the_service_is_not_ready(clone_database: Callable[..., str]) -> None:
    """An empty database is reported as NOT_SERVING."""
    bare = Settings(database_url=clone_database("bare", lambda _url: None), internal_secret=SECRET)
    async with running(bare, "") as service:
        port = next(part for part in service.parts if isinstance(part, Port))
        answer = await port.health.Check(HealthCheckRequest(), None)
        assert answer.status == HealthCheckResponse.NOT_SERVING
