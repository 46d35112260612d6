"""BatchDeleteInbox: ended without having been received."""

from typing import Any

from google.rpc import code_pb2
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import delivery_pb2, intake_service_pb2

from tests.integration.delivery_service.conftest import TENANT_ID, World
from tests.integration.delivery_service.inbox_port import inbox_port
from tests.receiver import Behaviour, Receiver

State = delivery_pb2.Delivery
OK, REFUSED, MISSING = code_pb2.OK, code_pb2.FAILED_PRECONDITION, code_pb2.NOT_FOUND


async def stop(world: World, *event_ids: str) -> intake_service_pb2.CancelEventsResponse:
    """Stop events."""
    request = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, reason="cancelled")
    request.events.event_ids.extend(event_ids)
    request.decided_before.FromDatetime(world.clock.now().add(seconds=1).to_stdlib())
    return await world.intake.CancelEvents(request, None)


async def outcome(world: World, event: Any) -> str:
    """Return what became of an event."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    request.events.add(event_id=event.event_id, occurrence_date=event.occurrence_date)
    [found] = (await world.intake.BatchGetOutcomes(request, None)).outcomes
    return outcome_pb2.Outcome.Name(found.outcome).removeprefix("OUTCOME_")


async def test_each_message_is_deleted_or_refused_by_itself(world: World) -> None:
    """A waiting one is deleted, again OK; an acknowledged one, an unknown and a foreign one are refused."""
    waiting, taken, foreign = world.event(), world.event(), world.event(tenant_id="other")
    await world.accept(waiting, taken, foreign)
    async with inbox_port(world) as port:
        await port.ack(taken.event_id)
        asked = [waiting.event_id, taken.event_id, "evt_nothing", "a\0b", foreign.event_id]
        assert await port.delete(*asked) == [OK, REFUSED, MISSING, MISSING, MISSING]
        assert await port.delete(waiting.event_id, waiting.event_id) == [OK, OK]
        assert not await port.drained()
    [ended] = await world.ended(1, event_id=waiting.event_id)
    assert (ended.state, ended.cause) == (State.STATE_CANCELLED, delivery_pb2.DELIVERY_CAUSE_DISCARDED)
    assert await outcome(world, waiting) == "CANCELLED"


async def test_a_deleted_message_can_be_acknowledged_by_nobody(world: World) -> None:
    """Deleted while a worker has it: the worker's acknowledgement is refused, and says why."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        await port.drained()
        assert await port.delete(event.event_id) == [OK]
        [refused] = (await port.ack(event.event_id)).results
    assert refused.status.code == REFUSED
    assert "was deleted" in refused.status.message


async def test_a_stopped_message_can_be_acknowledged_by_nobody(world: World) -> None:
    """Stopped while a worker has it, because its user is gone: the acknowledgement is refused, and says why."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        await port.drained()
        await stop(world, event.event_id)
        [refused] = (await port.ack(event.event_id)).results
        assert await port.delete(event.event_id) == [REFUSED]
    assert refused.status.code == REFUSED
    assert "was stopped" in refused.status.message


async def test_a_message_that_no_endpoint_received_stays_dead_when_it_is_deleted(
    world: World, receiver: Receiver
) -> None:
    """Dead at its endpoint and then deleted from the inbox: its outcome is DEAD, which stands before CANCELLED."""
    receiver.script = lambda _: Behaviour(status=400)
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    await world.ended(1)
    assert await outcome(world, event) == "UNCLAIMED"
    async with inbox_port(world) as port:
        assert await port.delete(event.event_id) == [OK]
    assert await outcome(world, event) == "DEAD"


async def test_a_cancel_after_a_deletion_comes_too_late(world: World) -> None:
    """The message ended without the stop, which is said."""
    event = world.event()
    await world.accept(event)
    async with inbox_port(world) as port:
        await port.delete(event.event_id)
    assert list((await stop(world, event.event_id)).too_late_event_ids) == [event.event_id]
