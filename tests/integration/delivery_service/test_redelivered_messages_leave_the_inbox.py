"""What waits in the inbox because nobody received it, and is then received by a redelivery."""

from typing import Any

import pytest
from redletter.delivery.v1 import delivery_pb2, inbox_service_pb2, intake_service_pb2
from sqlalchemy import text

from tests.integration.delivery_service.conftest import TENANT_ID, State, World, as_tenant
from tests.integration.delivery_service.redelivering import redeliver
from tests.integration.delivery_service.test_a_delivery_is_redelivered import outcome
from tests.receiver import OK, Behaviour, Receiver, in_turn

REFUSED = Behaviour(400)


async def waiting(world: World, receiver: Receiver, *then: Behaviour) -> intake_service_pb2.AcceptedEvent:
    """Let a message wait in the inbox because its endpoint refused it."""
    receiver.script = in_turn(REFUSED, *then)
    await world.endpoint(receiver.url("/hook"))
    event = world.event()
    await world.accept(event)
    await world.until(lambda: unacked(world))
    return event


async def unacked(world: World) -> list[Any]:
    """Return the messages that wait in the inbox."""
    as_tenant()
    return list((await world.inbox.ListInbox(inbox_service_pb2.ListInboxRequest(), None)).messages)


async def test_received_after_all(world: World, receiver: Receiver) -> None:
    """Its inbox row ends in the same moment, CANCELLED with the cause REDELIVERED; the event is RECEIVED."""
    event = await waiting(world, receiver, OK)
    assert await outcome(world, event) == "UNCLAIMED"
    await redeliver(world, event.event_id)
    await world.ended(1, states=[State.STATE_DELIVERED])
    assert await unacked(world) == []
    [ended] = await world.listed(endpoint_id="inbox")
    assert (ended.state, ended.cause) == (State.STATE_CANCELLED, delivery_pb2.DELIVERY_CAUSE_REDELIVERED)
    assert await outcome(world, event) == "RECEIVED"
    assert not await world.rows("SELECT 1 FROM queue")


async def test_a_tenant_that_wants_everything_there_keeps_it(world: World, receiver: Receiver) -> None:
    """With the inbox mode ALL the message goes on waiting for its reader."""
    event = await waiting(world, receiver, OK)
    async with world.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO tenant_settings (tenant_id, inbox_mode, update_time) VALUES (:t, 2, :now)"),
            {"t": TENANT_ID, "now": world.clock.now().to_stdlib()},
        )
    await redeliver(world, event.event_id)
    await world.ended(1, states=[State.STATE_DELIVERED])
    assert [one.event_id for one in await unacked(world)] == [event.event_id]
    assert await outcome(world, event) == "RECEIVED"


async def test_a_redelivery_that_fails_leaves_the_one_row(world: World, receiver: Receiver) -> None:
    """There is no second message in the inbox, and the first can be acknowledged."""
    event = await waiting(world, receiver, REFUSED)
    await redeliver(world, event.event_id)
    await world.ended(2, endpoint_id="hook")
    assert [one.event_id for one in await unacked(world)] == [event.event_id]
    assert await outcome(world, event) == "UNCLAIMED"
    answer = await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=[event.event_id]), None)
    assert answer.results[0].status.code == 0
    assert await outcome(world, event) == "RECEIVED"


@pytest.mark.parametrize("cause", [delivery_pb2.DELIVERY_CAUSE_DISCARDED])
async def test_what_its_reader_threw_away_does_not_come_back(
    world: World, receiver: Receiver, cause: int
) -> None:
    """A redelivery that fails puts no message into the inbox that was there before."""
    event = await waiting(world, receiver, REFUSED)
    async with world.engine.begin() as connection:
        await connection.execute(
            text("""
                WITH gone AS (DELETE FROM queue WHERE endpoint_id = 'inbox' RETURNING *)
                INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause,
                    attempts, accept_time, deliver_by, end_time)
                SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, 5, :cause, 0, accept_time,
                    deliver_by, accept_time FROM gone
            """),
            {"cause": cause},
        )
    await redeliver(world, event.event_id)
    await world.ended(2, endpoint_id="hook")
    assert await unacked(world) == []
    assert await outcome(world, event) == "DEAD"


async def test_with_two_endpoints_the_inbox_waits_for_the_last(world: World, receiver: Receiver) -> None:
    """While one is being redelivered the other's end puts nothing into the inbox; received, it never comes."""
    receiver.script = lambda got: REFUSED if got.path == "/bad" else Behaviour(400 if _first(got) else 200)
    seen: set[str] = set()

    def _first(got: Any) -> bool:
        known = got.webhook_id in seen
        seen.add(got.webhook_id)
        return not known

    await world.endpoint(receiver.url("/good"), "good")
    await world.endpoint(receiver.url("/bad"), "bad")
    event = world.event()
    await world.accept(event)
    await world.ended(2)
    await redeliver(world, event.event_id, "bad")
    await world.ended(3)
    assert len(await unacked(world)) == 1
    await redeliver(world, event.event_id, "good")
    await world.ended(1, states=[State.STATE_DELIVERED])
    assert await unacked(world) == []
