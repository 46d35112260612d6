"""Months are made ahead, kept as long as anybody needs them, and dropped; nothing open is ever forgotten."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from whenever import Instant

from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine
from delivery_service.domain.deliveries import INBOX
from delivery_service.domain.retention import Month
from delivery_service.store import partitions, retention
from delivery_service.store.partitions import Partitions
from delivery_service.store.tables import SCHEMA
from delivery_service.workers.retention import Retention, made_late

TODAY = date(2028, 3, 15)
OLD = date(2027, 1, 20)  # 420 days ago
A, B = "tenant-a", "tenant-b"

_MESSAGES = text("""
    INSERT INTO messages SELECT :tenant || '-' || CAST(CAST(:day AS date) AS text) || '-' || n, CAST(:day AS date), :tenant, 'u', 'birthday',
        CAST(:due AS timestamptz), :due, :deliver_by, 2, '{}', '', '', :due FROM generate_series(1, :count) n
""")
_DELIVERIES = text("""
    INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
        accept_time, deliver_by, end_time)
    SELECT event_id, 'hook', 1, occurrence_date, tenant_id, 2, 0, 2, accept_time, deliver_by, accept_time
    FROM messages WHERE tenant_id = :tenant AND occurrence_date = CAST(:day AS date)
""")
_ATTEMPTS = text("""
    INSERT INTO attempts SELECT event_id, 'hook', 1, 1, occurrence_date, accept_time, 500, 1, 1, 1, 1, 0, '', '', ''
    FROM messages WHERE tenant_id = :tenant AND occurrence_date = CAST(:day AS date)
""")
_QUEUE = text("""
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, attempts, cause, next_time,
        decide_time, deliver_by, accept_time)
    SELECT event_id, :endpoint, 2, tenant_id, user_id, occurrence_date, 0, 0, accept_time, decide_time, deliver_by,
        accept_time FROM messages WHERE tenant_id = :tenant AND occurrence_date = CAST(:day AS date)
""")


class Store:
    """The store of one deployment on 15 March 2028, and its worker."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        noon = Instant.from_utc(TODAY.year, TODAY.month, TODAY.day, 12)
        self.clock = BusinessClock(Lapse(noon, Instant.now()))
        self.worker = Retention(engine, self.clock, default_days=400)

    async def put(
        self, tenant: str, day: date, *, count: int = 1, open_at: str = "", within: timedelta = timedelta(1)
    ) -> None:
        """Store messages of a date with a delivery and an attempt each; with `open_at` one still open there."""
        await Partitions(self.engine).ensure([day])
        due = Instant.from_utc(day.year, day.month, day.day, 9).to_stdlib()
        values = {"tenant": tenant, "day": day}
        async with self.engine.begin() as connection:
            times = {"due": due, "deliver_by": due + within, "count": count}
            await connection.execute(_MESSAGES, {**values, **times})
            await connection.execute(_DELIVERIES, values)
            await connection.execute(_ATTEMPTS, values)
            if open_at:
                await connection.execute(_QUEUE, {**values, "endpoint": open_at})

    async def keeps(self, tenant: str, days: int) -> None:
        """Let a tenant decide."""
        async with self.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO tenant_settings (tenant_id, retention_days, update_time)"
                    " VALUES (:tenant, :days, now())"
                ),
                {"tenant": tenant, "days": days},
            )

    async def swept(self) -> list[dict[str, Any]]:
        """Sweep until nothing is left to do; return what was logged."""
        with capture_logs() as lines:
            while await self.worker.sweep() is not None:
                pass
        return [dict(line) for line in lines]

    async def months(self, parent: str = "messages") -> list[Month]:
        async with self.engine.connect() as connection:
            return await partitions.attached(connection, parent)

    async def counts(self, tenant: str, table: str = "messages") -> int:
        async with self.engine.connect() as connection:
            query = text(f"SELECT count(*) FROM {table} WHERE event_id LIKE :tenant || '-%'")
            return int((await connection.execute(query, {"tenant": tenant})).scalar_one())


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Give a migrated, empty store."""
    engine = create_engine(database_url, name="test", schema=SCHEMA, pool_size=6)
    yield Store(engine)
    await engine.dispose()


def count_of(name: str) -> float:
    """Return a counter's value."""
    return REGISTRY.get_sample_value(f"redletter_delivery_{name}_total") or 0.0


