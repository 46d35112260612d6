"""AckInbox, while endpoints are still being tried: retries that wait, what other replicas hold, what is on the wire."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import code_pb2
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import (
    delivery_pb2,
    delivery_settings_pb2,
    delivery_settings_service_pb2,
    inbox_service_pb2,
    intake_service_pb2,
)
from sqlalchemy import text

from delivery_service.api.delivery_settings import DeliverySettingsServicer
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running
from tests.receiver import Behaviour, Receiver

State = delivery_pb2.Delivery
ACKNOWLEDGED = delivery_pb2.DELIVERY_CAUSE_ACKNOWLEDGED


async def hold_everything(world: World) -> None:
    """Let the tenant's inbox hold every message from now on."""
    as_tenant()
    wanted = delivery_settings_pb2.DeliverySettings(
        inbox_mode=delivery_settings_pb2.DeliverySettings.INBOX_MODE_ALL
    )
    request = delivery_settings_service_pb2.UpdateDeliverySettingsRequest(
        delivery_settings=wanted, update_mask=FieldMask(paths=["inbox_mode"])
    )
    await DeliverySettingsServicer(world.engine, world.clock).UpdateDeliverySettings(request, None)


async def ack(world: World, *event_ids: str) -> inbox_service_pb2.AckInboxResponse:
    """Acknowledge."""
    as_tenant()
    return await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=event_ids), None)


def waits(world: World, where: str) -> Callable[[], Awaitable[bool]]:
    """Return the condition that a delivery to an endpoint is in the queue like that."""

    async def condition() -> bool:
        return bool(await world.rows(f"SELECT 1 FROM queue WHERE endpoint_id <> 'inbox' AND {where}"))

    return condition


async def endings(world: World, count: int) -> dict[str, tuple[Any, Any]]:
    """Return (state, cause) by endpoint, once so many deliveries have ended."""
    return {one.endpoint_id: (one.state, one.cause) for one in await world.ended(count)}


async def outcome(world: World, event: intake_service_pb2.AcceptedEvent) -> str:
    """Return what became of an event."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    request.events.add(event_id=event.event_id, occurrence_date=event.occurrence_date)
    [found] = (await world.intake.BatchGetOutcomes(request, None)).outcomes
    return outcome_pb2.Outcome.Name(found.outcome).removeprefix("OUTCOME_")


async def test_by_choice_the_inbox_holds_everything(world: World, receiver: Receiver) -> None:
    """A message goes to the endpoint and to the inbox; received by the endpoint it still waits for its reader."""
    await world.endpoint(receiver.url())
    await hold_everything(world)
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    assert await endings(world, 1) == {"hook": (State.STATE_DELIVERED, 0)}
    [waiting] = (await world.inbox.ListInbox(inbox_service_pb2.ListInboxRequest(), None)).messages
    assert (waiting.event_id, await outcome(world, event)) == (event.event_id, "RECEIVED")
    await ack(world, event.event_id)
    assert set(await endings(world, 2)) == {"hook", "inbox"}


async def test_a_retry_that_waits_is_cancelled_with_the_acknowledgement(
    world: World, receiver: Receiver
) -> None:
    """The retry that waits in PostgreSQL is CANCELLED with cause ACKNOWLEDGED in the same moment, and never sent."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "600"})
    await world.endpoint(receiver.url())
    await hold_everything(world)
    event = world.event()
    await world.accept(event)
    await world.until(waits(world, "attempts = 1 AND owner IS NULL"))
    answer = await ack(world, event.event_id)
    assert [one.status.code for one in answer.results] == [code_pb2.OK]
    assert not answer.on_the_wire
    assert not await world.rows("SELECT 1 FROM queue")
    assert await endings(world, 2) == {
        "inbox": (State.STATE_DELIVERED, 0),
        "hook": (State.STATE_CANCELLED, ACKNOWLEDGED),
    }
    assert await outcome(world, event) == "RECEIVED"


