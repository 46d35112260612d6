"""Ten thousand endpoints whose breakers are open, each with a message: nobody looks at them to find the others."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import queue
from tests.integration.delivery_service.conftest import State, World, running
from tests.receiver import Behaviour, Receiver, in_turn

_MANY = 10_000

_ENDPOINTS = """
    INSERT INTO endpoints (tenant_id, endpoint_id, url, description, state, timeout, version, create_time, update_time)
    SELECT 't' || n % 100, 'e' || n, 'http://127.0.0.1:9/', '', 1, '15 s', 1, now(), now()
    FROM generate_series(1, :many) n
"""
_BREAKERS = """
    INSERT INTO endpoint_breakers (tenant_id, endpoint_id, state, mode, reason, opened, successes, open_until,
        change_time, version)
    SELECT 't' || n % 100, 'e' || n, 2, 1, '', 1, 0, now() + interval '1 hour', now(), 1
    FROM generate_series(1, :many) n
"""
_ROWS = """
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
        next_time, decide_time, deliver_by, accept_time)
    SELECT 'evt_parked' || n, 'e' || n, 1, 't' || n % 100, 'u', '2027-02-28', NULL, 1, 1,
        now() - interval '1 minute', now(), now() + interval '1 hour', now() FROM generate_series(1, :many) n
"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Run a replica that finds them parked."""
    async with running(database_url, serve=False) as made, made.engine.begin() as connection:
        for statement in (_ENDPOINTS, _BREAKERS, _ROWS):
            await connection.execute(text(statement), {"many": _MANY})
        await connection.execute(text("ANALYZE queue"))
    async with running(database_url) as made:
        yield made


@contextmanager
def _statements(world: World) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(world.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(world.engine.sync_engine, "before_cursor_execute", note)


async def test_an_iteration_between_two_pages_of_the_scan_reads_nothing(world: World) -> None:
    """With everything parked a turn of the feeder has no statement and takes well under a millisecond."""
    feeder = world.inside.feeder
    await feeder.stop()
    feeder._scan_at = time.monotonic() + 60
    with _statements(world) as said:
        began = time.perf_counter()
        for _ in range(100):
            await feeder.feed()
        took = time.perf_counter() - began
    assert [one for one in said if "queue" in one] == []
    assert took / 100 < 0.001
    await feeder.start()


async def test_the_scan_takes_a_tenth_of_the_time_at_most(world: World) -> None:
    """After each page there is a pause of nine times its duration, and never more than two seconds."""
    feeder = world.inside.feeder
    await feeder.stop()
    for _ in range(_MANY // 1000 + 2):
        feeder._scan_at = 0.0
        began = time.monotonic()
        await feeder.feed()
        took = time.monotonic() - began
        assert feeder._scan_after - began <= 10 * took + 0.001
        assert feeder._scan_after - began <= 2.0 + took
    assert len(feeder._expected) == 0
    await feeder.start()


async def test_a_healthy_endpoint_beside_them_is_served_at_once(world: World) -> None:
    """Its message and the retry of it, at most 50 ms later, arrive in a moment."""
    async with Receiver() as receiver:
        receiver.script = in_turn(Behaviour(status=500), Behaviour())
        await world.endpoint(receiver.url())
        await world.accept(world.event())
        await receiver.wait_for(2, seconds=2)
        await world.ended(1, states=[State.STATE_DELIVERED])


async def test_a_lane_is_asked_by_the_index_of_lanes(world: World) -> None:
    """When a lane's next row is due is one probe of queue_lane: a handful of pages, whatever else waits."""
    lanes = [LaneKey(f"t{number % 100}", f"e{number}") for number in (1, 5000, 9999)]
    async with world.engine.connect() as connection:
        assert set(await queue.heads(connection, lanes)) == set(lanes)
        columns = {
            "tenant_id": [lane.tenant_id for lane in lanes],
            "endpoint_id": [lane.endpoint_id for lane in lanes],
        }
        explain = text("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queue._HEADS.text)
        [plan] = (await connection.execute(explain, columns)).scalar_one()
    assert "queue_lane" in str(plan)
    assert "Seq Scan" not in str(plan)
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] <= 4 * len(lanes)
