"""What a changed, disabled or deleted endpoint means for messages that are on their way."""

from typing import Any

from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2, endpoint_pb2
from redletter.delivery.v1 import endpoint_service_pb2 as wire
from sqlalchemy import text

from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import endpoints
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running
from tests.receiver import Behaviour, Receiver

State = delivery_pb2.Delivery
DISABLED = delivery_pb2.DELIVERY_CAUSE_ENDPOINT_DISABLED
HOUR = {"retry_first_seconds": 3600.0, "retry_longest_seconds": 3600.0}


async def update(world: World, path: str, **fields: Any) -> None:
    """Change one field of the endpoint `hook`."""
    as_tenant()
    request = wire.UpdateEndpointRequest(endpoint=endpoint_pb2.Endpoint(endpoint_id="hook", **fields))
    request.update_mask.paths.append(path)
    await world.endpoints.UpdateEndpoint(request, None)


async def delete(world: World, endpoint_id: str = "hook") -> None:
    """Delete an endpoint."""
    as_tenant()
    await world.endpoints.DeleteEndpoint(wire.DeleteEndpointRequest(endpoint_id=endpoint_id), None)


async def disable(world: World, endpoint_id: str = "hook") -> None:
    """Disable an endpoint."""
    as_tenant()
    await world.endpoints.DisableEndpoint(wire.DisableEndpointRequest(endpoint_id=endpoint_id), None)


async def tried(world: World, count: int = 1) -> None:
    """Wait until so many deliveries wait for their second attempt."""

    async def waiting() -> bool:
        rows = await world.rows("SELECT count(*) AS n FROM queue WHERE attempts = 1 AND owner IS NULL")
        return bool(rows[0].n == count)

    await world.until(waiting)


async def in_the_inbox(world: World) -> set[str]:
    """Return the events that wait in the inbox."""
    rows = await world.rows("SELECT event_id FROM queue WHERE endpoint_id = 'inbox'")
    return {row.event_id for row in rows}


async def test_the_next_attempt_goes_to_the_new_url_and_records_it(world: World, receiver: Receiver) -> None:
    """A delivery that failed at the old URL is received at the new one; each attempt says where it went."""
    receiver.script = lambda got: Behaviour(status=500 if got.path == "/old" else 200)
    await world.endpoint(receiver.url("/old"))
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    await update(world, "url", url=receiver.url("/new"))
    [delivery] = await world.ended()
    as_tenant()
    request = delivery_service_pb2.ListAttemptsRequest(event_id=event.event_id, endpoint_id="hook")
    attempts = (await world.deliveries.ListAttempts(request, None)).attempts
    assert delivery.state == State.STATE_DELIVERED
    assert {one.url for one in attempts[:-1]} == {receiver.url("/old")}
    assert attempts[-1].url == receiver.url("/new") == delivery.last_attempt.url


async def test_headers_of_the_present_endpoint_are_sent(world: World, receiver: Receiver) -> None:
    """After one look at the endpoints the lane that was open before sends the new header, and no earlier message had it."""
    await world.endpoint(receiver.url())
    await world.accept(world.event())
    await receiver.wait_for(1)
    await update(world, "headers", headers={"Authorization": "Bearer sesame"})
    await world.inside.endpoint_watch.refresh()
    await world.accept(world.event())
    first, second = await receiver.wait_for(2)
    assert "authorization" not in first.headers
    assert second.headers["authorization"] == "Bearer sesame"


async def test_a_look_reads_only_what_changed(world: World, receiver: Receiver) -> None:
    """Endpoints that are as they were seen are not read again; a changed and a deleted one are, once."""
    names = ("kept", "changed", "gone")
    for name in names:
        await world.endpoint(receiver.url(), name)
    lanes = [LaneKey(TENANT_ID, name) for name in names]
    async with world.engine.begin() as connection:
        await connection.execute(
            text("UPDATE endpoint_secrets SET create_time = create_time - interval '1 day'")
        )
    async with world.engine.connect() as connection:
        seen = {
            lane: target.endpoint for lane, target in (await endpoints.targets(connection, lanes)).items()
        }
        assert await endpoints.stale(connection, seen) == []
    as_tenant()
    request = wire.UpdateEndpointRequest(
        endpoint=endpoint_pb2.Endpoint(endpoint_id="changed", description="x")
    )
    request.update_mask.paths.append("description")
    await world.endpoints.UpdateEndpoint(request, None)
    await delete(world, "gone")
    async with world.engine.connect() as connection:
        assert set(await endpoints.stale(connection, seen)) == set(lanes[1:])
        again = await endpoints.targets(connection, lanes)
        present = {lane: again[lane].endpoint if lane in again else None for lane in lanes}
        assert await endpoints.stale(connection, present) == []


async def test_deleting_an_endpoint_ends_what_waits_for_it(database_url: str, receiver: Receiver) -> None:
    """Retries an hour away end as dead within seconds, and the messages wait in the inbox."""
    receiver.script = lambda _: Behaviour(status=500)
    async with running(database_url, **HOUR) as world:
        await world.endpoint(receiver.url())
        events = [world.event() for _ in range(5)]
        await world.accept(*events)
        await tried(world, 5)
        await delete(world)
        ended = await world.ended(5)
        assert {(one.state, one.cause, one.attempts) for one in ended} == {(State.STATE_DEAD, DISABLED, 1)}
        assert await in_the_inbox(world) == {event.event_id for event in events}
        assert not await world.rows("SELECT 1 FROM endpoint_secrets")
    assert receiver.count == 5


