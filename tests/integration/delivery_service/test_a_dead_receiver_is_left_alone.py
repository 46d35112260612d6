"""A receiver answers 500 to everything: three replicas stop asking it, and go on when it is back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import orjson
from redis.asyncio import Redis
from redletter.delivery.v1 import breaker_pb2, breaker_service_pb2
from sqlalchemy import text

from delivery_service.api.breakers import BreakerServicer
from delivery_service.domain.breakers import Breaker, BreakerMode, BreakerState
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import breakers as store
from tests.integration.delivery_service.conftest import TENANT_ID, State, World, as_tenant, running
from tests.receiver import OK, Behaviour, Received, Receiver

_HOOK = LaneKey(TENANT_ID, "hook")
_BROKEN = Behaviour(status=500)


@asynccontextmanager
async def _three(database_url: str, redis_url: str = "") -> AsyncIterator[list[World]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                running(database_url, replica_id=f"r{number}", redis_url=redis_url, lane_concurrency=4)
            )
            for number in range(3)
        ]


async def _endpoint(world: World, receiver: Receiver, **policy: object) -> None:
    await world.endpoint(receiver.url("/hook"))
    async with world.engine.begin() as connection:
        await connection.execute(
            text("UPDATE endpoints SET breaker_policy = CAST(:policy AS jsonb)"),
            {"policy": orjson.dumps({"open_first": 1.0, "open_longest": 1.0, **policy}).decode()},
        )


async def _accept(worlds: list[World], count: int) -> None:
    for world in worlds:
        await world.accept(*(world.event() for _ in range(count)))


async def _breaker(world: World) -> Breaker:
    return (await store.get(world.engine, _HOOK))[0]


async def _until_opened(world: World, times: int) -> Breaker:
    async def opened() -> Breaker | None:
        found = await _breaker(world)
        return found if found.opened >= times else None

    found = await world.until(opened, seconds=30)
    assert isinstance(found, Breaker)
    return found


async def test_requests_end_with_the_opening_and_each_period_costs_one(
    database_url: str, redis_url: str
) -> None:
    """Of 300 deliveries to a dead endpoint a few dozen requests go out; then one per period, through FLUSHALL too."""
    async with Receiver(lambda _: _BROKEN) as receiver, _three(database_url, redis_url) as worlds:
        await _endpoint(worlds[0], receiver)
        await _accept(worlds, 100)
        await _until_opened(worlds[0], 1)
        # What was on the wire when it opened, from three replicas with four attempts each, is answered by now.
        first = await _until_opened(worlds[0], 2)
        before = receiver.count
        assert before <= 100
        redis = Redis.from_url(redis_url)
        await redis.flushall()
        await redis.aclose()
        last = await _until_opened(worlds[0], first.opened + 3)
        assert receiver.count - before == last.opened - first.opened, "one request per half-open period"

        async def recorded() -> bool:
            # The breaker hears of an answer before the batch with its outcome is written. What parking had spent
            # would stay a difference.
            found = await worlds[0].rows("SELECT sum(attempts) AS attempts, count(*) AS waiting FROM queue")
            return (found[0].attempts, found[0].waiting) == (receiver.count, 300)

        await worlds[0].until(recorded)


async def test_everything_arrives_once_the_receiver_is_back(database_url: str, redis_url: str) -> None:
    """Two probes close the breaker; all 150 deliveries are delivered, each answered 200 exactly once."""
    healthy = asyncio.Event()
    accepted: Counter[str] = Counter()

    def script(received: Received) -> Behaviour:
        if not healthy.is_set():
            return _BROKEN
        accepted[received.webhook_id] += 1
        return OK

    async with Receiver(script) as receiver, _three(database_url, redis_url) as worlds:
        await _endpoint(worlds[0], receiver)
        await _accept(worlds, 50)
        await _until_opened(worlds[0], 2)
        healthy.set()
        ended = await worlds[0].ended(100, page_size=1000)

        async def all_ended() -> bool:
            left = await worlds[0].rows("SELECT count(*) FROM queue")
            return bool(left[0][0] == 0)

        await worlds[0].until(all_ended, seconds=30)
        assert {one.state for one in ended} == {State.STATE_DELIVERED}
        assert len(accepted) == 150
        assert set(accepted.values()) == {1}
        assert (await _breaker(worlds[0])).state is BreakerState.CLOSED


async def test_without_redis_one_probe_per_period_goes_all_the_same(database_url: str) -> None:
    """The counts are each replica's own, the probe is the cluster's."""
    async with Receiver(lambda _: _BROKEN) as receiver, _three(database_url) as worlds:
        await _endpoint(worlds[0], receiver)
        await _accept(worlds, 40)
        first = await _until_opened(worlds[0], 2)
        before = receiver.count
        last = await _until_opened(worlds[0], first.opened + 2)
        assert receiver.count - before == last.opened - first.opened


async def test_forced_open_sends_nothing_and_given_back_everything(database_url: str) -> None:
    """A person stops an endpoint that works; nothing goes until it is given back, then all of it."""
    async with Receiver() as receiver, _three(database_url) as worlds:
        await _endpoint(worlds[0], receiver)
        api = BreakerServicer(
            worlds[0].engine, worlds[0].inside.breakers, changed=worlds[0].inside.breaker_watch.wake
        )

        async def force(mode: "breaker_pb2.Breaker.Mode") -> None:
            as_tenant()
            await api.ForceBreaker(
                breaker_service_pb2.ForceBreakerRequest(endpoint_id="hook", mode=mode, reason="moving"), None
            )

        await force(breaker_pb2.Breaker.MODE_FORCED_OPEN)

        async def parked_everywhere() -> bool:
            return all(world.inside.breakers.parked(_HOOK) for world in worlds)

        await worlds[0].until(parked_everywhere, seconds=1.0)
        await _accept(worlds, 10)

        async def given_back() -> bool:
            unowned = await worlds[0].rows("SELECT count(*) FROM queue WHERE owner IS NULL")
            return bool(unowned[0][0] == 30)

        await worlds[0].until(given_back)
        assert receiver.count == 0
        await force(breaker_pb2.Breaker.MODE_AUTOMATIC)
        await worlds[0].ended(30)
        assert receiver.count == 30


async def test_what_is_parked_beyond_its_deadline_expires_there(world: World) -> None:
    """The breaker stays open; what nobody may fetch ends as EXPIRED and goes to the inbox, the rest waits on."""
    async with Receiver(lambda _: _BROKEN) as receiver:
        await _endpoint(world, receiver)
        await store.put(world.engine, _HOOK, BreakerMode.FORCED_OPEN, "moving")

        async def parked() -> bool:
            return world.inside.breakers.parked(_HOOK)

        await world.until(parked)
        brief = [world.event(within=timedelta(seconds=2)) for _ in range(3)]
        await world.accept(*brief, *(world.event() for _ in range(4)))
        ended = await world.ended(3, endpoint_id="hook")
        assert {one.state for one in ended} == {State.STATE_EXPIRED}
        assert sorted(one.event_id for one in ended) == sorted(event.event_id for event in brief)
        left = await world.rows("SELECT endpoint_id, count(*) FROM queue GROUP BY endpoint_id ORDER BY 1")
        assert [tuple(row) for row in left] == [("hook", 4), ("inbox", 3)]
        assert receiver.count == 0


async def test_answers_that_are_the_messages_fault_open_nothing(world: World) -> None:
    """A receiver that refuses forty messages with 400 and slows down others with 429 works: it stays closed."""
    statuses = [400, 429]

    def script(received: Received) -> Behaviour:
        return Behaviour(status=statuses[hash(received.webhook_id) % 2])

    async with Receiver(script) as receiver:
        await _endpoint(world, receiver)
        await world.accept(*(world.event() for _ in range(60)))
        await receiver.wait_for(60)
        assert (await _breaker(world)).state is BreakerState.CLOSED
        assert world.inside.breakers.counts(_HOOK).failures == 0


async def test_a_policy_without_breaker_asks_on_and_on(world: World) -> None:
    """With the breaker switched off every delivery spends its attempts."""
    async with Receiver(lambda _: _BROKEN) as receiver:
        await _endpoint(world, receiver, enabled=False)
        await world.accept(*(world.event() for _ in range(60)))
        await receiver.wait_for(120)
        assert (await _breaker(world)).state is BreakerState.CLOSED
