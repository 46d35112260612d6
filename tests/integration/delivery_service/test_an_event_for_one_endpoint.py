"""AcceptedEvent.endpoint_id: "send me this now" to one endpoint."""

import asyncio

from redletter.delivery.v1 import delivery_pb2, intake_service_pb2
from sqlalchemy import text

from tests.integration.delivery_service.conftest import World
from tests.receiver import Receiver

State = delivery_pb2.Delivery


async def offered(
    world: World, *events: intake_service_pb2.AcceptedEvent
) -> list[intake_service_pb2.AcceptResult]:
    """Offer events; return the answers."""
    request = intake_service_pb2.AcceptEventsRequest(handover_id="h1", events=events)
    return list((await world.intake.AcceptEvents(request, None)).results)


async def test_only_the_named_endpoint_gets_the_event(world: World, receiver: Receiver) -> None:
    """Beside it in the same call, events without a name go to every enabled endpoint."""
    await world.endpoint(receiver.url("/a"), "a")
    await world.endpoint(receiver.url("/b"), "b")
    aimed, ordinary = world.event(endpoint_id="b"), world.event()
    assert await world.accept(aimed, ordinary) == ["ACCEPTED", "ACCEPTED"]
    await receiver.wait_for(3)
    assert sorted((got.webhook_id, got.path) for got in receiver.received) == sorted(
        [(aimed.event_id, "/b"), (ordinary.event_id, "/a"), (ordinary.event_id, "/b")]
    )


async def test_what_is_for_an_unknown_endpoint_waits_in_the_inbox(world: World, receiver: Receiver) -> None:
    """Another tenant's endpoint is as unknown as one that nobody has; only what is no id is refused."""
    await world.endpoint(receiver.url("/own"), "own")
    await world.endpoint(receiver.url("/theirs"), "theirs", tenant="other")
    own, theirs, odd = (world.event(endpoint_id=name) for name in ("own", "theirs", "No Name"))
    answers = await offered(world, own, theirs, odd, world.event(), theirs)
    result = intake_service_pb2.AcceptResult
    assert [answer.result for answer in answers] == [
        result.RESULT_ACCEPTED,
        result.RESULT_ACCEPTED,
        result.RESULT_REFUSED,
        result.RESULT_ACCEPTED,
        result.RESULT_KNOWN,
    ]
    assert answers[2].reason == '"No Name" is not an endpoint id'
    waiting = await world.rows("SELECT event_id FROM queue WHERE endpoint_id = 'inbox'")
    assert [row.event_id for row in waiting] == [theirs.event_id]


async def test_an_accepted_event_stays_known_when_its_endpoint_is_gone(
    world: World, receiver: Receiver
) -> None:
    """A second offer is KNOWN, whatever happened to the endpoint since."""
    await world.endpoint(receiver.url(), "gone")
    event = world.event(endpoint_id="gone")
    assert await world.accept(event) == ["ACCEPTED"]
    await world.ended()
    async with world.engine.begin() as connection:
        await connection.execute(text("DELETE FROM endpoints"))
    assert await world.accept(event, world.event(endpoint_id="gone")) == ["KNOWN", "ACCEPTED"]


async def test_an_endpoint_that_is_being_deleted_is_waited_for(world: World, receiver: Receiver) -> None:
    """The event waits in the inbox once the deletion is certain, instead of having a delivery to nobody."""
    await world.endpoint(receiver.url(), "going")

    async def waiting() -> bool:
        query = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await world.rows(query))

    async with world.engine.begin() as connection:
        await connection.execute(text("DELETE FROM endpoints"))
        answer = asyncio.ensure_future(world.accept(world.event(endpoint_id="going")))
        await world.until(waiting)
    assert await answer == ["ACCEPTED"]
    assert [row.endpoint_id for row in await world.rows("SELECT endpoint_id FROM queue")] == ["inbox"]


async def test_a_disabled_endpoint_ends_the_delivery_and_the_inbox_keeps_the_message(world: World) -> None:
    """DEAD by ENDPOINT_DISABLED without an attempt, then unclaimed in the inbox."""
    await world.endpoint("http://127.0.0.1:9/", "off")
    async with world.engine.begin() as connection:
        await connection.execute(text("UPDATE endpoints SET state = 2"))
    assert await world.accept(world.event(endpoint_id="off")) == ["ACCEPTED"]
    [delivery] = await world.ended()
    assert (delivery.endpoint_id, delivery.state, delivery.cause, delivery.attempts) == (
        "off",
        State.STATE_DEAD,
        delivery_pb2.DELIVERY_CAUSE_ENDPOINT_DISABLED,
        0,
    )
    assert [row.endpoint_id for row in await world.rows("SELECT endpoint_id FROM queue")] == ["inbox"]


async def test_the_inbox_may_be_the_one_endpoint(world: World, receiver: Receiver) -> None:
    """The message waits there although the tenant has an endpoint."""
    await world.endpoint(receiver.url())
    assert await world.accept(world.event(endpoint_id="inbox")) == ["ACCEPTED"]
    assert [row.endpoint_id for row in await world.rows("SELECT endpoint_id FROM queue")] == ["inbox"]
    assert receiver.count == 0


async def test_a_stop_overtakes_an_event_for_one_endpoint(world: World, receiver: Receiver) -> None:
    """It is STOPPED, with one CANCELLED delivery to that endpoint."""
    await world.endpoint(receiver.url("/a"), "a")
    await world.endpoint(receiver.url("/b"), "b")
    event = world.event(endpoint_id="b")
    request = intake_service_pb2.CancelEventsRequest(tenant_id=event.tenant_id)
    request.events.event_ids.append(event.event_id)
    request.decided_before.FromDatetime(world.clock.now().add(seconds=1).to_stdlib())
    await world.intake.CancelEvents(request, None)
    assert await world.accept(event) == ["STOPPED"]
    [delivery] = await world.listed()
    assert (delivery.endpoint_id, delivery.state) == ("b", State.STATE_CANCELLED)
