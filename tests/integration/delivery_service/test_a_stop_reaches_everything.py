"""CancelEvents: before accept, while waiting, while on the wire, by event and by user."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from redletter.delivery.v1 import delivery_pb2, intake_service_pb2
from sqlalchemy import text

from tests.integration.delivery_service.conftest import TENANT_ID, World, event_id, running
from tests.receiver import Behaviour, Receiver

State = delivery_pb2.Delivery


async def cancel(world: World, **subject: Any) -> intake_service_pb2.CancelEventsResponse:
    """Stop what was decided before now."""
    request = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, reason="user_deleted")
    if "user_id" in subject:
        request.user_id = subject["user_id"]
    else:
        request.events.event_ids.extend(subject["event_ids"])
    request.decided_before.FromDatetime(world.clock.now().add(seconds=1).to_stdlib())
    return await world.intake.CancelEvents(request, None)


async def test_a_stop_overtakes_the_event(world: World, receiver: Receiver) -> None:
    """An event that is accepted after its stop is STOPPED: a CANCELLED delivery, never sent."""
    await world.endpoint(receiver.url())
    event = world.event()
    assert (await cancel(world, event_ids=[event.event_id])).cancelled == 0
    assert await world.accept(event) == ["STOPPED"]
    [delivery] = await world.ended()
    assert (delivery.state, delivery.cause) == (
        State.STATE_CANCELLED,
        delivery_pb2.DELIVERY_CAUSE_CANCELLED,
    )
    assert receiver.count == 0


async def test_a_stop_of_a_user_spares_what_was_decided_later(world: World, receiver: Receiver) -> None:
    """Events of the user decided before the instant are stopped, later ones and other users' are sent."""
    await world.endpoint(receiver.url())
    await cancel(world, user_id="gone")
    later = world.clock.now().add(seconds=5)
    answers = await world.accept(
        world.event(user_id="gone"), world.event(user_id="gone", decided=later), world.event(user_id="stays")
    )
    assert answers == ["STOPPED", "ACCEPTED", "ACCEPTED"]
    await receiver.wait_for(2)


async def test_a_stop_ends_what_waits_and_names_what_is_on_the_wire(
    database_url: str, receiver: Receiver
) -> None:
    """One in flight, one behind it: the second is CANCELLED at once, the first comes to its end as received."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with running(database_url, lane_concurrency=1) as world:
        await world.endpoint(receiver.url())
        first, second = world.event(user_id="gone"), world.event(user_id="gone")
        await world.accept(first, second)
        await receiver.wait_for(1)
        flying = receiver.received[0].webhook_id
        answer = await cancel(world, user_id="gone")
        assert answer.cancelled == 1
        assert list(answer.on_the_wire) == [flying]
        hold.set()
        ended = {one.event_id: one.state for one in await world.ended(2)}
    assert ended.pop(flying) == State.STATE_DELIVERED
    assert list(ended.values()) == [State.STATE_CANCELLED]
    assert receiver.count == 1


async def test_a_stop_ends_a_delivery_that_waits_for_its_next_attempt(
    world: World, receiver: Receiver
) -> None:
    """A retry that waits in PostgreSQL, and the inbox's messages, are CANCELLED; a repeated stop ends nothing more."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "600"})
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event, world.event(tenant_id="other"))

    async def waits() -> bool:
        return bool(await world.rows("SELECT 1 FROM queue WHERE attempts = 1 AND owner IS NULL"))

    await world.until(waits)
    assert (await cancel(world, event_ids=[event.event_id])).cancelled == 1
    assert (await cancel(world, event_ids=[event.event_id])).cancelled == 0
    [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_CANCELLED, 1)
    assert len(await world.rows("SELECT 1 FROM queue")) == 1  # the other tenant's


async def test_an_attempt_that_fails_after_its_stop_is_not_repeated(world: World, receiver: Receiver) -> None:
    """What was on the wire when the stop came and was not received ends CANCELLED."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(status=500, hold=hold)
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    answer = await cancel(world, event_ids=[event.event_id])
    assert list(answer.on_the_wire) == [event.event_id]
    hold.set()
    [delivery] = await world.ended()
    assert delivery.state == State.STATE_CANCELLED
    assert receiver.count == 1


async def test_a_stop_taken_by_one_replica_is_known_to_the_other(
    database_url: str, receiver: Receiver
) -> None:
    """What another replica holds is named, and that replica ends it itself within its next look."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with (
        running(database_url, lane_concurrency=1) as holder,
        running(database_url, replica_id="r2") as other,
    ):
        await holder.endpoint(receiver.url())
        events = [holder.event(event_id(), user_id="gone") for _ in range(3)]
        await holder.accept(*events)
        await receiver.wait_for(1)
        answer = await cancel(other, user_id="gone")
        assert answer.cancelled == 0
        assert sorted(answer.on_the_wire) == sorted(event.event_id for event in events)

        async def known() -> bool:
            return len(holder.inside.recent) > 0

        await holder.until(known, seconds=2)
        hold.set()
        states = sorted(one.state for one in await holder.ended(3))
    assert states == [State.STATE_DELIVERED, State.STATE_CANCELLED, State.STATE_CANCELLED]
    assert receiver.count == 1


async def test_an_accept_and_a_stop_at_the_same_moment_never_both_win(
    world: World, receiver: Receiver
) -> None:
    """Of fifty races between an event and its stop, each either stops the event or names it as sent or being sent."""
    await world.endpoint(receiver.url())
    for _ in range(50):
        event = world.event(within=timedelta(hours=1))
        before = receiver.count
        answers, stopped = await asyncio.gather(
            world.accept(event), cancel(world, event_ids=[event.event_id])
        )
        [delivery] = await world.ended(event_id=event.event_id)
        sent = receiver.count > before
        if sent:
            assert [*stopped.on_the_wire, *stopped.too_late_event_ids] == [event.event_id]
            assert delivery.state == State.STATE_DELIVERED
        else:
            assert delivery.state == State.STATE_CANCELLED
            assert [*stopped.on_the_wire, *stopped.cancelled_event_ids] == [event.event_id]
        assert answers[0] in ("ACCEPTED", "STOPPED")


async def test_a_stop_that_memory_has_forgotten_holds_after_an_outage(
    database_url: str, receiver: Receiver
) -> None:
    """What waited while the lease had run out is not sent before PostgreSQL was asked for its stops again."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with (
        running(database_url, lane_concurrency=1, lease_seconds=2) as holder,
        running(database_url, replica_id="r2", serve=False) as other,
    ):
        await holder.endpoint(receiver.url())
        await holder.accept(*[holder.event(user_id="gone") for _ in range(3)])
        await receiver.wait_for(1)
        inside = holder.inside

        async def lapsed() -> bool:
            return not inside.lease.valid

        async def known() -> bool:
            return len(inside.recent) > 0

        async def sending() -> bool:
            return inside.lease.valid

        async with holder.engine.begin() as connection:  # the lease cannot be renewed
            await connection.execute(text("SELECT FROM replicas FOR UPDATE"))
            await holder.until(lapsed)
            await cancel(other, user_id="gone")
            await holder.until(known)
            inside.recent.forget(monotonic=time.monotonic() + 1e6)
            assert not await known()
        await holder.until(sending)
        hold.set()
        states = sorted(one.state for one in await holder.ended(3))
    assert states == [State.STATE_DELIVERED, State.STATE_CANCELLED, State.STATE_CANCELLED]
    assert receiver.count == 1