async def test_months_are_made_ahead(store: Store) -> None:
    """The last month, this one and the next fourteen, of all three tables; a few in each pass."""
    assert await store.worker.sweep() is not None
    assert len(await store.months()) == 3
    await store.swept()
    for parent in partitions.PARENTS:
        found = await store.months(parent)
        assert (found[0], found[-1], len(found)) == ((2028, 2), (2029, 5), 16)


async def test_one_replica_at_a_time(store: Store) -> None:
    """While another has its turn nothing is done; when its session ends the turn is free."""
    async with store.engine.connect() as opened:
        other = await opened.execution_options(isolation_level="AUTOCOMMIT")
        assert await retention.take_turn(other)
        assert await store.worker.sweep() is None
        assert await store.months() == []
        await other.invalidate()
    assert await store.worker.sweep() is not None


async def test_a_month_that_is_over_for_everyone_is_dropped(store: Store) -> None:
    """With all its rows, none deleted by itself; a month whose last day is 400 days ago or less stays."""
    for day in (OLD, date(2027, 2, 1)):
        await store.put(A, day, count=3)
        await store.put(B, day, count=2)
    before = count_of("messages_forgotten")
    lines = await store.swept()
    assert Month(2027, 1) not in await store.months()
    assert Month(2027, 2) in await store.months()
    assert [line["month"] for line in lines if line["event"] == "partition.dropped"] == ["2027-01"]
    for table in ("messages", "deliveries", "attempts"):
        assert (await store.counts(A, table), await store.counts(B, table)) == (3, 2)
    assert count_of("messages_forgotten") == before
    async with store.engine.connect() as connection:
        left = await connection.execute(
            text("SELECT relname FROM pg_class WHERE relname LIKE '%2027_01%' OR relname LIKE 'retired%'")
        )
        assert left.all() == []


async def test_a_month_with_open_rows_stays(store: Store) -> None:
    """A delivery that is open, for example redelivered, keeps its month until it has ended."""
    await store.put(A, OLD, open_at="hook")
    lines = await store.swept()
    assert [line["why"] for line in lines if line["event"] == "partition.kept"] == [
        "the queue has rows of it"
    ]
    assert await store.counts(A) == 1
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM queue"))
    await store.swept()
    assert await store.counts(A) == 0


async def test_what_may_still_be_sent_is_remembered(store: Store) -> None:
    """A message moved far from its date is worth sending until tomorrow: its id is known until then."""
    await store.put(A, OLD, within=timedelta(days=421))
    lines = await store.swept()
    assert "some of it may still be sent" in [line.get("why") for line in lines]
    assert await store.counts(A) == 1


async def test_what_nobody_claimed_ends_first_and_is_counted(store: Store) -> None:
    """An inbox message beyond retention ends as EXPIRED, said aloud; one that is being read stays, and so its month."""
    await store.put(A, OLD, open_at=INBOX, count=2)
    async with store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE queue SET lease_until = '2028-03-15 13:00+00' WHERE event_id LIKE '%-1'")
        )
    before = count_of("unclaimed")
    lines = await store.swept()
    assert count_of("unclaimed") == before + 1
    told = [line for line in lines if line["event"] == "messages.unclaimed"]
    assert [(line["tenant_id"], line["count"], line["log_level"]) for line in told] == [(A, 1, "warning")]
    async with store.engine.begin() as connection:
        ended = await connection.execute(
            text("SELECT event_id, state FROM deliveries WHERE endpoint_id = 'inbox'")
        )
        assert [tuple(row) for row in ended] == [(f"{A}-{OLD}-2", 4)]
        assert await store.counts(A) == 2
        await connection.execute(text("UPDATE queue SET lease_until = NULL"))
    await store.swept()
    assert await store.counts(A) == 0


async def test_a_tenant_that_keeps_less_has_its_rows_deleted(store: Store) -> None:
    """Sixty days for one: of two months his older dates go, in all tables, the others' and the open ones stay."""
    days = [date(2027, 12, 1), date(2028, 1, 10), date(2028, 1, 20)]
    for day in days:
        await store.put(A, day, count=2)
        await store.put(B, day, count=2)
    await store.put(A, date(2028, 1, 5), open_at="hook")
    await store.keeps(A, 60)
    await store.swept()
    for table in ("messages", "deliveries", "attempts"):
        async with store.engine.connect() as connection:
            found = await connection.execute(
                text(f"SELECT DISTINCT occurrence_date FROM {table} WHERE event_id LIKE '{A}%' ORDER BY 1")
            )
            assert [row.occurrence_date for row in found] == [date(2028, 1, 5), date(2028, 1, 20)]
        assert await store.counts(B, table) == 6


