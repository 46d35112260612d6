"""One leader at a time, and a term in PostgreSQL that an overslept one cannot get past."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import redis_client
from chassis.database import create_engine, unit_of_work
from chassis.errors import StaleVersion
from chassis.leadership import Leadership
from scheduler_service.store import SCHEMA
from tests.integration.scheduler_service.conftest import World, until


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """An engine on the test's own store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def redis(world: World) -> AsyncIterator[Redis]:
    """A client of the test's empty Valkey."""
    client = redis_client.connect(world.redis_url)
    assert isinstance(client, Redis)
    yield client
    await client.aclose()


async def fence(leadership: Leadership, engine: AsyncEngine) -> None:
    """Go through the fence in a transaction of its own."""
    async with unit_of_work(engine) as connection:
        await leadership.fence(connection)


async def test_one_of_two_leads_and_keeps_its_term(engine: AsyncEngine, redis: Redis) -> None:
    """The first to ask leads with term 1 and keeps both; the second does not pass the fence."""
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    for _ in range(3):
        await first.campaign()
        await second.campaign()
    assert first.leads
    assert first.term == 1
    assert not second.leads
    await fence(first, engine)
    with pytest.raises(StaleVersion, match="no longer leads role"):
        await fence(second, engine)


async def test_a_leader_that_stops_is_followed_within_a_second(engine: AsyncEngine, redis: Redis) -> None:
    """The lock is given back, so the next leader need not wait for the lease, and its term is higher."""
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    await first.start()
    await until(lambda: first.leads)
    await second.start()
    began = time.monotonic()
    await first.stop()
    await until(lambda: second.leads)
    assert time.monotonic() - began < 1
    assert second.term == 2
    assert not first.leads
    await second.stop()


async def test_a_leader_that_overslept_may_not_write(engine: AsyncEngine, redis: Redis) -> None:
    """Its lock was lost while it was frozen: it still believes, and its next transaction is refused."""
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    await first.campaign()
    await redis.flushall()
    await second.campaign()
    assert first.leads
    assert second.leads
    await fence(second, engine)
    with pytest.raises(StaleVersion):
        await fence(first, engine)
    assert not first.leads
    await first.campaign()
    assert not first.leads
    assert second.term == 2


async def test_the_next_leader_waits_for_the_transactions_of_the_last(
    engine: AsyncEngine, redis: Redis
) -> None:
    """Behind the fence nobody can be elected until the leader's transaction has ended."""
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    await first.campaign()
    await redis.flushall()
    async with unit_of_work(engine) as connection:
        await first.fence(connection)
        await second.start()

        async def waits() -> bool:
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            found = await (await connection.get_raw_connection()).driver_connection.fetchval(query)
            return bool(found)

        deadline = time.monotonic() + 5
        while not await waits():
            assert time.monotonic() < deadline
        assert not second.leads
    await until(lambda: second.leads)
    await second.stop()


async def test_a_leader_that_freezes_in_its_transaction_blocks_nobody(
    engine: AsyncEngine, redis: Redis
) -> None:
    """PostgreSQL ends its idle transaction with its lease, the next one leads within 3 s, nothing was written."""
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    await first.campaign()
    connection = await engine.connect()
    await first.fence(connection)
    await connection.execute(text("UPDATE leadership SET since = 'epoch'"))
    frozen = time.monotonic()
    await second.start()
    await until(lambda: second.leads)
    assert time.monotonic() - frozen < 3.0
    with pytest.raises(DBAPIError):
        await connection.commit()
    await connection.invalidate()
    async with engine.connect() as connection:
        untouched = await connection.execute(text("SELECT count(*) FROM leadership WHERE since > 'epoch'"))
        assert untouched.scalar() == 1
    assert second.term == 2
    await second.stop()


async def test_a_long_transaction_does_not_cost_the_lead(engine: AsyncEngine, redis: Redis) -> None:
    """The leader renews at once while a transaction of its own holds the fence, and keeps its term."""
    leadership = Leadership("role", "a", engine, redis)
    await leadership.campaign()
    async with unit_of_work(engine) as connection:
        await leadership.fence(connection)
        before = leadership._until
        await asyncio.wait_for(leadership.campaign(), 1)
        assert leadership._until > before
        assert (leadership.leads, leadership.term) == (True, 1)


async def test_without_redis_the_row_in_postgresql_is_the_lock(engine: AsyncEngine) -> None:
    """One leads; the other follows at once when it stops, although there is no Redis."""
    first, second = (Leadership("role", name, engine, None) for name in ("a", "b"))
    await first.campaign()
    await second.campaign()
    assert (first.leads, second.leads) == (True, False)
    await first.stop()
    await second.campaign()
    assert second.leads
    assert second.term == 2
    await second.stop()


async def test_a_leader_keeps_its_term_when_redis_goes_away(
    engine: AsyncEngine, redis: Redis, unused_tcp_port: int
) -> None:
    """With Redis gone the row decides: the leader stays, the other waits, and a stop is still told."""
    nowhere = redis_client.connect(f"redis://127.0.0.1:{unused_tcp_port}")
    first, second = (Leadership("role", name, engine, redis) for name in ("a", "b"))
    await first.campaign()
    first._redis = second._redis = nowhere
    await first.campaign()
    await second.campaign()
    assert (first.leads, first.term, second.leads) == (True, 1, False)
    await first.stop()
    await second.campaign()
    assert second.leads
    assert second.term == 2


async def test_a_replica_with_a_wrong_clock_does_not_lead(engine: AsyncEngine, redis: Redis) -> None:
    """Whoever is not eligible gives up what it had."""
    trusted = True
    leadership = Leadership("role", "a", engine, redis, eligible=lambda: trusted)
    await leadership.campaign()
    assert leadership.leads
    trusted = False
    await leadership.campaign()
    assert not leadership.leads
