"""429 and 503: the lane slows down, waits as it is asked, and spends no attempts on waiting."""

import asyncio
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from tests.integration.delivery_service.conftest import TENANT_ID, State, World, running
from tests.integration.delivery_service.deciding import NO_BREAKER, decide
from tests.receiver import OK, Behaviour, Received, Receiver


def _first_then_ok(first: Behaviour) -> Iterator[Behaviour]:
    yield first
    while True:
        yield OK


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_retry_after_holds_the_whole_lane(database_url: str, status: int, form: str) -> None:
    """After the first answer nothing of the endpoint is sent until then; only the first spends two attempts."""
    async with running(database_url, lane_concurrency=1) as world, Receiver() as receiver:
        asked = {"seconds": "2", "date": formatdate(time.time() + 2, usegmt=True)}[form]
        answers = _first_then_ok(Behaviour(status=status, headers={"retry-after": asked}))
        receiver.script = lambda _: next(answers)
        await world.endpoint(receiver.url())
        await world.accept(*[world.event() for _ in range(20)])
        ended = await world.ended(20)
        first, second = receiver.received[:2]
        assert second.time - first.time >= 0.99
        assert receiver.count == 21
        assert sorted(one.attempts for one in ended) == [1] * 19 + [2]


async def test_the_other_endpoints_go_on_meanwhile(world: World, receiver: Receiver) -> None:
    """One that asks for a minute keeps what it has in PostgreSQL, unattempted; another one's arrives at once."""
    receiver.script = lambda got: Behaviour(
        status=429 if got.path == "/busy" else 200, headers={"retry-after": "60"}
    )
    await world.endpoint(receiver.url("/busy"), "busy")
    await decide(world, "busy", max_concurrency=1)
    await world.endpoint(receiver.url("/fine"), "fine")
    await world.accept(*[world.event() for _ in range(10)])
    await world.ended(10, states=[State.STATE_DELIVERED])

    async def given_back() -> bool:
        rows = await world.rows(
            "SELECT count(*) FILTER (WHERE owner IS NULL) AS free, sum(attempts) AS attempts FROM queue"
        )
        return bool((rows[0].free, rows[0].attempts) == (10, 1))

    await world.until(given_back)
    await world.accept(world.event())
    await world.ended(11, states=[State.STATE_DELIVERED])
    assert [got.path for got in receiver.received].count("/busy") == 1


async def test_a_wish_beyond_deliver_by_expires_the_delivery(world: World, receiver: Receiver) -> None:
    """The receiver asks for two hours, the message is worth sending for one: EXPIRED after one attempt."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "7200"})
    await world.endpoint(receiver.url())
    await world.accept(world.event())
    [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_EXPIRED, 1)


async def test_a_lane_finds_how_much_its_receiver_takes(database_url: str) -> None:
    """Of 300 messages to a receiver that takes four at a time few are refused, though 64 might be in flight."""
    inside = 0
    refused = 0

    async with running(database_url, retry_first_seconds=0.5) as world, Receiver() as receiver:

        def script(_: Received) -> Behaviour:
            nonlocal inside, refused
            inside += 1
            loop.call_later(0.02, left)
            if inside > 4:
                refused += 1
                return Behaviour(status=429, delay_seconds=0.02)
            return Behaviour(delay_seconds=0.02)

        def left() -> None:
            nonlocal inside
            inside -= 1

        loop = asyncio.get_running_loop()
        receiver.script = script
        await world.endpoint(receiver.url())
        await decide(world, breaker_policy=NO_BREAKER)
        await world.accept(*[world.event() for _ in range(300)])
        await world.ended(300, page_size=1000)
        lane = world.inside.lanes._roster.get((TENANT_ID, "hook"))  # type: ignore[arg-type]
        assert lane is not None
        assert lane.pace.slowed
        assert lane.limit <= 8
    assert refused < 100
