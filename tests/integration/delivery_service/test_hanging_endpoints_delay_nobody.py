"""Endpoints that never answer hold their slots and their memory; the others do not notice."""

import asyncio

from tests.integration.delivery_service.conftest import State, World, running
from tests.integration.delivery_service.deciding import NO_BREAKER, decide
from tests.receiver import Behaviour, Received, Receiver

_HANGING = 40
_OTHER_TENANT = "0197c3a0-0000-7000-8000-000000000002"


async def _hang(world: World, receiver: Receiver, count: int = _HANGING) -> asyncio.Event:
    """Make this many endpoints that answer only when the event is set, without breakers: they hang on."""
    hold = asyncio.Event()

    def script(got: Received) -> Behaviour:
        return Behaviour(hold=hold) if got.path.startswith("/hanging") else Behaviour()

    receiver.script = script
    for number in range(count):
        name = f"hanging{number}"
        await world.endpoint(receiver.url(f"/{name}"), name)
        await decide(world, name, breaker_policy=NO_BREAKER)
    return hold


async def test_what_hangs_by_the_dozen_leaves_slots_to_the_others(database_url: str) -> None:
    """40 endpoints with 20 messages each hang in 256 slots; messages of a healthy one arrive in a moment."""
    async with running(database_url, max_in_flight=256) as world, Receiver() as receiver:
        hold = await _hang(world, receiver)
        await world.accept(*[world.event() for _ in range(20)])
        await receiver.wait_for(_HANGING * 2)
        await world.endpoint(receiver.url("/fine"), "fine", tenant=_OTHER_TENANT)
        await world.accept(*[world.event(tenant_id=_OTHER_TENANT) for _ in range(50)])

        async def arrived() -> bool:
            return sum(got.path == "/fine" for got in receiver.received) == 50

        await world.until(arrived, seconds=2.0)
        assert world.inside.lanes._dispatch.in_flight <= 256 - 20
        hold.set()
        await world.ended(_HANGING * 20, page_size=1000, states=[State.STATE_DELIVERED])


async def test_what_hangs_gives_memory_back(database_url: str) -> None:
    """Lanes without answers for a second keep one message each until there is room again; PostgreSQL has the rest."""
    async with running(database_url, max_in_flight=64, max_held=160) as world, Receiver() as receiver:
        hold = await _hang(world, receiver, 4)
        for _ in range(4):
            await world.accept(*[world.event() for _ in range(10)])

        async def given_back() -> bool:
            # Half of the four has given nearly everything back: then there is room again.
            [row] = await world.rows("SELECT count(*) AS free FROM queue WHERE owner IS NULL")
            return bool(row.free >= 80)

        await world.until(given_back)
        await world.endpoint(receiver.url("/fine"), "fine", tenant=_OTHER_TENANT)
        await world.accept(*[world.event(tenant_id=_OTHER_TENANT) for _ in range(50)])

        async def arrived() -> bool:
            return sum(got.path == "/fine" for got in receiver.received) == 50

        await world.until(arrived, seconds=2.0)
        hold.set()
        await world.ended(160, page_size=1000, states=[State.STATE_DELIVERED])
    assert len({got.webhook_id + got.path for got in receiver.received}) == receiver.count


async def test_everything_accepted_while_memory_is_full_arrives(database_url: str) -> None:
    """With room for 20 deliveries in memory 300 of ten endpoints go through, each once."""
    async with (
        running(database_url, max_in_flight=8, max_held=20, lane_concurrency=4) as world,
        Receiver() as receiver,
    ):
        for number in range(10):
            await world.endpoint(receiver.url(f"/e{number}"), f"e{number}")
        for _ in range(3):
            await world.accept(*[world.event() for _ in range(10)])
        await world.ended(300, page_size=1000, states=[State.STATE_DELIVERED])
    assert receiver.count == 300
