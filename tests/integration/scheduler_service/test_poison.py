"""Rendering for one person ends the process: the others get theirs, and that one is set aside."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import create_engine, unit_of_work
from scheduler_service.store import SCHEMA, shard_work
from scheduler_service.workers.work_notes import Chunk, WorkNotes
from tests.integration.scheduler_service.conftest import SECRET, World, utc

DUE = utc("2028-03-02T09:00:00+00:00")
ALL = tuple(range(64))
PLANS = [bytes([n * 4]) * 16 for n in range(5)]


async def test_the_rest_arrives_and_the_poison_is_set_aside(world: World) -> None:
    """Three processes die of one person of twenty; the fourth lives, and all others have their message, once."""
    world.feed.put_tenant(DUE)
    for name in ("poison", *(f"u{n}" for n in range(19))):
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=DUE.subtract(hours=8))
    planner = await world.start(DUE.subtract(hours=4))
    await world.drained()
    await planner.stop()
    deaths = 0
    child = await _scheduler(world)
    try:
        while not await _settled(world):
            if child.returncode is not None:
                assert child.returncode == -signal.SIGABRT
                deaths += 1
                child = await _scheduler(world)
            await asyncio.sleep(0.05)
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    assert deaths == 3
    (event,) = await world.rows("SELECT state, reason FROM events WHERE user_id = 'poison'")
    assert tuple(event) == ("FAILED", "POISON")
    assert {e.user_id for e in world.intake.accepted.values()} == {f"u{n}" for n in range(19)}
    assert await world.rows("SELECT 1 FROM shard_work") == []


async def _scheduler(world: World) -> Process:
    settings = {
        "database_url": world.database_url,
        "redis_url": world.redis_url,
        "internal_secret": SECRET,
        "user_service_address": f"127.0.0.1:{world.peers_port}",
        "delivery_service_address": f"127.0.0.1:{world.peers_port}",
        "clock_from": DUE.add(seconds=1).format_iso(),
        "clock_anchor": Instant.now().format_iso(),
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.scheduler_service.dying_scheduler"),
        cwd=Path(__file__).parents[3],
        env={**os.environ, **{f"REDLETTER_{name.upper()}": value for name, value in settings.items()}},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )


async def _settled(world: World) -> bool:
    events = await world.rows("SELECT 1 FROM events")
    return len(events) == 20 and len(world.intake.accepted) == 19


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """The scheduler's store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


def process(engine: AsyncEngine, *, with_redis: bool = True) -> WorkNotes:
    """Return the notes of another process."""
    return WorkNotes(engine, claims_are_locks=lambda: with_redis)


async def ended_with(engine: AsyncEngine, chunks: list[Chunk]) -> None:
    """Note these chunks in a process that ends while it renders the last one."""
    dying = process(engine)
    for chunk in chunks:
        await dying.begin(chunk)


async def test_care_grows_with_every_process_that_ended(engine: AsyncEngine) -> None:
    """Found once: apart from all others; twice: one by one; the one that was alone then: never again."""
    await ended_with(engine, [Chunk(PLANS[:2]), Chunk(PLANS[:4])])
    second = process(engine)
    await second.take_over(ALL)
    chunks = second.chunks(PLANS, size=500)
    assert chunks == [Chunk(PLANS[4:]), Chunk(PLANS[:4], 1)]
    await second.begin(chunks[1])
    third = process(engine)
    await third.take_over(ALL)
    alone = third.chunks(PLANS, size=500)
    assert alone == [Chunk(PLANS[4:]), *(Chunk([plan_id], 2) for plan_id in PLANS[:4])]
    for chunk in alone[:2]:
        await third.begin(chunk)
        third.survived(chunk)
    await third.begin(alone[2])
    fourth = process(engine)
    await fourth.take_over(ALL)
    assert [plan_id for plan_id in PLANS if fourth.is_quarantined(plan_id)] == [PLANS[1]]
    assert fourth.chunks([PLANS[0], *PLANS[2:]], size=500) == [Chunk([PLANS[0], *PLANS[2:]])]


async def test_the_quarantine_lasts_until_it_is_decided(engine: AsyncEngine) -> None:
    """Every process that comes later knows it, however often it starts; then it is forgotten."""
    async with unit_of_work(engine) as connection:
        await shard_work.quarantine(connection, PLANS[:1])
        await shard_work.quarantine(connection, [PLANS[0][:15] + b"x", PLANS[2]])
    for _ in range(2):
        later = process(engine)
        await later.take_over(ALL)
        assert [plan_id for plan_id in PLANS if later.is_quarantined(plan_id)] == [PLANS[0], PLANS[2]]
    async with unit_of_work(engine) as connection:
        await shard_work.release(connection, [PLANS[0], PLANS[1], PLANS[2]])
    await later.take_over(ALL)
    assert not any(map(later.is_quarantined, PLANS))
    assert later.is_quarantined(PLANS[0][:15] + b"x")


async def test_a_process_that_ends_well_leaves_nothing(engine: AsyncEngine) -> None:
    """Its notes are gone, and nobody treats its plans with care."""
    well = process(engine)
    await well.begin(Chunk(PLANS))
    await well.end()
    later = process(engine)
    await later.take_over(ALL)
    assert later.chunks(PLANS, size=2) == [Chunk(PLANS[:2]), Chunk(PLANS[2:4]), Chunk(PLANS[4:])]


async def test_only_the_holder_of_a_shard_takes_its_notes_over(engine: AsyncEngine) -> None:
    """Another shard's notes wait for whoever holds that one."""
    await ended_with(engine, [Chunk(PLANS)])
    other = process(engine)
    await other.take_over((PLANS[3][0] >> 2,))
    assert other.chunks(PLANS, size=500)[1:] == [Chunk([PLANS[3]], 1)]
    rest = process(engine)
    await rest.take_over(tuple(plan_id[0] >> 2 for plan_id in PLANS[:3]))
    assert rest.chunks(PLANS, size=500)[1:] == [Chunk(PLANS[:3], 1)]


async def test_without_redis_what_another_replica_renders_is_left_to_it(
    world: World, engine: AsyncEngine
) -> None:
    """Both work on all shards: a fresh note is of a living process, an old one of one that is gone."""
    await ended_with(engine, [Chunk(PLANS[:2])])
    beside = process(engine, with_redis=False)
    await beside.take_over(ALL)
    assert beside.chunks(PLANS, size=500) == [Chunk(PLANS[2:])]
    await world.rows("UPDATE shard_work SET note_time = note_time - interval '10 seconds'")
    await beside.take_over(ALL)
    assert beside.chunks(PLANS, size=500) == [Chunk(PLANS[2:]), Chunk(PLANS[:2], 1)]
