"""Headers, concurrency, timeout, certificate and retry policy of an endpoint are what its lane goes by."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2, endpoint_service_pb2

from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import endpoints
from delivery_service.transport.requests import ClientIdentity
from delivery_service.workers.lane import Lane
from tests.integration.delivery_service.conftest import TENANT_ID, State, World, as_tenant
from tests.integration.delivery_service.deciding import decide
from tests.receiver import Behaviour, Receiver


async def test_its_headers_are_sent_with_ours(world: World, receiver: Receiver) -> None:
    """What the tenant added stands beside the signature, on every request."""
    await world.endpoint(receiver.url())
    await decide(world, headers={"x-shop": "berlin", "authorization": "Bearer abc"})
    await world.accept(world.event())
    [got] = await receiver.wait_for(1)
    assert (got.headers["x-shop"], got.headers["authorization"]) == ("berlin", "Bearer abc")
    assert got.headers["webhook-signature"].startswith("v1,")


async def test_it_never_has_more_at_once_than_it_says(world: World, receiver: Receiver) -> None:
    """With two at most, twenty messages go out two by two; the deployment would allow 64."""
    inside: set[str] = set()
    most = 0
    loop = asyncio.get_running_loop()

    def script(got: Any) -> Behaviour:
        nonlocal most
        inside.add(got.webhook_id)
        most = max(most, len(inside))
        loop.call_later(0.01, inside.discard, got.webhook_id)
        return Behaviour(delay_seconds=0.02)

    receiver.script = script
    await world.endpoint(receiver.url())
    await decide(world, max_concurrency=2)
    await world.accept(*[world.event() for _ in range(20)])
    await world.ended(20)
    assert most == 2


async def test_its_timeout_ends_an_attempt(world: World, receiver: Receiver) -> None:
    """A receiver that does not answer within 0.3 s has had its attempt: TIMEOUT."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    await decide(world, timeout=timedelta(seconds=0.3), retry_policy={"fail_causes": ["TIMEOUT"]})
    await world.accept(world.event())
    [delivery] = await world.ended(states=[State.STATE_DEAD])
    assert (delivery.cause, delivery.attempts) == (delivery_pb2.DELIVERY_CAUSE_TIMEOUT, 1)
    hold.set()


async def test_its_certificate_goes_with_every_request(world: World) -> None:
    """The lane hands the chain and its key to whoever dials; without one there is none."""
    await world.endpoint("http://127.0.0.1:9/hook")
    key = LaneKey(TENANT_ID, "hook")

    async def identity() -> ClientIdentity | None:
        async with world.engine.connect() as connection:
            target = (await endpoints.targets(connection, [key]))[key]
        lane = Lane(key, most=1)
        lane.aim(target)
        assert lane.enabled
        return lane._identity

    assert await identity() is None
    await decide(world, client_certificate="PEM of the chain", client_key=b"PEM of the key")
    assert await identity() == ClientIdentity("PEM of the chain", b"PEM of the key")


@pytest.mark.parametrize(
    ("status", "policy", "attempts"),
    [
        (500, {"max_attempts": 3}, 3),
        (500, {"fail_statuses": [500]}, 1),
        (404, {"retry_statuses": [404], "max_attempts": 2}, 2),
        (302, {}, 1),
    ],
    ids=str,
)
async def test_its_policy_says_when_to_give_up(
    world: World, receiver: Receiver, status: int, policy: dict[str, Any], attempts: int
) -> None:
    """So many attempts, or none more for this status: then the delivery is DEAD by the last status."""
    receiver.script = lambda _: Behaviour(status=status)
    await world.endpoint(receiver.url())
    await decide(world, retry_policy=policy)
    await world.accept(world.event())
    [delivery] = await world.ended(states=[State.STATE_DEAD])
    assert (delivery.cause, delivery.attempts) == (delivery_pb2.DELIVERY_CAUSE_HTTP_STATUS, attempts)
    assert receiver.count == attempts


async def test_its_policy_says_how_long_to_wait(world: World, receiver: Receiver) -> None:
    """With a first wait of an hour the retry is planned within that hour, not within the deployment's 50 ms."""
    receiver.script = lambda _: Behaviour(status=500)
    await world.endpoint(receiver.url())
    await decide(world, retry_policy={"first": 100_000.0, "longest": 200_000.0})
    event = world.event(within=timedelta(days=3))
    await world.accept(event)

    async def planned() -> Any:
        return await world.rows("SELECT next_time - decide_time AS wait FROM queue WHERE attempts = 1")

    [row] = await world.until(planned)
    assert row.wait > timedelta(seconds=5)


async def test_gone_may_leave_it_enabled(world: World, receiver: Receiver) -> None:
    """With `keep_on_gone` a 410 ends its delivery, and the next message is tried."""
    receiver.script = lambda _: Behaviour(status=410)
    await world.endpoint(receiver.url())
    await decide(world, retry_policy={"keep_on_gone": True})
    for count in (1, 2):
        await world.accept(world.event())
        await world.ended(count, states=[State.STATE_DEAD])
    as_tenant()
    asked = endpoint_service_pb2.GetEndpointRequest(endpoint_id="hook")
    found = (await world.endpoints.GetEndpoint(asked, None)).endpoint
    assert found.state == endpoint_pb2.Endpoint.STATE_ENABLED
    assert receiver.count == 2


async def test_an_attempt_is_attributed_to_the_url_that_it_went_to(world: World, receiver: Receiver) -> None:
    """The URL changes while an answer is awaited: the attempt names the old one, the next one the new."""
    hold = asyncio.Event()
    receiver.script = lambda got: Behaviour(hold=hold, status=500) if got.path == "/old" else Behaviour()
    await world.endpoint(receiver.url("/old"))
    await world.accept(world.event())
    await receiver.wait_for(1)
    await decide(world, url=receiver.url("/new"))
    await world.inside.endpoint_watch.refresh()
    hold.set()
    [delivery] = await world.ended()
    assert delivery.first_attempt.url == receiver.url("/old")
    assert delivery.last_attempt.url == receiver.url("/new")