async def test_what_waits_in_memory_is_dropped_within_a_fifth_of_a_second(
    database_url: str, receiver: Receiver
) -> None:
    """Of two in a lane of one the acknowledged second is said, and CANCELLED before its turn; the first goes on."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with running(database_url, lane_concurrency=1) as world:
        await world.endpoint(receiver.url())
        await hold_everything(world)
        events = [world.event(), world.event()]
        await world.accept(*events)
        await receiver.wait_for(1)
        flying = receiver.received[0].webhook_id
        [waiting] = {event.event_id for event in events} - {flying}
        began = time.monotonic()
        answer = await ack(world, waiting)
        assert list(answer.on_the_wire) == [waiting]

        async def cancelled() -> bool:
            ended = await world.listed(event_id=waiting, endpoint_id="hook")
            return [(one.state, one.cause) for one in ended] == [(State.STATE_CANCELLED, ACKNOWLEDGED)]

        await world.until(cancelled)
        assert time.monotonic() - began < 0.5  # 200 ms to see it, 20 ms to write it, and the asking
        hold.set()
        [received] = await world.ended(1, endpoint_id="hook", event_id=flying)
    assert received.state == State.STATE_DELIVERED
    assert receiver.count == 1


async def test_what_is_on_the_wire_comes_to_its_end_and_is_not_tried_again(
    world: World, receiver: Receiver
) -> None:
    """Acknowledged while it is being sent: said; answered with 500 it ends CANCELLED instead of waiting for a retry."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(status=500, hold=hold)
    await world.endpoint(receiver.url())
    await hold_everything(world)
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    answer = await ack(world, event.event_id)
    assert list(answer.on_the_wire) == [event.event_id]
    await world.inside.withdrawals.poll()
    hold.set()
    assert (await endings(world, 2))["hook"] == (State.STATE_CANCELLED, ACKNOWLEDGED)
    assert receiver.count == 1


async def test_what_is_received_while_it_is_acknowledged_was_received(
    world: World, receiver: Receiver
) -> None:
    """Acknowledged while it is being sent and answered with 200, the endpoint's delivery is DELIVERED as well."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    await hold_everything(world)
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    await ack(world, event.event_id)
    await world.inside.withdrawals.poll()
    hold.set()
    assert (await endings(world, 2))["hook"] == (State.STATE_DELIVERED, 0)

    async def forgotten() -> bool:
        return not await world.rows("SELECT 1 FROM withdrawals")

    await world.until(forgotten)


async def test_another_replica_drops_what_was_acknowledged_here(
    database_url: str, receiver: Receiver
) -> None:
    """What the other replica holds is named here and ended there, never sent."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with (
        running(database_url, lane_concurrency=1) as holder,
        running(database_url, replica_id="r2") as other,
    ):
        await holder.endpoint(receiver.url())
        await hold_everything(holder)
        events = [holder.event() for _ in range(3)]
        await holder.accept(*events)
        await receiver.wait_for(1)
        flying = receiver.received[0].webhook_id
        waiting = sorted({event.event_id for event in events} - {flying})
        assert list((await ack(other, *waiting)).on_the_wire) == waiting

        async def ended() -> bool:
            found = await holder.listed(endpoint_id="hook", states=[State.STATE_CANCELLED])
            return sorted(one.event_id for one in found) == waiting

        await holder.until(ended, seconds=2)
        hold.set()
        await holder.ended(1, event_id=flying, endpoint_id="hook")
    assert receiver.count == 1


async def test_what_a_dead_replica_held_is_ended_by_the_next_look(world: World, receiver: Receiver) -> None:
    """A held delivery that became nobody's after its acknowledgement is CANCELLED by any replica, once."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    await hold_everything(world)
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    await world.inside.withdrawals.stop()
    await world.inside.feeder.stop()
    await ack(world, event.event_id)
    async with world.engine.begin() as connection:
        await connection.execute(text("UPDATE queue SET owner = NULL"))
    await world.inside.withdrawals.poll()
    assert (await endings(world, 2))["hook"] == (State.STATE_CANCELLED, ACKNOWLEDGED)
    await world.inside.withdrawals.poll()
    assert not await world.rows("SELECT 1 FROM withdrawals")
    hold.set()
