"""PullInbox, ExtendInboxLeases, ReleaseInboxLeases."""

import asyncio
import time
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from redletter.delivery.v1 import inbox_service_pb2 as wire
from sqlalchemy import text

from tests.integration.delivery_service.conftest import BODY, World, running
from tests.integration.delivery_service.inbox_port import InboxPort, Pulled, inbox_port


async def run_out(world: World, *event_ids: str) -> None:
    """Let leases run out, as if their time had passed."""
    async with world.engine.begin() as connection:
        await connection.execute(
            text("UPDATE queue SET lease_until = lease_until - interval '1 day' WHERE event_id = ANY(:ids)"),
            {"ids": list(event_ids)},
        )


def ids(pulled: list[Pulled]) -> list[str]:
    """Return the event ids."""
    return [one.message.event_id for one in pulled]


async def test_a_worker_gets_messages_with_the_bytes_of_the_webhook_and_a_lease(world: World) -> None:
    """What waits comes in the order of acceptance, with a token and an end of the lease 60 real seconds away."""
    events = [world.event() for _ in range(3)]
    for event in events:
        await world.accept(event)
    async with inbox_port(world) as port:
        before = time.time()
        found = await port.drained()
    assert ids(found) == [event.event_id for event in events]
    assert all(one.lease_token and one.message.body == BODY for one in found)
    assert all(59 < one.message.lease_until.seconds - before < 62 for one in found)


async def test_two_workers_never_hold_one_message(world: World) -> None:
    """Of two streams over 300 messages each message goes to exactly one, also when both ask at once."""
    events = [world.event() for _ in range(300)]
    await world.accept(*events)
    async with inbox_port(world) as port:
        one, two = await asyncio.gather(port.drained(max_messages=500), port.drained(max_messages=500))
    assert not set(ids(one)) & set(ids(two))
    assert sorted(ids(one) + ids(two)) == sorted(event.event_id for event in events)


async def test_a_waiting_worker_gets_what_arrives_at_once(world: World) -> None:
    """A stream on an empty inbox stays open; an event that this replica accepts comes within a fifth of a second."""
    async with inbox_port(world) as port:
        stream = port.pull()
        reading = asyncio.ensure_future(port.take(stream, 1))
        await world.until(_open_streams(world, 1))
        event = world.event()
        await world.accept(event)
        began = time.monotonic()
        assert ids(await asyncio.wait_for(reading, 5)) == [event.event_id]
        assert time.monotonic() - began < 0.2


async def test_what_another_replica_accepts_is_found_by_looking(database_url: str) -> None:
    """A stream of one replica gets within a second what came in through the other one."""
    async with (
        running(database_url) as here,
        running(database_url, replica_id="r2") as there,
        inbox_port(here) as port,
    ):
        reading = asyncio.ensure_future(port.take(port.pull(), 1))
        await here.until(_open_streams(here, 1))
        event = there.event()
        await there.accept(event)
        assert ids(await asyncio.wait_for(reading, 1.5)) == [event.event_id]


async def test_a_lease_that_ran_out_goes_to_the_next_worker(world: World) -> None:
    """Until then nobody else gets the message; afterwards another one does, with a token of its own."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        [first] = await port.drained()
        assert not await port.drained()
        await run_out(world, event.event_id)
        [second] = await port.drained()
    assert second.message.event_id == event.event_id
    assert second.lease_token != first.lease_token


async def test_a_lease_can_be_made_longer_by_who_has_it(world: World) -> None:
    """Its holder extends it, also when it ran out and nobody came; a stranger, and the holder after the next one, not."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        [first] = await port.drained()
        await run_out(world, event.event_id)
        assert await extend(port, (event.event_id, first.lease_token), seconds=600) == [code_pb2.OK]
        assert not await port.drained()
        assert await extend(port, (event.event_id, "foreign"), ("evt_nothing", "x"), ("a\0b", "x")) == [
            code_pb2.FAILED_PRECONDITION,
            code_pb2.NOT_FOUND,
            code_pb2.NOT_FOUND,
        ]
        await run_out(world, event.event_id)
        await port.drained()
        assert await extend(port, (event.event_id, first.lease_token)) == [code_pb2.FAILED_PRECONDITION]


async def test_a_message_that_was_given_back_is_free_at_once_or_after_the_delay(world: World) -> None:
    """Released without delay the next worker gets it; with one not before; the old token is worth nothing."""
    now, later = world.event(), world.event()
    await world.accept(now, later)
    async with inbox_port(world) as port:
        tokens = {one.message.event_id: one.lease_token for one in await port.drained()}
        assert await release(port, (now.event_id, tokens[now.event_id])) == [code_pb2.OK]
        assert await release(port, (later.event_id, tokens[later.event_id]), seconds=600) == [code_pb2.OK]
        assert ids(await port.drained()) == [now.event_id]
        assert await extend(port, (later.event_id, tokens[later.event_id])) == [code_pb2.FAILED_PRECONDITION]
        await run_out(world, later.event_id)
        assert ids(await port.drained()) == [later.event_id]


