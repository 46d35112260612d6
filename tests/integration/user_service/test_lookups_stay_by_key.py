"""Symptom: an import of 20,000 took 2.8 ms a row, because its statements were planned on an empty table."""

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.integration.user_service.examples import chunk, person
from tests.integration.user_service.harness import Service, running
from user_service.app import engine_of
from user_service.settings import Settings

# 3,000 people are created, changed, read for the feed and acknowledged; the small imports are 1,200 rows.
PEOPLE = 3000
_READS = text(
    """
    SELECT t.relname, t.n_tup_ins, t.seq_tup_read + sum(i.idx_tup_read)
    FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
    WHERE t.relname IN ('users', 'user_changes') GROUP BY 1, 2, t.seq_tup_read
    """
)


async def work(service: Service) -> None:
    """Let every statement be planned for a handful of rows, then give it many."""
    acme = await service.tenant()
    for turn in range(60):
        await acme.load([chunk([person(f"s{n}", given_name=str(turn)) for n in range(20)])])
        await service.drain()
    for name in ("Ada", "Augusta"):
        people = [person(f"u{n}", given_name=name) for n in range(PEOPLE)]
        await acme.load(
            [chunk(people[first : first + 50], first=first + 1) for first in range(0, PEOPLE, 50)]
        )
    await service.drain()


async def rows_read(connection: AsyncConnection) -> dict[str, int]:
    """Return rows read by table, once the service's connections have reported theirs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        await connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        reads = {row[0]: (row[1], row[2]) for row in await connection.execute(_READS)}
        if all(inserted >= PEOPLE for inserted, _ in reads.values()):
            return {table: int(read) for table, (_, read) in reads.items()}
        await asyncio.sleep(0.05)
    raise AssertionError(f"the statistics did not arrive: {reads}")


async def test_statements_planned_on_small_tables_stay_quick(settings: Settings, service: Service) -> None:
    """Rows that are read grow with the rows that are written, not with their square."""
    async with running(settings, service.operator_key) as busy:
        await work(busy)
    engine = engine_of(settings)
    async with engine.connect() as connection:
        read = await rows_read(connection)
    await engine.dispose()
    assert read["users"] < 20 * PEOPLE
    assert read["user_changes"] < 20 * PEOPLE
