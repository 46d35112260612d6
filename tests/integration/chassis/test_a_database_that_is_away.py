"""PostgreSQL is stopped and started again under a port: callers are told at once, and served again at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.circuits import CircuitState
from chassis.database import create_engine, ping
from chassis.database_guard import DatabaseGuard
from chassis.lifecycle import Readiness
from redletter_cli.embedded import Postgres, start_on_free_port
from tests.integration.chassis.conftest import GOOD, Behaviour, fails_with, refused


@pytest.fixture
def server(server_dir: Path) -> Iterator[Postgres]:
    """A PostgreSQL that the test may stop."""
    made = start_on_free_port(
        lambda port: Postgres(server_dir / f"away-{port}", port=port, settings={"fsync": "off"})
    )
    yield made
    made.stop()


@pytest.fixture
async def engine(server: Postgres) -> AsyncIterator[AsyncEngine]:
    """An engine with two connections, so that a test can use them up."""
    made = create_engine(server.url("postgres"), name="test", schema="public", pool_size=2)
    yield made
    await made.dispose()


async def until(condition: Any, *, seconds: float) -> float:
    """Return after how many seconds a condition came true."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)
    return time.monotonic() - began


async def test_callers_are_told_at_once_and_served_again_at_once(
    serve: Any, server: Postgres, engine: AsyncEngine
) -> None:
    """UNAVAILABLE with RetryInfo within 50 ms and not ready; half a second after its return everything works."""
    guard = DatabaseGuard(engine)
    port, caller = await serve(Behaviour(lambda: ping(engine)), database=guard.circuit)
    readiness = Readiness([port], [guard.answers])
    for part in (guard, readiness):
        await part.start()
    await caller.unary(GOOD)
    await asyncio.to_thread(server.stop)

    async def opened() -> bool:
        await refused(caller.unary(GOOD))
        return guard.circuit.state is not CircuitState.CLOSED

    await until(opened, seconds=5)
    began = time.monotonic()
    for _ in range(10):
        seen = await refused(caller.unary(GOOD))
    assert time.monotonic() - began < 0.5
    assert seen.message.startswith("postgresql does not answer; try again in ")
    assert seen.details["ErrorInfo"].reason == "DEPENDENCY_UNAVAILABLE"
    assert 0 < seen.details["RetryInfo"].retry_delay.ToTimedelta().total_seconds() <= 0.5
    assert not await guard.answers()
    await asyncio.to_thread(server.start)

    async def answers() -> bool:
        try:
            await caller.unary(GOOD)
        except Exception:  # noqa: BLE001 - still away
            return False
        return True

    assert await until(answers, seconds=5) < 1.0
    for part in (readiness, guard):
        await part.stop()


async def test_a_statement_that_is_cancelled_closes_nothing(serve: Any, engine: AsyncEngine) -> None:
    """A slow statement is one caller's trouble: after ten of them the next caller is served."""
    guard = DatabaseGuard(engine)

    async def slow() -> None:
        from sqlalchemy import text

        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 1"))
            await connection.execute(text("SELECT pg_sleep(1)"))

    _, caller = await serve(Behaviour(slow), database=guard.circuit)
    for _ in range(10):
        assert (await refused(caller.unary(GOOD))).message == "the database does not answer; try again"
    assert guard.circuit.state is CircuitState.CLOSED


async def test_errors_of_callers_open_nothing(serve: Any, engine: AsyncEngine) -> None:
    """However often a request is refused, PostgreSQL has answered."""
    guard = DatabaseGuard(engine)
    _, caller = await serve(fails_with(KeyError("bug")), database=guard.circuit)
    for _ in range(10):
        await refused(caller.unary(GOOD))
    assert guard.circuit.state is CircuitState.CLOSED


async def test_readiness_does_not_wait_for_a_pool_that_hangs(engine: AsyncEngine) -> None:
    """With every connection taken the ping ends after 2.5 s as no answer; one such ping opens nothing."""
    guard = DatabaseGuard(engine)
    async with engine.connect(), engine.connect():
        began = time.monotonic()
        assert not await guard.answers()
        assert 2 < time.monotonic() - began < 3
    assert guard.circuit.state is CircuitState.CLOSED
    assert await guard.answers()
