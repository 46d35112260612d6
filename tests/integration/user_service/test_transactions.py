"""A unit of work that lost against another one is run again from its start."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.errors import DependencyUnavailable
from chassis.transactions import ATTEMPTS, LostRaceError
from user_service.app import engine_of
from user_service.settings import Settings
from user_service.store.transactions import settled


async def test_a_deadlock_is_tried_again(settings: Settings) -> None:
    """Of two that lock the same rows in opposite order PostgreSQL ends one; both commit in the end."""
    engine = engine_of(settings)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE counters (name text PRIMARY KEY, value int)"))
        await connection.execute(text("INSERT INTO counters VALUES ('a', 0), ('b', 0)"))
    both = asyncio.Barrier(2)
    runs = 0

    async def count(connection: AsyncConnection, first: str, second: str) -> None:
        nonlocal runs
        runs += 1
        await connection.execute(text("UPDATE counters SET value = value + 1 WHERE name = :n"), {"n": first})
        if runs <= 2:
            await both.wait()
        await connection.execute(text("UPDATE counters SET value = value + 1 WHERE name = :n"), {"n": second})

    await asyncio.gather(
        settled(engine, lambda connection: count(connection, "a", "b")),
        settled(engine, lambda connection: count(connection, "b", "a")),
    )
    async with engine.connect() as connection:
        values = (await connection.execute(text("SELECT value FROM counters"))).scalars().all()
    await engine.dispose()
    assert values == [2, 2]
    assert runs == 3


async def test_one_that_always_loses_gives_up(settings: Settings) -> None:
    """After twelve attempts the caller is told to try again, and nothing of them is stored."""
    engine = engine_of(settings)
    runs = 0

    async def lose(connection: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        await connection.execute(text("UPDATE feed_epoch SET epoch = gen_random_uuid()"))
        raise LostRaceError

    async with engine.connect() as connection:
        before = (await connection.execute(text("SELECT epoch FROM feed_epoch"))).scalar_one()
    with pytest.raises(DependencyUnavailable):
        await settled(engine, lose)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT epoch FROM feed_epoch"))).scalar_one() == before
    await engine.dispose()
    assert runs == ATTEMPTS
