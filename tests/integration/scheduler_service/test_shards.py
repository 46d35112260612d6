"""Claiming shards: fair, without overlap, and nothing for whom the clock cannot be trusted."""

from chassis import redis_client
from scheduler_service.coordination.shards import Shards


async def test_every_number_of_replicas_has_fair_shares(redis_url: str) -> None:
    """With one to seven replicas the shares differ by one at most and cover all 64 shards once."""
    redis = redis_client.connect(redis_url)
    assert redis is not None
    living: list[Shards] = []
    for count in range(1, 8):
        living.append(Shards(f"r{count}", redis))
        for _ in range(2):
            for one in living:
                await one.claim()
        sizes = [len(one.held()) for one in living]
        assert max(sizes) - min(sizes) <= 1
        assert sorted(shard for one in living for shard in one.held()) == list(range(64))
    await redis.aclose()


async def test_a_settled_share_does_not_wander(redis_url: str) -> None:
    """Renewing keeps the same shards: what is read ahead stays useful."""
    redis = redis_client.connect(redis_url)
    assert redis is not None
    first, second, third = (Shards(name, redis) for name in "abc")
    for _ in range(3):
        for one in (first, second, third):
            await one.claim()
    before = [one.held() for one in (first, second, third)]
    for one in (third, first, second, second, third, first):
        await one.claim()
    assert [one.held() for one in (first, second, third)] == before
    await redis.aclose()


async def test_a_replica_whose_clock_is_off_gives_its_shards_back(redis_url: str) -> None:
    """Not eligible any more: it holds none, and the other takes all of them."""
    redis = redis_client.connect(redis_url)
    assert redis is not None
    trusted = True
    first, second = Shards("a", redis, eligible=lambda: trusted), Shards("b", redis)
    for one in (first, second, first, second):
        await one.claim()
    assert (len(first.held()), len(second.held())) == (32, 32)
    trusted = False
    await first.claim()
    await second.claim()
    assert (len(first.held()), len(second.held())) == (0, 64)
    assert await second.holders() == {"b": list(range(64))}
    await redis.aclose()
