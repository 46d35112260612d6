"""A queue that a vacuum met empty is planned for as if it stayed so, until a slow batch of outcomes says otherwise."""

import time
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import text

from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.store.outcomes import Outcome
from delivery_service.store.partitions import Partitions
from delivery_service.workers.recorder import SLOW_SECONDS, Recorder
from delivery_service.workers.replica_lease import ReplicaLease
from tests.integration.delivery_service.conftest import TENANT_ID, World, running

OWNER = 7
BATCH = 500
DAY = date(2027, 2, 28)
NOON = datetime(2027, 2, 28, 12, tzinfo=UTC)
_FILL = """
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
        next_time, decide_time, deliver_by, accept_time)
    SELECT 'evt_' || n, 'hook', 1, :tenant, 'u' || n, DATE '2027-02-28', :owner, 0, 0, t, t, t, t
    FROM generate_series(1, :count) AS n, (SELECT TIMESTAMPTZ '2027-02-28 12:00Z' AS t) AS noon
"""


def delivered() -> list[Outcome]:
    """Return the outcomes of a batch of attempts that were received."""
    rest = (NOON, 200, DeliveryCause.NONE, 1, 1, 1, 0, b"", "http://127.0.0.1/", "s1")
    state = DeliveryState.DELIVERED
    return [
        Outcome(f"evt_{n}", "hook", 1, DAY, state, DeliveryCause.NONE, 1, NOON, *rest)
        for n in range(1, BATCH + 1)
    ]


async def forgotten(world: World, count: int) -> None:
    """Put so many rows into a queue of which PostgreSQL believes that its pages are empty."""
    async with world.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ALTER TABLE queue SET (autovacuum_enabled = off)"))
        for statement, rows in ((_FILL, 200), ("DELETE FROM queue", 0), ("VACUUM (TRUNCATE false) queue", 0)):
            bound = {"tenant": TENANT_ID, "owner": OWNER, "count": rows} if rows else {}
            await connection.execute(text(statement), bound)
        await connection.execute(text(_FILL), {"tenant": TENANT_ID, "owner": OWNER, "count": count})


async def believed(world: World) -> tuple[int, int]:
    """Return (rows, pages) of the queue as the planner knows them."""
    rows: Any = await world.rows("SELECT reltuples, relpages FROM pg_class WHERE oid = 'queue'::regclass")
    return int(rows[0][0]), int(rows[0][1])


async def test_a_slow_batch_lets_the_queue_be_counted(database_url: str) -> None:
    """It reads twenty thousand rows for each of its own; the next one does not."""
    async with running(database_url, serve=False) as world:
        await Partitions(world.engine).ensure([DAY])
        await forgotten(world, 20_000)
        rows, pages = await believed(world)
        assert (rows, pages > 0) == (0, True)
        lease = cast("ReplicaLease", SimpleNamespace(number=OWNER))
        recorder = Recorder(world.engine, lease, batch=BATCH, seconds=60)
        for outcome in delivered():
            recorder.add(outcome)
        began = time.monotonic()
        await recorder.flush()
        assert time.monotonic() - began > SLOW_SECONDS
        left = await world.rows("SELECT count(*) FROM queue")
        assert left[0][0] == 20_000 - BATCH
        assert (await believed(world))[0] > 10_000
