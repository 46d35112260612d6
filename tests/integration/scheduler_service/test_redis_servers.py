"""The same claims and elections on Valkey 9, a cluster of three Valkey 9 nodes, and Redis 7."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis as blocking
from redis.asyncio import Redis, RedisCluster

from chassis import redis_client
from chassis.database import create_engine
from chassis.leadership import Leadership
from redletter_cli.embedded import Valkey, start_on_free_port
from scheduler_service.coordination.shards import Shards
from scheduler_service.store import SCHEMA
from tests.integration.scheduler_service.conftest import World, until, utc
from tests.valkey_cluster import ValkeyCluster

REDIS_7 = Path(__file__).parents[3] / ".build/redis7/redis-server"
START = utc("2028-03-02T08:59:58+00:00")
ALL = list(range(64))


@dataclass(frozen=True)
class Server:
    """What a scheduler is told of one kind of server, and how it is emptied."""

    url: str
    cluster: bool
    empty: Callable[[], object]

    def connect(self) -> "Redis | RedisCluster":
        client = redis_client.connect(self.url, cluster=self.cluster)
        assert client is not None
        return client


@pytest.fixture(scope="session")
def cluster(server_dir: Path) -> Iterator[ValkeyCluster]:
    """Run three nodes for the session."""
    nodes = ValkeyCluster(server_dir / "cluster")
    nodes.start()
    yield nodes
    nodes.stop()


@pytest.fixture(scope="session")
def redis_7(server_dir: Path) -> Iterator[Valkey]:
    """Run one Redis 7 for the session."""
    assert REDIS_7.exists(), "there is no Redis 7; scripts/setup/redis7.sh fetches it (make test does so)"
    server = start_on_free_port(lambda port: Valkey(server_dir / "redis7", port=port, program=REDIS_7))
    yield server
    server.stop()


@pytest.fixture(params=["valkey", "cluster", "redis_7"])
def server(request: pytest.FixtureRequest) -> Server:
    """Give one kind of server after the other, empty."""
    running = request.getfixturevalue(request.param)
    if isinstance(running, ValkeyCluster):
        running.flush()
        return Server(running.url, cluster=True, empty=running.flush)
    client = blocking.Redis.from_url(running.url())
    client.flushall()
    return Server(running.url(), cluster=False, empty=client.flushall)


@pytest.fixture
async def redis(server: Server) -> "AsyncIterator[Redis | RedisCluster]":
    """A client of the server."""
    client = server.connect()
    yield client
    await client.aclose()


def held(*living: Shards) -> list[int]:
    """Return every shard that any of them holds, as often as it is held."""
    return sorted(shard for one in living for shard in one.held())


async def test_the_server_is_the_one_it_is_called(server: Server, request: pytest.FixtureRequest) -> None:
    """Redis 7 is Redis 7, the others are Valkey 9: these tests mean what their names say."""
    with blocking.Redis.from_url(server.url.split(",")[0], decode_responses=True) as client:
        info = client.info("server")
    named = request.node.callspec.params["server"]
    if named == "redis_7":
        assert (info["redis_version"][:2], info.get("server_name")) == ("7.", None)
    else:
        assert info["valkey_version"].startswith("9.")
        assert info["server_mode"] == {"valkey": "standalone", "cluster": "cluster"}[named]


async def test_three_claimants_share_fairly(redis: "Redis | RedisCluster") -> None:
    """They hold 22, 21 and 21 of the 64 shards, none twice, and keep them from turn to turn."""
    living = [Shards(name, redis) for name in "abc"]
    for _ in range(3):
        for one in living:
            await one.claim()
    settled = [one.held() for one in living]
    assert sorted(map(len, settled)) == [21, 21, 22]
    assert held(*living) == ALL
    for one in living:
        await one.claim()
    assert [one.held() for one in living] == settled
    assert await living[0].holders() == {
        name: list(shards) for name, shards in zip("abc", settled, strict=True)
    }


async def test_a_stop_hands_the_shards_back(redis: "Redis | RedisCluster") -> None:
    """The others hold all 64 after one turn each, without waiting for a lease."""
    first, second, third = (Shards(name, redis) for name in "abc")
    for one in (first, second, third) * 3:
        await one.claim()
    await first.stop()
    for one in (second, third):
        await one.claim()
    assert (len(first.held()), len(second.held()), len(third.held())) == (0, 32, 32)


async def test_a_holder_that_vanishes_is_replaced_within_three_seconds(server: Server) -> None:
    """Two go on renewing; what the third held is theirs when its lease has ended."""
    clients = [server.connect() for _ in range(3)]
    lost, *others = (Shards(name, client) for name, client in zip("abc", clients, strict=True))
    for one in (lost, *others) * 3:
        await one.claim()
    assert len(lost.held()) == 22
    gone = time.monotonic()
    for one in others:
        await one.start()
    await until(lambda: held(*others) == ALL, within=5)
    assert 2.0 < time.monotonic() - gone < 3.0
    for one in others:
        await one.stop()
    for client in clients:
        await client.aclose()


async def test_everything_forgotten_is_claimed_anew(server: Server, redis: "Redis | RedisCluster") -> None:
    """After FLUSHALL shares are fair again within two turns, and nobody calls Redis gone."""
    living = [Shards(name, redis) for name in "abc"]
    for one in living * 3:
        await one.claim()
    server.empty()
    for one in living * 2:
        await one.claim()
    assert held(*living) == ALL
    assert all(one.redis_available for one in living)


async def test_one_of_three_candidates_leads(server: Server, world: World) -> None:
    """The first leads; when it stops another one does, with the next term; a third never did."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    clients = [server.connect() for _ in range(3)]
    first, *others = (Leadership("role", n, engine, c) for n, c in zip("abc", clients, strict=True))
    await first.campaign()
    for one in others:
        await one.campaign()
    assert [one.leads for one in (first, *others)] == [True, False, False]
    await first.stop()
    await asyncio.gather(*(one.campaign() for one in others))
    assert sorted((one.leads, one.term) for one in others) == [(False, None), (True, 2)]
    for one in others:
        await one.stop()
    for client in clients:
        await client.aclose()
    await engine.dispose()


async def test_three_replicas_send_everything_once(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole schedulers claim on this server, share fairly and greet 150 people once each, not early."""
    monkeypatch.setenv("REDLETTER_REDIS_CLUSTER", str(server.cluster))
    world.redis_url = server.url
    world.feed.put_tenant(START)
    for n in range(150):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=START)
    replicas = [await world.start(START) for _ in range(3)]
    assert world.anchor is not None
    due = world.anchor.timestamp(unit="nanosecond") / 1e9 + 2
    await until(lambda: held(*(replica.shards for replica in replicas)) == ALL)
    await until(lambda: len(world.intake.accepted) == 150)
    assert min(world.intake.arrived.values()) >= due
    status = await replicas[0].status()
    assert status.redis_available
    assert sorted(len(holder.shards) for holder in status.shard_holders) == [21, 21, 22]
    (count,) = await world.rows("SELECT count(*), count(DISTINCT user_id) FROM events")
    assert tuple(count) == (150, 150)
