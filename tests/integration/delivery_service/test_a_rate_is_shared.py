"""An endpoint's maximum rate holds for all replicas together: with Redis, through a FLUSHALL, and without it."""

from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

from redis.asyncio import Redis

from tests.integration.delivery_service.conftest import World, running
from tests.integration.delivery_service.deciding import decide
from tests.receiver import Receiver

_RATE = 50.0
_EACH = 60
# What was granted may be spent up to two tenths of a second later, by each replica a tenth's worth.
_TOLERANCE = 1.2


@asynccontextmanager
async def _three(database_url: str, redis_url: str) -> AsyncIterator[list[World]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                running(database_url, replica_id=f"r{number}", redis_url=redis_url)
            )
            for number in range(3)
        ]


async def _begin(worlds: list[World], receiver: Receiver) -> None:
    await worlds[0].endpoint(receiver.url())
    await decide(worlds[0], max_rate=_RATE)
    for world in worlds:
        await world.accept(*[world.event() for _ in range(_EACH)])


def _busiest_second(receiver: Receiver) -> int:
    times = sorted(got.time for got in receiver.received)
    return max(bisect_left(times, began + 1.0) - number for number, began in enumerate(times))


def _per_second(receiver: Receiver) -> float:
    times = sorted(got.time for got in receiver.received)
    return (len(times) - 1) / (times[-1] - times[0])


async def test_three_replicas_share_a_rate_through_redis(database_url: str, redis_url: str) -> None:
    """180 messages at 50/s: never more than that in a second, and most of it is used although one may have all."""
    async with Receiver() as receiver, _three(database_url, redis_url) as worlds:
        await _begin(worlds, receiver)
        await receiver.wait_for(3 * _EACH, seconds=20)
        assert _busiest_second(receiver) <= _RATE * _TOLERANCE
        assert _per_second(receiver) >= _RATE * 0.7
        assert all(world.inside.rates.shared for world in worlds)


async def test_one_replica_with_everything_may_use_the_whole_rate(database_url: str, redis_url: str) -> None:
    """What the others do not ask for is its own."""
    async with Receiver() as receiver, _three(database_url, redis_url) as worlds:
        await worlds[0].endpoint(receiver.url())
        await decide(worlds[0], max_rate=_RATE)
        await worlds[1].accept(*[worlds[1].event() for _ in range(100)])
        await receiver.wait_for(100, seconds=20)
        assert _busiest_second(receiver) <= _RATE * _TOLERANCE
        assert _per_second(receiver) >= _RATE * 0.7


async def test_a_flushed_redis_costs_one_window(database_url: str, redis_url: str) -> None:
    """What Redis forgot may be sent once more in the second of the FLUSHALL, nothing beyond that."""
    async with Receiver() as receiver, _three(database_url, redis_url) as worlds:
        await _begin(worlds, receiver)
        await receiver.wait_for(_EACH, seconds=20)
        async with Redis.from_url(redis_url) as redis:
            await redis.flushall()
        await receiver.wait_for(3 * _EACH, seconds=20)
        assert _busiest_second(receiver) <= _RATE * (1 + _TOLERANCE)
        times = sorted(got.time for got in receiver.received)
        assert len(times) - _RATE * (times[-1] - times[0]) <= _RATE * (1 + _TOLERANCE)


async def test_without_redis_each_takes_its_part(database_url: str) -> None:
    """Three replicas take a third each; nobody exceeds anything, and all of it arrives."""
    async with Receiver() as receiver, _three(database_url, "") as worlds:
        await _begin(worlds, receiver)
        await receiver.wait_for(3 * _EACH, seconds=20)
        assert _busiest_second(receiver) <= _RATE * _TOLERANCE
        assert _per_second(receiver) >= _RATE * 0.6
        assert not any(world.inside.rates.shared for world in worlds)


async def test_a_redis_that_does_not_answer_is_as_none(database_url: str) -> None:
    """The first asking fails; from then on each replica takes its part, and the rate holds."""
    async with Receiver() as receiver, _three(database_url, "redis://127.0.0.1:9/0") as worlds:
        await _begin(worlds, receiver)
        await receiver.wait_for(3 * _EACH, seconds=20)
        assert _busiest_second(receiver) <= _RATE * _TOLERANCE


async def test_a_slow_rate_spaces_single_messages(world: World, receiver: Receiver) -> None:
    """Four a second: the messages come one by one, a quarter of a second apart."""
    await world.endpoint(receiver.url())
    await decide(world, max_rate=4.0)
    await world.accept(*[world.event() for _ in range(8)])
    await receiver.wait_for(8)
    times = sorted(got.time for got in receiver.received)
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


async def test_a_rate_that_is_lifted_lets_go_at_once(world: World, receiver: Receiver) -> None:
    """With the rate taken away what waited for it goes out."""
    await world.endpoint(receiver.url())
    await decide(world, max_rate=0.05)
    await world.accept(*[world.event() for _ in range(5)])
    await receiver.wait_for(1)
    await decide(world, max_rate=0.0)
    await receiver.wait_for(5, seconds=5)
