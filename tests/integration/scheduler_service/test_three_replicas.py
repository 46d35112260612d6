"""Three replicas share the work: each person once, nobody early, whoever comes and goes."""

import time

from tests.integration.scheduler_service.conftest import Replica, World, eventually, until, utc

START = utc("2028-03-02T08:59:57.8+00:00")
DUE = utc("2028-03-02T09:00:00+00:00")


async def shares(replica: Replica) -> list[int]:
    """Return how many shards each holder has, the fewest first."""
    return sorted(len(holder.shards) for holder in (await replica.status()).shard_holders)


async def test_three_hundred_people_at_one_instant_are_greeted_once_and_not_early(world: World) -> None:
    """Three replicas with fair shares send 300 events, each once, none before its instant, soon after it."""
    world.feed.put_tenant(START)
    for n in range(300):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, year=1990, enrolled=START)
    first = await world.start(START)
    await world.start(START)
    await world.start(START)
    assert world.anchor is not None
    due = world.anchor.timestamp(unit="nanosecond") / 1e9 + (DUE - START).total("seconds")

    async def fair() -> bool:
        return await shares(first) == [21, 21, 22]

    await eventually(fair)
    await until(lambda: len(world.intake.accepted) == 300)
    assert {e.user_id for e in world.intake.accepted.values()} == {f"u{n}" for n in range(300)}
    assert min(world.intake.arrived.values()) >= due
    assert max(world.intake.arrived.values()) <= due + 2
    (count,) = await world.rows("SELECT count(*), count(DISTINCT user_id) FROM events WHERE state = 'SENT'")
    assert tuple(count) == (300, 300)
    (following,) = await world.rows("SELECT count(*) FROM plans WHERE cycle = '2029' AND last_cycle = '2028'")
    assert following[0] == 300


async def test_a_replica_that_stops_hands_its_shards_back_at_once(world: World) -> None:
    """The two that stay have all 64 shards, and the lead, well before any lease could run out."""
    first, second, third = [await world.start(START) for _ in range(3)]

    async def fair() -> bool:
        return await shares(second) == [21, 21, 22]

    await eventually(fair)
    began = time.monotonic()
    await first.stop()

    async def taken_over() -> bool:
        status = await third.status()
        living = {second.settings.replica_id, third.settings.replica_id}
        return await shares(third) == [32, 32] and status.leader in living

    await eventually(taken_over)
    assert time.monotonic() - began < 1.5


async def test_a_replica_that_disappears_is_replaced_within_three_seconds(world: World) -> None:
    """Its shards and its lead are taken over when its leases end; what was due meanwhile leaves once."""
    world.feed.put_tenant(START)
    first = await world.start(START)

    async def holds_all() -> bool:
        return await shares(first) == [64]

    await eventually(holds_all)
    for n in range(60):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=START)
    await world.drained()
    second = await world.start(START)
    await until(lambda: len(second.shards.held()) == 32)
    await first.vanish()
    gone = time.monotonic()
    await until(lambda: len(second.shards.held()) == 64)

    async def leads() -> bool:
        return (await second.status()).leader == second.settings.replica_id

    await eventually(leads)
    assert time.monotonic() - gone < 3.0
    await until(lambda: len(world.intake.accepted) == 60)
    (count,) = await world.rows("SELECT count(*) FROM events")
    assert count[0] == 60
