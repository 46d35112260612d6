"""A receiver fails everywhere: its breaker opens once, for every replica."""

import asyncio

import structlog

from delivery_service.domain.breakers import BreakerMode, BreakerState
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import breakers as store
from delivery_service.workers.breakers import Gate
from tests.integration.delivery_service.breaking import HOOK, LASTING, TENANT, cluster


async def test_failures_of_all_replicas_together_open_it(database_url: str, redis_url: str) -> None:
    """Three failures at each of three replicas are nine: none has enough alone, all are parked."""
    async with cluster(database_url, redis_url) as made:
        await made.aim(LASTING)
        for replica in made.replicas:
            replica.fail(3)
        await made.look()
        assert made.gates() == [Gate.PASS] * 3
        await made.exchange()
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        assert [replica.parked for replica in made.replicas] == [[HOOK]] * 3
        stored = await made.stored()
        assert (stored.state, stored.opened, stored.version) == (BreakerState.OPEN, 1, 1)


async def test_of_replicas_that_want_to_open_it_at_once_one_does(database_url: str, redis_url: str) -> None:
    """Three replicas trip in the same moment: one transition, one log line, one version."""
    async with cluster(database_url, redis_url) as made:
        await made.aim(LASTING)
        for replica in made.replicas:
            replica.fail(20)
        with structlog.testing.capture_logs() as lines:
            await asyncio.gather(*(replica.watch.iterate() for replica in made.replicas))
            await made.look()
        assert [line["event"] for line in lines if line["event"].startswith("breaker.")] == ["breaker.opened"]
        assert (await made.stored()).version == 1
        assert made.gates() == [Gate.PARKED] * 3


async def test_successes_of_the_others_keep_it_closed(database_url: str, redis_url: str) -> None:
    """What one replica cannot reach and two can stays closed: the rate is everybody's."""
    async with cluster(database_url, redis_url) as made:
        await made.aim(LASTING)
        made.replicas[1].succeed(30)
        made.replicas[2].succeed(30)
        await made.exchange()
        made.replicas[0].fail(5)
        await made.exchange()
        made.replicas[0].fail(10)
        await made.look()
        assert made.gates() == [Gate.PASS] * 3


async def test_without_redis_each_replica_goes_on_with_its_own_counts(database_url: str) -> None:
    """Nine failures at one replica open it for all, three at each do not."""
    async with cluster(database_url) as made:
        await made.aim(LASTING)
        for replica in made.replicas:
            replica.fail(3)
        with structlog.testing.capture_logs() as lines:
            await made.exchange()
            await made.look()
        assert made.gates() == [Gate.PASS] * 3
        assert [line["event"] for line in lines] == ["redis.lost"] * 3, "said once by each, not each second"
        made.replicas[1].fail(6)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3


async def test_after_a_flush_every_replica_says_its_whole_window_again(
    database_url: str, redis_url: str
) -> None:
    """Failures from before FLUSHALL count together with those after it, although nobody fails again there."""
    async with cluster(database_url, redis_url) as made:
        assert made.redis is not None
        await made.aim(LASTING)
        made.replicas[0].fail(4)
        made.replicas[1].fail(4)
        await made.exchange()
        await made.redis.flushall()
        await made.replicas[0].exchange.exchange()
        await made.replicas[1].exchange.exchange()
        made.replicas[2].fail(1)
        await made.replicas[2].exchange.exchange()
        assert made.replicas[2].breakers.counts(HOOK).failures == 9
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3


async def test_redis_holds_nothing_for_longer_than_a_window(database_url: str, redis_url: str) -> None:
    """Every key has an end, that of the counts one second after the window."""
    async with cluster(database_url, redis_url) as made:
        assert made.redis is not None
        await made.aim(LASTING)
        made.replicas[0].fail(2)
        await made.exchange()
        keys = sorted(await made.redis.keys("*"))
        assert keys == ["redletter:{breakers}:" + f"{TENANT}/hook", "redletter:{breakers}:mark"]
        assert 0 < await made.redis.pttl(keys[0]) <= 31_000
        assert 0 < await made.redis.pttl(keys[1]) <= 3_600_000


async def test_hundreds_of_endpoints_are_exchanged_in_a_few_calls(database_url: str, redis_url: str) -> None:
    """450 endpoints: every window arrives at the other replica."""
    async with cluster(database_url, redis_url, count=2) as made:
        first, second = made.replicas
        keys = [LaneKey(TENANT, f"hook{number}") for number in range(450)]
        for key in keys:
            first.fail(1, key)
            second.succeed(2, key)
        await made.exchange()
        assert {second.breakers.counts(key) for key in keys} == {(3, 1)}


async def test_every_replica_knows_within_300_ms(database_url: str, redis_url: str) -> None:
    """With the loops running, the last replica's gate shuts 300 ms after the first one's at the latest."""
    async with cluster(database_url, redis_url) as made:
        await made.aim(LASTING)
        for replica in made.replicas:
            await replica.watch.start()
        try:
            made.replicas[0].fail(20)
            async with asyncio.timeout(2.0):
                while made.replicas[0].gate() is not Gate.PARKED:
                    await asyncio.sleep(0.005)
            async with asyncio.timeout(0.3):
                while made.gates() != [Gate.PARKED] * 3:
                    await asyncio.sleep(0.005)
        finally:
            for replica in made.replicas:
                await replica.watch.stop()


async def test_the_replica_that_trips_it_stops_at_once(database_url: str, redis_url: str) -> None:
    """Nothing more passes while PostgreSQL is asked; the opening itself parks nobody a second time."""
    async with cluster(database_url, redis_url) as made:
        await made.aim(LASTING)
        made.replicas[0].fail(9)
        assert made.gates() == [Gate.PARKED, Gate.PASS, Gate.PASS]
        assert made.replicas[0].breakers.parked(HOOK)
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        assert made.replicas[0].parked == [HOOK]


async def test_a_replica_that_was_wrong_goes_on(database_url: str, redis_url: str) -> None:
    """It trips while a person has just forced the breaker closed: what it parked is released."""
    async with cluster(database_url, redis_url, count=1) as made:
        await made.aim(LASTING)
        only = made.replicas[0]
        await store.put(made.engine, HOOK, BreakerMode.FORCED_CLOSED, "we know")
        only.fail(9)
        assert only.gate() is Gate.PARKED
        await made.look()
        assert only.gate() is Gate.PASS
        assert only.released == [HOOK]
