"""What is not repeated: refusals, redirects, forbidden addresses, disabled endpoints."""

import socket
from datetime import timedelta

import pytest
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2, endpoint_service_pb2

from chassis.errors import InvalidInput
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.curl_sender import CurlSender
from tests.integration.delivery_service.conftest import World, as_tenant, running
from tests.receiver import Behaviour, Receiver

State = delivery_pb2.Delivery


async def test_a_400_is_dead_listed_and_in_the_inbox(world: World, receiver: Receiver) -> None:
    """One attempt, then DEAD(HTTP_STATUS) with what the receiver said; the message waits in the inbox."""
    receiver.script = lambda _: Behaviour(status=400, body=b"no such user")
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    [delivery] = await world.ended(states=[State.STATE_DEAD])
    assert (delivery.cause, delivery.attempts) == (delivery_pb2.DELIVERY_CAUSE_HTTP_STATUS, 1)
    assert delivery.last_attempt.answer == b"no such user"
    waiting = [(one.event_id, one.endpoint_id) for one in await world.listed(states=[State.STATE_PENDING])]
    assert waiting == [(event.event_id, "inbox")]


async def test_the_inbox_waits_for_the_last_endpoint(world: World, receiver: Receiver) -> None:
    """A message that one of two endpoints received is not in the inbox; one that none received is, once."""
    receiver.script = lambda got: Behaviour(status=400 if got.path == "/bad" or b"both" in got.body else 200)
    await world.endpoint(receiver.url("/good"), "good")
    await world.endpoint(receiver.url("/bad"), "bad")
    one, none = world.event(), world.event(body=b'{"both":1}')
    await world.accept(one, none)
    await world.ended(4)
    waiting = [(kept.event_id, kept.endpoint_id) for kept in await world.listed(states=[State.STATE_PENDING])]
    assert waiting == [(none.event_id, "inbox")]


async def test_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    """A 302 is the end, and its target is never asked."""
    receiver.script = lambda _: Behaviour(status=302, headers={"location": receiver.url("/elsewhere")})
    await world.endpoint(receiver.url())
    await world.accept(world.event())
    [delivery] = await world.ended()
    assert delivery.state == State.STATE_DEAD
    assert [got.path for got in receiver.received] == ["/hook"]


async def test_a_410_disables_the_endpoint(world: World, receiver: Receiver) -> None:
    """The endpoint is DISABLED; what still waits for it ends as dead, new events go to the inbox."""
    receiver.script = lambda _: Behaviour(status=410)
    await world.endpoint(receiver.url())
    await world.accept(world.event())

    async def disabled() -> bool:
        as_tenant()
        request = endpoint_service_pb2.GetEndpointRequest(endpoint_id="hook")
        found = (await world.endpoints.GetEndpoint(request, None)).endpoint
        return bool(found.state == endpoint_pb2.Endpoint.STATE_DISABLED)

    await world.until(disabled)
    later = world.event()
    await world.accept(later)
    waiting = [one.endpoint_id for one in await world.listed(event_id=later.event_id)]
    assert waiting == ["inbox"]


async def test_a_forbidden_address_is_dead_without_a_connection(database_url: str) -> None:
    """An endpoint whose host turns out private is DEAD(FORBIDDEN_ADDRESS); no socket is opened."""
    dialled: list[tuple[int, int, int]] = []

    def dial(family: int, kind: int, protocol: int, _address: str, _port: int) -> socket.socket:
        dialled.append((family, kind, protocol))
        raise AssertionError("dialled")

    async with running(database_url) as allowing:
        await allowing.endpoint("http://127.0.0.1:9/hook")
    async with running(database_url, allowed_networks="") as world:
        await world.inside.sender.stop()
        sender = CurlSender(dial=dial)
        await sender.start()
        world.inside.sender.__dict__.update(sender.__dict__)
        await world.accept(world.event())
        [delivery] = await world.ended()
    assert delivery.cause == DeliveryCause.FORBIDDEN_ADDRESS
    assert delivery.state == State.STATE_DEAD
    assert dialled == []


async def test_a_url_of_a_private_address_is_refused_at_once(database_url: str) -> None:
    """CreateEndpoint answers FORBIDDEN_ADDRESS for a literal private host."""
    async with running(database_url, allowed_networks="", serve=False) as world:
        with pytest.raises(InvalidInput, match="private") as refused:
            await world.endpoint("http://10.1.2.3/hook")
    assert refused.value.reason == "FORBIDDEN_ADDRESS"


async def test_nothing_is_sent_after_deliver_by(world: World, receiver: Receiver) -> None:
    """An event that is accepted when its time has passed ends EXPIRED without an attempt."""
    await world.endpoint(receiver.url())
    await world.accept(world.event(within=timedelta(seconds=-1)))
    [delivery] = await world.ended()
    assert (delivery.state, delivery.attempts) == (State.STATE_EXPIRED, 0)
    assert not delivery.HasField("first_attempt")
    assert receiver.count == 0