async def test_a_stream_has_no_more_leased_than_it_asked_for(world: World) -> None:
    """With two at a time the third message comes when one of the first two was acknowledged or given back."""
    await world.accept(*[world.event() for _ in range(4)])
    async with inbox_port(world) as port:
        stream = port.pull(max_messages=2)
        first, second = await port.take(stream, 2)
        waiting = asyncio.ensure_future(stream.read())
        assert len(await world.rows("SELECT 1 FROM queue WHERE lease_token <> ''")) == 2
        await port.ack(first.message.event_id)
        third = await asyncio.wait_for(waiting, 2)
        await release(port, (second.message.event_id, second.lease_token), seconds=600)
        fourth = await asyncio.wait_for(stream.read(), 2)
    assert len({first.message.event_id, second.message.event_id, *ids([third, fourth])}) == 4


async def test_an_acknowledgement_holds_whoever_has_the_lease(world: World) -> None:
    """A worker whose lease went to another one still acknowledges; the other one's lease is over, its ack is OK."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        await port.drained()
        await run_out(world, event.event_id)
        [second] = await port.drained()
        assert [one.status.code for one in (await port.ack(event.event_id)).results] == [code_pb2.OK]
        assert await extend(port, (event.event_id, second.lease_token)) == [code_pb2.FAILED_PRECONDITION]
        assert [one.status.code for one in (await port.ack(event.event_id)).results] == [code_pb2.OK]
        await run_out(world, event.event_id)
        assert not await port.drained()


async def test_a_worker_gets_only_what_it_asked_for(world: World) -> None:
    """A stream with filters passes over a long inbox of others' messages, by steps, and leases none of them."""
    others = [world.event(user_id=f"u{number}") for number in range(50)]
    await world.accept(*others)
    wanted = world.event(user_id="v", priority=1)
    wanted.metadata["order"] = "7"
    await world.accept(wanted)
    async with inbox_port(world) as port:
        for asked in ({"user_id": "v"}, {"metadata": {"order": "7"}}, {"priority": 1}):
            [one] = await port.drained(**asked)
            assert one.message.event_id == wanted.event_id
            await release(port, (one.message.event_id, one.lease_token))
        assert not await port.drained(event_type_id="anniversary")
    assert not await world.rows("SELECT 1 FROM queue WHERE lease_token <> ''")


async def test_a_stream_that_is_cut_gives_back_what_it_has_not_given_out(world: World) -> None:
    """Its caller reads one of 200 large messages and hangs up: what never left the server is free again."""
    await world.accept(*[world.event(body=b"x" * 20_000) for _ in range(200)])
    async with inbox_port(world) as port:
        stream = port.pull(max_messages=200)
        await port.take(stream, 1)
        stream.cancel()

        async def given_back() -> bool:
            return len(await world.rows("SELECT 1 FROM queue WHERE lease_token = ''")) > 100

        await world.until(given_back)
        await world.until(_open_streams(world, 0))


async def test_streams_end_when_their_replica_stops(world: World) -> None:
    """An open stream ends with UNAVAILABLE within a second, so that its caller goes to another replica."""
    async with inbox_port(world) as port:
        stream = port.pull()
        reading = asyncio.ensure_future(stream.read())
        await world.until(_open_streams(world, 1))
        await world.inside.pulls.stop()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await asyncio.wait_for(reading, 1)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
        with pytest.raises(grpc.aio.AioRpcError, match="stopping"):
            await port.pull().read()


async def test_the_number_of_streams_has_a_limit(database_url: str) -> None:
    """Of four streams one tenant may have one; a second one is RATE_LIMITED, another tenant's is not."""
    async with running(database_url, inbox_streams=4) as world, inbox_port(world) as port:
        first = port.pull()
        reading = asyncio.ensure_future(first.read())
        await world.until(_open_streams(world, 1))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await port.pull().read()
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        port.metadata = (("authorization", "Bearer other"),)
        assert not await port.drained()
        reading.cancel()


async def extend(port: InboxPort, *leases: tuple[str, str], seconds: int = 60) -> list[int]:
    """Extend leases; return the status codes."""
    request = wire.ExtendInboxLeasesRequest(lease=Duration(seconds=seconds), leases=_leases(*leases))
    answer = await port.inbox.ExtendInboxLeases(request, metadata=port.metadata)
    return [result.status.code for result in answer.results]


async def release(port: InboxPort, *leases: tuple[str, str], seconds: int = 0) -> list[int]:
    """Release leases; return the status codes."""
    request = wire.ReleaseInboxLeasesRequest(delay=Duration(seconds=seconds), leases=_leases(*leases))
    answer = await port.inbox.ReleaseInboxLeases(request, metadata=port.metadata)
    return [result.status.code for result in answer.results]


def _leases(*leases: tuple[str, str]) -> list[wire.InboxLease]:
    return [wire.InboxLease(event_id=event_id, lease_token=token) for event_id, token in leases]


def _open_streams(world: World, count: int) -> Any:
    async def open_streams() -> bool:
        return world.inside.pulls.open_streams == count

    return open_streams
