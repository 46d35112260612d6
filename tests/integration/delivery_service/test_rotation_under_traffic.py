"""A secret is rotated while messages flow: who knows only the old one accepts every message until the overlap ends."""

import time
from datetime import timedelta

from redletter.delivery.v1 import endpoint_secret_service_pb2

from tests.integration.delivery_service.conftest import World, as_tenant
from tests.integration.delivery_service.secret_calls import Kind, expire, listed, rotate
from tests.official_verifiers import Claim, javascript_refusals, python_refusals
from tests.receiver import Received, Receiver

OVERLAP = timedelta(seconds=2)
# A lane reads its endpoint's secrets once a second; the rest is for a slow machine.
KNOWN_WITHIN = 1.5


def stamp(received: Received) -> int:
    """Return the second in which a message was signed."""
    return int(received.headers["webhook-timestamp"])


async def flow(world: World, receiver: Receiver, *, until: float) -> None:
    """Send ten messages after the other until a real instant, and wait for all of them."""
    while time.time() < until:
        await world.accept(*(world.event() for _ in range(10)))
        await receiver.wait_for(receiver.count + 1)

    async def all_answered() -> bool:
        return not await world.rows("SELECT 1 FROM queue LIMIT 1")

    await world.until(all_answered)


async def test_the_old_secret_verifies_every_message_until_the_overlap_ends(
    world: World, receiver: Receiver
) -> None:
    """Not one message of the overlap is refused to either side, and none after it is signed by the old secret."""
    old = await world.endpoint(receiver.url())
    await flow(world, receiver, until=time.time() + 0.2)
    as_tenant()
    request = endpoint_secret_service_pb2.RotateEndpointSecretRequest(endpoint_id="hook")
    request.overlap.FromTimedelta(OVERLAP)
    answer = await world.endpoint_secrets.RotateEndpointSecret(request, None)
    rotated, ends = time.time(), answer.replaced[0].expire_time.seconds
    await flow(world, receiver, until=ends + 1.0)

    received = list(receiver.received)
    during = [one for one in received if stamp(one) < ends]
    after = [one for one in received if stamp(one) >= ends]
    renewed = [one for one in received if one.time > rotated + KNOWN_WITHIN]
    assert min(len(during), len(after), len(renewed)) > 10
    for refusals in (python_refusals, javascript_refusals):
        assert set(refusals([Claim.of(one, old) for one in during])) == {None}
        assert set(refusals([Claim.of(one, answer.secret) for one in renewed])) == {None}
        assert None not in refusals([Claim.of(one, old) for one in after])


async def test_a_replica_that_cannot_read_anew_signs_with_no_expired_secret(
    world: World, receiver: Receiver
) -> None:
    """The lanes keep what they read before; the real clock at each signature decides nevertheless."""
    old = await world.endpoint(receiver.url())
    await flow(world, receiver, until=time.time() + 0.1)
    answer = await rotate(world, overlap=timedelta(seconds=1))
    await world.inside.endpoint_watch.stop()
    ends = answer.replaced[0].expire_time.seconds
    await flow(world, receiver, until=ends + 0.5)
    after = [one for one in receiver.received if stamp(one) >= ends]
    assert len(after) > 5
    assert None not in python_refusals([Claim.of(one, old) for one in after])
    assert set(python_refusals([Claim.of(one, answer.secret) for one in after])) == {None}


async def test_an_attempt_names_the_newest_secret_that_signed_it(world: World, receiver: Receiver) -> None:
    """The first secret, then the new one though both sign, then the first again once the new one is ended."""
    await world.endpoint(receiver.url())
    (first,) = await listed(world)
    events = [world.event() for _ in range(3)]
    await world.accept(events[0])
    await world.ended(1)
    second = (await rotate(world, kind=Kind.KIND_ED25519)).endpoint_secret
    await world.accept(events[1])
    await world.ended(2)
    await expire(world, second.secret_id)
    await world.accept(events[2])
    await world.ended(3)
    by_event = {one.event_id: one.last_attempt.secret_id for one in await world.listed()}
    assert [by_event[event.event_id] for event in events] == [
        first.secret_id,
        second.secret_id,
        first.secret_id,
    ]