async def test_a_tenant_that_keeps_more_holds_the_month_for_itself(store: Store) -> None:
    """The others' rows go one by one, his stay, and the month with them."""
    await store.put(A, OLD, count=3)
    await store.put(B, OLD, count=2)
    await store.keeps(B, 1000)
    await store.swept()
    assert (await store.counts(A), await store.counts(B)) == (0, 2)


async def test_a_pass_deletes_a_bounded_number(store: Store) -> None:
    """Of 6,000 rows that are over one pass takes 5,000 in ten transactions, and says that there is more."""
    await store.swept()
    await store.put(A, date(2027, 12, 1), count=6_000)
    await store.put(B, date(2027, 12, 1))
    await store.keeps(A, 60)
    assert await store.worker.sweep() is not None
    assert await store.counts(A) == 1_000
    assert await store.worker.sweep() is None
    assert (await store.counts(A), await store.counts(B)) == (0, 1)


async def test_what_was_queued_while_its_month_was_detached_is_put_back(store: Store) -> None:
    """A redelivery that had begun before the detaching has its message, and the first outcome, afterwards."""
    await store.put(A, OLD, count=3)
    month = Month.of(OLD)
    async with store.engine.connect() as opened:
        connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
        for parent in partitions.PARENTS:
            await retention._detach(connection, parent, partitions.name_of(parent, month))
        await connection.execute(
            text(
                _QUEUE.text.replace("FROM messages", "FROM retired_messages_2027_01")
                + " AND event_id LIKE '%-2'"
            ),
            {"tenant": A, "day": OLD, "endpoint": "hook"},
        )
        assert await retention.drop(connection, store.engine, month) == 1
    assert [await store.counts(A, table) for table in partitions.PARENTS] == [1, 1, 1]
    lines = await store.swept()
    assert "the queue has rows of it" in [line.get("why") for line in lines]


async def test_a_drop_that_was_interrupted_is_finished(store: Store) -> None:
    """A reader in the way makes the detaching give up half done; nobody else waits meanwhile, the next pass ends it."""
    await store.put(A, OLD)
    await store.put(A, TODAY)
    async with store.engine.connect() as reader:
        await reader.execute(text("SELECT count(*) FROM attempts"))
        sweeping = asyncio.ensure_future(store.worker.sweep())
        pending = text("SELECT count(*) FROM pg_inherits WHERE inhdetachpending")
        async with asyncio.timeout(5), store.engine.connect() as watcher:
            while not (await watcher.execute(pending)).scalar_one():
                await watcher.rollback()
        async with asyncio.timeout(0.5):
            await store.put(B, TODAY)
        with pytest.raises(DBAPIError, match="lock timeout"):
            await sweeping
    await store.swept()
    assert Month(2027, 1) not in await store.months("attempts")
    assert await store.counts(A) == await store.counts(B) == 1


async def test_a_writer_makes_the_month_that_nobody_has_made_and_says_so(store: Store) -> None:
    """A lapse begins in 2096: the first message makes its month, an error and a counter tell; the second does not."""
    before = count_of("partitions_late")
    writer = Partitions(store.engine, made=made_late)
    with capture_logs() as lines:
        for _ in range(2):
            await writer.ensure([date(2096, 2, 29)], today=TODAY)
    assert [(line["event"], line["log_level"], line["months"]) for line in lines] == [
        ("partitions.late", "error", ["2096-02"])
    ]
    assert count_of("partitions_late") == before + 1


async def test_a_writer_does_not_trust_its_memory_of_a_month_that_may_be_gone(store: Store) -> None:
    """A replica that knew the month stores into it after another has dropped it."""
    writer = Partitions(store.engine)
    await writer.ensure([OLD], today=TODAY)
    await store.swept()
    assert Month.of(OLD) not in await store.months()
    await writer.ensure([OLD], today=TODAY)
    assert Month.of(OLD) in await store.months()
