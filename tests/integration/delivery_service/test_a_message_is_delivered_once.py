"""Accept, POST, outcome."""

import asyncio

import standardwebhooks
from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2

from tests.integration.delivery_service.conftest import BODY, World, as_tenant
from tests.receiver import Behaviour, Receiver

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_an_accepted_event_arrives_signed(world: World, receiver: Receiver) -> None:
    """The receiver gets the frozen bytes under the event id, and the official library accepts the signature."""
    secret = await world.endpoint(receiver.url())
    event = world.event()
    assert await world.accept(event, traceparent=TRACE) == ["ACCEPTED"]
    [got] = await receiver.wait_for(1)
    assert got.body == BODY
    assert got.webhook_id == event.event_id
    assert got.headers["traceparent"] == TRACE
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Redletter/0.1"
    standardwebhooks.Webhook(secret).verify(got.body, got.headers)
    [delivery] = await world.ended()
    assert delivery.state == delivery_pb2.Delivery.STATE_DELIVERED
    assert delivery.attempts == 1
    assert delivery.first_attempt.status_code == 200
    assert delivery.first_attempt.url == receiver.url()


async def test_an_event_offered_twice_is_delivered_once(world: World, receiver: Receiver) -> None:
    """A second offer, also within one call and also after a new endpoint, adds nothing."""
    await world.endpoint(receiver.url())
    event = world.event()
    assert await world.accept(event, event) == ["ACCEPTED", "KNOWN"]
    await world.ended()
    await world.endpoint(receiver.url("/second"), "second")
    assert await world.accept(event) == ["KNOWN"]
    other = world.event()
    assert await world.accept(other) == ["ACCEPTED"]
    await world.ended(3)
    assert [got.webhook_id for got in receiver.received].count(event.event_id) == 1
    assert len(receiver.received) == 3


async def test_a_delivery_shows_the_metadata_of_its_event(world: World, receiver: Receiver) -> None:
    """Pending or ended, read alone or in a list; an event without any shows none."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    event, plain = world.event(), world.event()
    event.metadata["order"], event.metadata["naïve"] = "7", "☃"
    await world.accept(event, plain)
    request = delivery_service_pb2.GetDeliveryRequest(event_id=event.event_id, endpoint_id="hook")
    expected = {event.event_id: {"order": "7", "naïve": "☃"}, plain.event_id: {}}
    for state in (delivery_pb2.Delivery.STATE_PENDING, delivery_pb2.Delivery.STATE_DELIVERED):
        as_tenant()
        one = (await world.deliveries.GetDelivery(request, None)).delivery
        assert (one.state, dict(one.metadata)) == (state, expected[event.event_id])
        assert {found.event_id: dict(found.metadata) for found in await world.listed()} == expected
        hold.set()
        await world.ended(2)
