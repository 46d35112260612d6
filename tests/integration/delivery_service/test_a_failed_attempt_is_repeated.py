"""Retries: until received, within `deliver_by`, as the receiver asks."""

import socket
from collections.abc import Sequence
from datetime import timedelta

from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2
from whenever import Instant

from delivery_service.store import outcomes
from delivery_service.store.outcomes import Outcome
from tests.integration.delivery_service.conftest import World, as_tenant, running
from tests.receiver import Behaviour, Receiver, in_turn

State = delivery_pb2.Delivery
_START = Instant("2028-02-27T00:00:00Z")


async def test_a_failing_receiver_gets_the_same_bytes_until_it_answers_200(
    world: World, receiver: Receiver
) -> None:
    """Status 500, a broken connection and a non-HTTP answer are repeated under the same id; every try is listed."""
    receiver.script = in_turn(
        Behaviour(close=True), Behaviour(raw=b"nonsense\r\n\r\n"), Behaviour(status=500), Behaviour()
    )
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    [delivery] = await world.ended()
    assert delivery.state == State.STATE_DELIVERED
    assert delivery.attempts == 4
    assert {(got.webhook_id, got.body) for got in receiver.received} == {(event.event_id, event.body)}
    as_tenant()
    request = delivery_service_pb2.ListAttemptsRequest(
        event_id=event.event_id, endpoint_id="hook", page_size=3
    )
    page = await world.deliveries.ListAttempts(request, None)
    request.page_token = page.next_page_token
    rest = await world.deliveries.ListAttempts(request, None)
    attempts = [*page.attempts, *rest.attempts]
    assert [one.number for one in attempts] == [1, 2, 3, 4]
    assert [one.cause for one in attempts] == [
        delivery_pb2.DELIVERY_CAUSE_CONNECTION,
        delivery_pb2.DELIVERY_CAUSE_PROTOCOL,
        delivery_pb2.DELIVERY_CAUSE_HTTP_STATUS,
        delivery_pb2.DELIVERY_CAUSE_UNSPECIFIED,
    ]
    assert delivery.first_attempt.status_code == 0
    assert attempts[2].status_code == 500
    assert delivery.last_attempt.status_code == 200


async def test_a_refused_connection_is_repeated(world: World) -> None:
    """An endpoint that is down when the message is due receives it when it comes up."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    await world.endpoint(f"http://127.0.0.1:{port}/hook")
    await world.accept(world.event())

    async def tried() -> bool:
        [row] = await world.rows("SELECT attempts, cause FROM queue")
        return bool(row.attempts and row.cause == delivery_pb2.DELIVERY_CAUSE_CONNECTION)

    await world.until(tried)
    async with Receiver(port=port) as receiver:
        await receiver.wait_for(1)
        [delivery] = await world.ended()
    assert delivery.state == State.STATE_DELIVERED
    assert delivery.attempts > 1


async def test_what_stays_unreceived_until_deliver_by_expires_into_the_inbox(
    world: World, receiver: Receiver
) -> None:
    """No attempt starts after `deliver_by`; the delivery ends EXPIRED(DEADLINE) and the inbox has the message."""
    receiver.script = lambda _: Behaviour(status=503)
    await world.endpoint(receiver.url())
    event = world.event(within=timedelta(seconds=1))
    await world.accept(event)
    [delivery] = await world.ended()
    assert delivery.state == State.STATE_EXPIRED
    assert delivery.cause == delivery_pb2.DELIVERY_CAUSE_DEADLINE
    deadline = event.deliver_by.seconds + event.deliver_by.nanos / 1e9
    assert receiver.received
    assert all(got.time <= deadline + 0.1 for got in receiver.received)
    [kept] = [one for one in await world.listed() if one.endpoint_id == "inbox"]
    assert kept.state == State.STATE_PENDING


async def test_a_retry_after_beyond_deliver_by_is_the_end(world: World, receiver: Receiver) -> None:
    """A receiver that asks for more time than there is left gets no other attempt."""
    receiver.script = lambda _: Behaviour(status=429, headers={"retry-after": "7200"})
    await world.endpoint(receiver.url())
    await world.accept(world.event(within=timedelta(hours=1)))
    [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_EXPIRED, 1)


async def test_a_retry_after_is_a_lower_bound(world: World, receiver: Receiver) -> None:
    """The next attempt waits in PostgreSQL at least as long as the receiver asked."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "600"})
    await world.endpoint(receiver.url())
    await world.accept(world.event())

    async def waits() -> bool:
        return bool(await world.rows("SELECT 1 FROM queue WHERE attempts = 1 AND owner IS NULL"))

    await world.until(waits)
    [delivery] = await world.listed()
    wait = delivery.next_time.ToDatetime() - delivery.first_attempt.start_time.ToDatetime()
    assert timedelta(seconds=600) <= wait < timedelta(seconds=610)


