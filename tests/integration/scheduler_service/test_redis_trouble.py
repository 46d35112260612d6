"""A Redis that is stopped, frozen or empty again: claims go on within about a second, say so, and return."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2
from prometheus_client import REGISTRY
from redis.asyncio import Redis, RedisCluster
from structlog.testing import capture_logs

from chassis import redis_client
from chassis.database import create_engine
from chassis.leadership import Leadership
from chassis.rpc.server import Port
from redletter_cli.embedded import Valkey, start_on_free_port
from scheduler_service.coordination import health
from scheduler_service.coordination.shards import Shards
from scheduler_service.store import SCHEMA
from tests.integration.chassis.conftest import port_of, works
from tests.integration.scheduler_service.conftest import World, eventually, until, utc
from tests.valkey_cluster import ValkeyCluster

START = utc("2028-03-02T08:59:58+00:00")
ALL = list(range(64))
KEY, LEADERSHIP_KEY = "redletter:{shards}:holders", "redletter:{leadership}:role"
NOTICED_SECONDS = 1.3  # the rest of a turn (0.4), a command that hangs (0.8), and a little

Connected = Redis | RedisCluster


@pytest.fixture
def valkey_of_its_own(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey that the test may stop."""
    server = start_on_free_port(lambda port: Valkey(tmp_path / "valkey", port=port))
    yield server
    assert server.pid is not None
    if not server.exited():
        os.kill(server.pid, signal.SIGCONT)
    server.stop()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ValkeyCluster]:
    """Three nodes that the test may stop."""
    nodes = ValkeyCluster(tmp_path / "cluster")
    nodes.start()
    yield nodes
    nodes.stop()


@pytest.fixture
async def cluster_client(cluster: ValkeyCluster) -> AsyncIterator[Connected]:
    """A client of the test's own cluster."""
    client = connected(cluster.url, cluster=True)
    yield client
    await client.aclose()


def connected(url: str, *, cluster: bool = False) -> Connected:
    """Return a client as the services have it."""
    client = redis_client.connect(url, cluster=cluster)
    assert client is not None
    return client


def held(*living: Shards) -> list[int]:
    """Return every shard that any of them holds, as often as it is held."""
    return sorted(shard for one in living for shard in one.held())


def without_redis() -> float | None:
    """Return what the metric says."""
    return REGISTRY.get_sample_value("redletter_scheduler_without_redis")


async def said(port: Port, name: str) -> int:
    """Return the health of `name` on `port`."""
    answer = await port.health.Check(health_pb2.HealthCheckRequest(service=name), None)
    return int(answer.status)


@pytest.mark.parametrize("trouble", ["frozen", "killed"])
async def test_a_redis_that_does_not_answer_is_done_without(valkey_of_its_own: Valkey, trouble: str) -> None:
    """All shards within 1.3 s, in metric, log and health; the port stays ready; afterwards fair shares again."""
    server, serving = valkey_of_its_own, health_pb2.HealthCheckResponse.SERVING
    port = port_of(works())
    await port.set_ready(ready=True)
    client = connected(server.url())
    first = Shards("a", client, told=lambda there: health.tell(port, redis_available=there))
    second = Shards("b", client)
    with capture_logs() as lines:
        for one in (first, second):
            await one.start()
        await until(lambda: len(first.held()) == len(second.held()) == 32)
        assert await said(port, "redis") == serving
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP if trouble == "frozen" else signal.SIGKILL)
        began = time.monotonic()
        await until(lambda: len(first.held()) == len(second.held()) == 64)
        assert time.monotonic() - began < NOTICED_SECONDS
        assert without_redis() == 1
        assert not first.redis_available
        assert await first.holders() == {}
        assert await said(port, "redis") == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await said(port, "") == serving
        if trouble == "frozen":
            os.kill(server.pid, signal.SIGCONT)
        else:
            await until(server.exited)
            await asyncio.to_thread(server.start)
        await until(lambda: held(first, second) == ALL)
    assert without_redis() == 0
    assert await said(port, "redis") == serving
    (lost, *_), (returned, *_) = (
        [line for line in lines if line["event"] == name] for name in ("redis.lost", "redis.returned")
    )
    assert (lost["log_level"], returned["log_level"]) == ("warning", "info")
    assert "SKIP LOCKED" in lost["effect"]
    for one in (first, second):
        await one.stop()
    await client.aclose()


async def test_a_frozen_redis_never_lets_a_lease_run_out(valkey_of_its_own: Valkey) -> None:
    """While commands hang for five seconds both replicas work on something at every moment."""
    client = connected(valkey_of_its_own.url())
    living = [Shards(name, client) for name in "ab"]
    for one in living:
        await one.start()
    await until(lambda: held(*living) == ALL)
    assert valkey_of_its_own.pid is not None
    os.kill(valkey_of_its_own.pid, signal.SIGSTOP)
    frozen = time.monotonic()
    while time.monotonic() - frozen < 5:
        assert set(held(*living)) == set(ALL)
        await asyncio.sleep(0.02)
    os.kill(valkey_of_its_own.pid, signal.SIGCONT)
    await until(lambda: held(*living) == ALL)
    for one in living:
        await one.stop()
    await client.aclose()


