"""Redis elects and spreads, no more: without it, emptied or restarted, everything still leaves once."""

import asyncio
from pathlib import Path

import redis
from redletter.delivery.v1.intake_service_pb2 import AcceptEventsRequest

from redletter_cli.embedded import Valkey, free_port
from tests.integration.scheduler_service.conftest import World, eventually, until, utc

START = utc("2028-03-02T08:59:58.5+00:00")


async def test_two_replicas_without_redis_send_everything_once(world: World) -> None:
    """Both work on all shards, PostgreSQL arbitrates, and the status says that there is no Redis."""
    world.feed.put_tenant(START)
    for n in range(100):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=START)
    first = await world.start(START, redis=False)
    second = await world.start(START, redis=False)
    await until(lambda: len(world.intake.accepted) == 100)
    assert len(first.shards.held()) == len(second.shards.held()) == 64
    assert (await first.status()).redis_available is False
    (count,) = await world.rows("SELECT count(*) FROM events")
    assert count[0] == 100
    offered = [e.event_id for o in world.intake.offers for e in AcceptEventsRequest.FromString(o).events]
    assert len(offered) == len(set(offered)) == 100


async def test_flushall_at_the_due_instant_loses_and_doubles_nothing(world: World) -> None:
    """Redis forgets everything while 200 people are due; each is greeted once."""
    world.feed.put_tenant(START)
    for n in range(200):
        # Half of them are due a little later, after the first have left.
        at = START if n % 2 else utc("2028-03-02T09:00:00.3+00:00")
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=at, on_enrol=2)
    await world.start(START)
    await world.start(START)
    with redis.Redis.from_url(world.redis_url) as client:
        await until(lambda: len(world.intake.accepted) > 0)
        client.flushall()
    await until(lambda: len(world.intake.accepted) == 200)
    (count,) = await world.rows("SELECT count(*), count(DISTINCT user_id) FROM events")
    assert tuple(count) == (200, 200)


async def test_redis_is_stopped_and_started_again(world: World, tmp_path: Path) -> None:
    """Claims go on by SKIP LOCKED on all shards, the status says so, and sharing returns with Redis."""
    server = Valkey(tmp_path / "valkey", port=free_port())
    await asyncio.to_thread(server.start)
    world.redis_url = server.url()
    try:
        world.feed.put_tenant(START)
        first, second = [await world.start(START) for _ in range(2)]
        await until(lambda: len(first.shards.held()) == len(second.shards.held()) == 32)
        await asyncio.to_thread(server.stop)

        async def goes_on_alone() -> bool:
            return not (await first.status()).redis_available and len(first.shards.held()) == 64

        await eventually(goes_on_alone)
        world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=first.clock.now(), on_enrol=2)
        await until(lambda: world.sent_to("u1"))
        await asyncio.to_thread(server.start)

        async def shared_again() -> bool:
            held = sorted((*first.shards.held(), *second.shards.held()))
            return (await first.status()).redis_available and held == list(range(64))

        await eventually(shared_again)
        world.feed.put_user("u2", "UTC", month=3, day=2, enrolled=first.clock.now(), on_enrol=2)
        await until(lambda: world.sent_to("u2"))
        assert len(world.intake.accepted) == 2
    finally:
        for replica in world.replicas:
            await replica.stop()
        await asyncio.to_thread(server.stop)