async def test_a_retry_in_time_lapse_counts_real_seconds_times_the_speed(
    database_url: str, receiver: Receiver
) -> None:
    """At speed 3600 an hour of business time is a second: a retry that takes longer is not tried."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "2"})
    async with running(database_url, start=_START, speed=3600) as world:
        await world.endpoint(receiver.url())
        await world.accept(world.event(within=timedelta(hours=1)))
        [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_EXPIRED, 1)


async def test_a_retry_that_is_drawn_beyond_deliver_by_comes_just_before_it(
    database_url: str, receiver: Receiver
) -> None:
    """With a backoff far longer than what is left the delivery is tried again within `deliver_by`."""
    receiver.script = in_turn(Behaviour(status=503), Behaviour())
    async with running(database_url, retry_first_seconds=3600) as world:
        await world.endpoint(receiver.url())
        event = world.event(within=timedelta(seconds=2))
        await world.accept(event)
        [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_DELIVERED, 2)
    assert receiver.received[1].time <= event.deliver_by.seconds + event.deliver_by.nanos / 1e9


async def fetched_before_it_was_heard_of(world: World, receiver: Receiver) -> list[Outcome]:
    """Fail one attempt by hand: its outcome is committed, the feeder has the row again, the lanes know nothing yet."""
    inside = world.inside
    heard: list[Outcome] = []

    def hear(batch: Sequence[Outcome]) -> None:
        heard.extend(batch)

    inside.recorder.tell(hear)
    receiver.script = in_turn(Behaviour(status=503), Behaviour())
    await inside.lease.renew()
    await inside.stop_watch.poll()
    await world.endpoint(receiver.url())
    await world.accept(world.event())

    async def committed() -> bool:
        await inside.recorder.flush()
        return bool(heard)

    async def fetched() -> bool:
        await inside.feeder.feed()
        return bool(await world.rows("SELECT 1 FROM queue WHERE attempts = 1 AND owner IS NOT NULL"))

    await world.until(committed)
    await world.until(fetched)
    return heard


async def test_a_retry_that_is_due_before_its_outcome_was_heard_of_is_not_left_lying(
    database_url: str, receiver: Receiver
) -> None:
    """What the feeder took between the commit and its answer is sent as soon as the answer is there."""
    async with running(database_url, serve=False, retry_first_seconds=0.001) as world:
        await world.inside.sender.start()
        heard = await fetched_before_it_was_heard_of(world, receiver)
        assert receiver.count == 1
        world.inside.lanes.recorded(heard)
        await receiver.wait_for(2, seconds=2)
        await world.inside.sender.stop()


async def test_an_outcome_whose_commit_was_not_heard_of_is_written_once(
    database_url: str, receiver: Receiver
) -> None:
    """Written again after the row was taken again, it changes nothing and breaks nothing."""
    async with running(database_url, serve=False, retry_first_seconds=0.001) as world:
        await world.inside.sender.start()
        heard = await fetched_before_it_was_heard_of(world, receiver)
        number = world.inside.lease.number
        assert number is not None
        assert await outcomes.record(world.engine, heard, owner=number) == 0
        [row] = await world.rows("SELECT owner, attempts FROM queue")
        assert (row.owner, row.attempts) == (number, 1)
        await world.inside.sender.stop()