async def test_no_address_of_redis_is_said_aloud() -> None:
    """A scheduler that was told of none holds everything, and metric, log and health name it."""
    port = port_of(works())
    shards = Shards("a", None, told=lambda there: health.tell(port, redis_available=there))
    with capture_logs() as lines:
        await shards.start()
        await until(lambda: len(shards.held()) == 64)
        await shards.stop()
    assert without_redis() == 1
    assert await said(port, "redis") == health_pb2.HealthCheckResponse.NOT_SERVING
    assert "REDLETTER_REDIS_URL" in next(line["why"] for line in lines if line["event"] == "redis.lost")


async def test_the_node_with_the_shards_is_killed(cluster: ValkeyCluster, cluster_client: Connected) -> None:
    """Claims go on by SKIP LOCKED within 1.3 s and say so; with the node back they are shared again."""
    living = [Shards(name, cluster_client) for name in "abc"]
    for one in living:
        await one.start()
    await until(lambda: sorted(len(one.held()) for one in living) == [21, 21, 22])
    node = cluster.node_of(KEY)
    cluster.kill(node)
    began = time.monotonic()
    await until(lambda: all(len(one.held()) == 64 for one in living))
    assert time.monotonic() - began < NOTICED_SECONDS
    assert without_redis() == 1
    assert not any(one.redis_available for one in living)
    # Also when the others have long agreed that it is gone, and again from the first word of a new client.
    await asyncio.to_thread(cluster.await_state, "ok", known=3)
    fresh = connected(cluster.url, cluster=True)
    late = Shards("d", fresh)
    began = time.monotonic()
    await late.claim()
    assert time.monotonic() - began < 1
    assert len(late.held()) == 64
    await asyncio.to_thread(node.start)
    await until(lambda: all(one.redis_available for one in living))
    await until(lambda: held(*living) == ALL)
    assert without_redis() == 0
    await fresh.aclose()
    for one in living:
        await one.stop()


async def test_another_node_is_killed(cluster: ValkeyCluster, cluster_client: Connected) -> None:
    """The shards' slot lives on: nobody does without Redis, and a new client finds its way past the dead node."""
    living = [Shards(name, cluster_client) for name in "ab"]
    for one in living * 3:
        await one.claim()
    with_shards = cluster.node_of(KEY)
    first_other = next(node for node in cluster.nodes if node is not with_shards)
    cluster.kill(first_other)
    # The dead node first: its address must not be the only way in.
    others = [node.url() for node in cluster.nodes if node is not first_other]
    fresh = connected(",".join([first_other.url(), *others]), cluster=True)
    third = Shards("c", fresh)

    async def claims(one: Shards) -> bool:
        await one.claim()
        return one.redis_available

    # A busy machine may need a second look; the dead node itself is nobody's reason to do without.
    for one in [*living, third] * 3:
        assert await eventually(lambda one=one: claims(one), within=5)
    assert held(*living, third) == ALL
    await fresh.aclose()


async def test_the_leader_leads_on_while_the_node_of_its_lock_is_gone(
    cluster: ValkeyCluster, cluster_client: Connected, world: World
) -> None:
    """The row in PostgreSQL is the lock meanwhile, and the metric says so; term and leader stay the same."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    first, second = (Leadership("role", name, engine, cluster_client) for name in "ab")

    def by_row() -> float | None:
        return REGISTRY.get_sample_value("redletter_leader_without_redis", {"role": "role"})

    for one in (first, second):
        await one.campaign()
    assert (first.leads, second.leads, by_row()) == (True, False, 0)
    node = cluster.node_of(LEADERSHIP_KEY)
    cluster.kill(node)
    for one in (first, second) * 2:
        began = time.monotonic()
        await one.campaign()
        assert time.monotonic() - began < 1
    assert (first.leads, first.term, second.leads, by_row()) == (True, 1, False, 1)
    await asyncio.to_thread(node.start)

    async def by_redis() -> bool:
        await first.campaign()
        return by_row() == 0

    deadline = time.monotonic() + 10
    while not await by_redis():
        assert time.monotonic() < deadline
    await second.campaign()
    assert (first.leads, first.term, second.leads) == (True, 1, False)
    await first.stop()
    await engine.dispose()


@pytest.mark.parametrize("trouble", ["frozen", "killed"])
async def test_people_due_while_redis_does_not_answer_are_greeted_in_time(
    world: World, valkey_of_its_own: Valkey, trouble: str
) -> None:
    """Three schedulers lose Redis half a second before 150 people are due: each is sent once, within 2 s."""
    world.redis_url = valkey_of_its_own.url()
    world.feed.put_tenant(START)
    for n in range(150):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=START)
    replicas = [await world.start(START) for _ in range(3)]
    await world.drained()
    assert world.anchor is not None
    due = world.anchor.timestamp(unit="nanosecond") / 1e9 + 2
    await until(lambda: time.time() > due - 0.5)
    assert valkey_of_its_own.pid is not None
    os.kill(valkey_of_its_own.pid, signal.SIGSTOP if trouble == "frozen" else signal.SIGKILL)
    await until(lambda: len(world.intake.accepted) == 150)
    assert due <= min(world.intake.arrived.values())
    assert max(world.intake.arrived.values()) <= due + 2
    await until(lambda: not any(replica.shards.redis_available for replica in replicas))
    status = await replicas[1].status()
    assert (status.redis_available, list(status.shard_holders)) == (False, [])
    (count,) = await world.rows("SELECT count(*), count(DISTINCT user_id) FROM events")
    assert tuple(count) == (150, 150)
    for replica in replicas:  # they let go of a Redis that hangs within their grace time
        await asyncio.wait_for(replica.stop(), 10)