async def test_what_another_endpoint_received_does_not_go_to_the_inbox(
    database_url: str, receiver: Receiver
) -> None:
    """Of two endpoints one received the message: deleting the other ends its delivery, and that is all."""
    receiver.script = lambda got: Behaviour(status=500 if got.path == "/bad" else 200)
    async with running(database_url, **HOUR) as world:
        await world.endpoint(receiver.url("/good"), "good")
        await world.endpoint(receiver.url("/bad"))
        await world.accept(world.event())
        await tried(world)
        await delete(world)
        ended = await world.ended(2)
        assert {(one.endpoint_id, one.state) for one in ended} == {
            ("good", State.STATE_DELIVERED),
            ("hook", State.STATE_DEAD),
        }
        assert not await in_the_inbox(world)


async def test_disabling_an_endpoint_ends_what_waits_for_it(database_url: str, receiver: Receiver) -> None:
    """The same for a disabled one; a message accepted after it goes to the inbox at once."""
    receiver.script = lambda _: Behaviour(status=500)
    async with running(database_url, **HOUR) as world:
        await world.endpoint(receiver.url())
        before, after = world.event(), world.event()
        await world.accept(before)
        await tried(world)
        await disable(world)
        await world.accept(after)
        [ended] = await world.ended()
        assert (ended.event_id, ended.state, ended.cause) == (before.event_id, State.STATE_DEAD, DISABLED)
        assert await in_the_inbox(world) == {before.event_id, after.event_id}


async def test_what_waits_in_memory_of_a_busy_lane_ends_too(database_url: str, receiver: Receiver) -> None:
    """The only slot hangs: what waits behind it ends when the endpoint is deleted, not when the slot is free."""
    receiver.script = lambda _: Behaviour(delay_seconds=30)
    async with running(database_url, lane_concurrency=1) as world:
        await world.endpoint(receiver.url())
        await world.accept(*(world.event() for _ in range(5)))
        await receiver.wait_for(1)
        await delete(world)
        ended = await world.ended(4, states=[State.STATE_DEAD])
        assert {one.cause for one in ended} == {DISABLED}
        assert receiver.count == 1
        await receiver.stop()


async def test_a_receiver_that_asked_for_patience_does_not_delay_the_end(
    database_url: str, receiver: Receiver
) -> None:
    """A lane paused by Retry-After ends what waits for it as soon as the endpoint is disabled."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "120"})
    async with running(database_url) as world:
        await world.endpoint(receiver.url())
        await world.accept(world.event())
        await tried(world)
        await disable(world)
        [ended] = await world.ended()
        assert (ended.state, ended.cause) == (State.STATE_DEAD, DISABLED)


async def test_an_enabled_endpoint_gets_messages_again(world: World, receiver: Receiver) -> None:
    """Disabled and enabled again: what is accepted after it is delivered."""
    await world.endpoint(receiver.url())
    await disable(world)
    await world.endpoints.EnableEndpoint(wire.EnableEndpointRequest(endpoint_id="hook"), None)
    await world.accept(world.event())
    [ended] = await world.ended()
    assert ended.state == State.STATE_DELIVERED


async def test_410_records_why_the_endpoint_is_disabled(world: World, receiver: Receiver) -> None:
    """GONE, with a note and the time."""
    receiver.script = lambda _: Behaviour(status=410)
    await world.endpoint(receiver.url())
    await world.accept(world.event())
    await world.ended()
    found = await world.until(lambda: disabled(world))
    assert found.disable_reason == endpoint_pb2.Endpoint.DISABLE_REASON_GONE
    assert found.disable_note == "the receiver answered 410 Gone"
    assert found.HasField("disable_time")


async def disabled(world: World) -> endpoint_pb2.Endpoint | None:
    """Return the endpoint `hook` as soon as it is disabled."""
    as_tenant()
    found = (await world.endpoints.GetEndpoint(wire.GetEndpointRequest(endpoint_id="hook"), None)).endpoint
    return found if found.state == endpoint_pb2.Endpoint.STATE_DISABLED else None


async def test_410_of_the_url_before_does_not_disable_the_present_one(
    database_url: str, receiver: Receiver
) -> None:
    """The old receiver says GONE after the endpoint has moved: that is not about the new one."""
    receiver.script = lambda got: Behaviour(
        status=410 if got.path == "/old" else 200, delay_seconds=1.5 if got.path == "/old" else 0
    )
    async with running(database_url) as world:
        await world.endpoint(receiver.url("/old"))
        await world.accept(world.event())
        await receiver.wait_for(1)
        await update(world, "url", url=receiver.url("/new"))
        await world.ended(1)
        await world.accept(world.event())
        await world.ended(1, states=[State.STATE_DELIVERED])
        assert await disabled(world) is None


async def test_keep_on_gone_keeps_the_endpoint(world: World, receiver: Receiver) -> None:
    """With the policy 410 ends the delivery only; the next message is sent."""
    receiver.script = lambda _: Behaviour(status=410)
    await world.endpoint(receiver.url())
    await update(world, "retry_policy", retry_policy=endpoint_pb2.RetryPolicy(keep_on_gone=True))
    await world.accept(world.event())
    await world.ended(1)
    await world.accept(world.event())
    ended = await world.ended(2)
    assert {(one.state, one.attempts) for one in ended} == {(State.STATE_DEAD, 1)}
    assert await disabled(world) is None
