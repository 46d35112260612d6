"""Processes as shipped: kill -9, take-over, SIGTERM."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from tests.integration.delivery_service.conftest import TENANT_ID, World, running
from tests.integration.delivery_service.processes import process
from tests.receiver import Behaviour, Receiver


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[World]:
    """Give a world that only looks."""
    async with running(database_url, serve=False) as world:
        yield world


@asynccontextmanager
async def held(receiver: Receiver) -> AsyncIterator[asyncio.Event]:
    """Make the receiver answer nothing until the event is set."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    yield hold
    hold.set()


async def test_what_a_killed_replica_held_is_sent_by_another_one(
    database_url: str, observer: World, receiver: Receiver
) -> None:
    """After kill -9 everything arrives under its own id within nine seconds, repeats only of what was in flight."""
    await observer.endpoint(receiver.url())
    with process(database_url, "r1") as first:
        events = [observer.event() for _ in range(60)]
        async with held(receiver):
            await first.accept(*events)
            await receiver.wait_for(8)
            first.popen.kill()
            first.popen.wait()
            in_flight = {got.webhook_id for got in receiver.received}
        receiver.script = None
        with process(database_url, "r2"):
            await observer.ended(60, page_size=1000)
    arrived = [got.webhook_id for got in receiver.received]
    assert set(arrived) == {event.event_id for event in events}
    repeated = {name for name in arrived if arrived.count(name) > 1}
    assert repeated <= in_flight
    assert len(in_flight) == 8


async def test_sigterm_hands_back_what_is_not_sent(
    database_url: str, observer: World, receiver: Receiver
) -> None:
    """A stopped replica finishes what is in flight, gives the rest back, leaves no replica row, and exits 0."""
    await observer.endpoint(receiver.url())
    with process(database_url, "r1") as replica:
        async with held(receiver) as hold:
            await replica.accept(*[observer.event() for _ in range(60)])
            await receiver.wait_for(8)
            replica.popen.send_signal(signal.SIGTERM)
            await asyncio.to_thread(replica.read_until, "lanes.draining")
            hold.set()
            log = await asyncio.to_thread(replica.rest_of_log)
        assert replica.popen.returncode == 0, log
    assert receiver.count == 8
    assert not await observer.rows("SELECT number FROM replicas")
    [row] = await observer.rows("SELECT count(*) AS open, count(owner) AS owned FROM queue")
    assert (row.open, row.owned) == (52, 0)


async def test_a_row_whose_commit_was_not_heard_of_is_given_back(world: World, receiver: Receiver) -> None:
    """A row that carries this replica's number but is not in its memory is released when seen twice."""
    await world.endpoint(receiver.url())
    number = world.inside.lease.number
    async with world.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO queue SELECT 'evt_lost', 'hook', 1, :tenant, 'u', '2027-02-28', :owner, 0, 0,"
                " now(), now(), now(), now()"
            ),
            {"tenant": TENANT_ID, "owner": number},
        )
    for _ in range(2):
        [row] = await world.rows("SELECT owner FROM queue")
        assert row.owner == number
        await world.inside.strays.sweep()
    rows = await world.rows("SELECT owner FROM queue WHERE owner = :number", number=number)
    assert rows == []


async def test_what_a_removed_replica_committed_late_is_sent(world: World, receiver: Receiver) -> None:
    """A row whose owner was taken over before the row's own commit is not left to a replica that is gone."""
    event = world.event()
    await world.accept(event)
    await world.endpoint(receiver.url())
    async with world.engine.begin() as connection:
        gone = (await connection.execute(text("SELECT max(number) - 1 FROM replicas"))).scalar_one()
        await connection.execute(text("UPDATE queue SET owner = :gone, endpoint_id = 'hook'"), {"gone": gone})
    await world.inside.strays.sweep()
    await receiver.wait_for(1, seconds=2)


async def test_a_replica_whose_lease_was_taken_sends_nothing_more_under_it(
    database_url: str, receiver: Receiver
) -> None:
    """When its row is gone it drops what waits, registers anew, and everything still arrives."""
    async with running(database_url, lane_concurrency=1) as world, held(receiver) as hold:
        await world.endpoint(receiver.url())
        await world.accept(*[world.event() for _ in range(5)])
        await receiver.wait_for(1)
        before = world.inside.lease.number
        async with world.engine.begin() as connection:
            await connection.execute(text("DELETE FROM replicas"))
            await connection.execute(text("UPDATE queue SET owner = NULL"))
        await world.inside.lease.renew()
        assert world.inside.lease.number != before
        hold.set()
        receiver.script = None
        await world.ended(5)
    assert len({got.webhook_id for got in receiver.received}) == 5
    assert receiver.count <= 6
