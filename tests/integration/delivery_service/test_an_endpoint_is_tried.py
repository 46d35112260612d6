"""TestEndpoint: one signed sample now, and what came back."""

import asyncio
import json
from datetime import timedelta

import pytest
from redletter.delivery.v1 import delivery_pb2, endpoint_service_pb2, endpoint_trial_service_pb2
from redletter.webhooks import verify
from sqlalchemy import text

from chassis.database import unit_of_work
from chassis.errors import NotFound, TooManyRequests
from delivery_service.domain.signatures import SecretKind
from tests.integration.delivery_service.conftest import World, as_tenant, running
from tests.integration.delivery_service.secret_calls import Kind, listed, rotate
from tests.official_verifiers import VERIFIERS, Claim
from tests.receiver import Behaviour, Receiver

Cause = delivery_pb2.DeliveryCause


async def tried(
    world: World, *, event_type_id: str = "", tenant: str | None = None
) -> endpoint_trial_service_pb2.TestEndpointResponse:
    """Try the endpoint `hook`."""
    as_tenant(tenant) if tenant else as_tenant()
    request = endpoint_trial_service_pb2.TestEndpointRequest(endpoint_id="hook", event_type_id=event_type_id)
    return await world.endpoint_trials.TestEndpoint(request, None)


async def test_a_trial_shows_what_came_back(world: World, receiver: Receiver) -> None:
    """Status, times, headers in their order and the first 4 KB; the sample is a signed message with an id of its own."""
    receiver.script = lambda _: Behaviour(
        status=418, headers={"X-Trace": "abc", "x-trace-2": "ü"}, body=b"tea" * 5000
    )
    secret = await world.endpoint(receiver.url("/try"))
    answer = await tried(world, event_type_id="birthday")
    (one,) = receiver.received
    assert one.webhook_id == answer.test_id
    assert answer.test_id.startswith("test_")
    assert one.body == answer.body
    assert json.loads(one.body)["type"] == "birthday"
    assert [verifier([Claim.of(one, secret)]) for verifier in VERIFIERS.values()] == [[None], [None]]
    attempt = answer.attempt
    assert (attempt.status_code, attempt.url) == (418, receiver.url("/try"))
    assert attempt.secret_id == (await listed(world))[0].secret_id
    assert (attempt.answer_bytes, attempt.answer) == (15_000, (b"tea" * 5000)[:4096])
    times = [span.ToTimedelta() for span in (attempt.connect, attempt.first_byte, attempt.total)]
    assert timedelta(0) < times[0] <= times[1] <= times[2] < timedelta(seconds=5)
    headers = {header.name: header.value for header in answer.headers}
    assert headers["X-Trace"] == "abc"
    assert answer.headers[0].name == "content-length"


async def test_a_trial_leaves_no_trace(world: World, receiver: Receiver) -> None:
    """No message, delivery, queue row or attempt is written, and 410 disables nothing."""
    receiver.script = lambda _: Behaviour(status=410)
    await world.endpoint(receiver.url())
    assert (await tried(world)).attempt.status_code == 410
    await world.inside.endpoint_watch.refresh()
    for table in ("messages", "deliveries", "queue", "attempts"):
        assert await world.rows(f"SELECT 1 FROM {table}") == []
    (row,) = await world.rows("SELECT state FROM endpoints")
    assert row.state == 1


async def test_a_disabled_endpoint_is_tried_with_its_present_url_and_secrets(
    world: World, receiver: Receiver
) -> None:
    """So one sees that it works before it is enabled; both secrets of a rotation sign, `v1a` as well."""
    old = await world.endpoint("https://example.com/before")
    new = await rotate(world)
    key = await rotate(world, kind=Kind.KIND_ED25519)
    async with unit_of_work(world.engine) as connection:
        await connection.execute(
            text("UPDATE endpoints SET state = 2, url = :url"), {"url": receiver.url("/new")}
        )
    answer = await tried(world)
    (one,) = receiver.received
    assert (answer.attempt.status_code, one.path) == (200, "/new")
    for secret in (old, new.secret, key.endpoint_secret.public_key):
        assert verify(one.body, one.headers, secret)["data"]["test"] is True
    assert answer.attempt.secret_id == key.endpoint_secret.secret_id
    assert key.endpoint_secret.kind == SecretKind.ED25519


async def test_a_trial_carries_the_endpoints_own_headers(world: World, receiver: Receiver) -> None:
    """A gateway in front of the receiver that wants a token lets the trial pass as it does messages."""
    as_tenant()
    request = endpoint_service_pb2.CreateEndpointRequest(
        endpoint_id="hook", url=receiver.url(), headers={"X-Token": "t1"}
    )
    await world.endpoints.CreateEndpoint(request, None)
    await tried(world)
    assert receiver.received[0].headers["x-token"] == "t1"


async def test_a_trial_dials_no_address_that_messages_are_not_sent_to(
    database_url: str, receiver: Receiver
) -> None:
    """Without leave for loopback the cause is FORBIDDEN_ADDRESS and nothing is dialled."""
    async with running(database_url) as world:
        await world.endpoint(receiver.url())
    async with running(database_url, allowed_networks="", replica_id="r2") as world:
        answer = await tried(world)
    assert (answer.attempt.status_code, answer.attempt.cause) == (
        0,
        Cause.DELIVERY_CAUSE_FORBIDDEN_ADDRESS,
    )
    assert receiver.connections == 0


async def test_nobody_listening_is_an_answer_too(world: World) -> None:
    """A refused connection is its cause, not an error of the call."""
    await world.endpoint("http://127.0.0.1:1/hook")
    answer = await tried(world)
    assert answer.attempt.cause == Cause.DELIVERY_CAUSE_CONNECTION
    assert not answer.headers


async def test_trials_are_no_load_generator(world: World, receiver: Receiver) -> None:
    """While one is under way, and for a second from its begin, the next is refused and says when to come back."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    first = asyncio.create_task(tried(world))
    await receiver.wait_for(1)
    with pytest.raises(TooManyRequests, match="is being tried") as refused:
        await tried(world)
    assert timedelta(0) < refused.value.retry_after <= timedelta(seconds=1)
    # A caller that goes away leaves the attempt on the wire: it is still the one that is allowed.
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(TooManyRequests, match="is being tried"):
        await tried(world)
    receiver.script = None
    hold.set()

    async def allowed() -> bool:
        try:
            return bool((await tried(world)).attempt.status_code == 200)
        except TooManyRequests:
            return False

    await world.until(allowed)
    with pytest.raises(TooManyRequests, match="less than a second ago"):
        await tried(world)
    assert receiver.count == 2


async def test_a_foreign_endpoint_is_not_tried(world: World, receiver: Receiver) -> None:
    """NOT_FOUND, and nothing goes out."""
    await world.endpoint(receiver.url())
    with pytest.raises(NotFound, match="hook"):
        await tried(world, tenant="other")
    assert receiver.count == 0
