"""A rule's message now: by itself, or instead of the open cycle."""

import grpc
import pytest
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as type_pb

from chassis.wire import instant
from tests.integration.scheduler_service.conftest import KEY, Replica, World, eventually, until, utc
from tests.integration.scheduler_service.event_calls import SENT, planned_event, shown
from tests.integration.scheduler_service.refusals import Refusal, refusal

START = utc("2028-06-01T10:00:00+00:00")


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with a birthday in December and an anniversary in March."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", year=1990, month=12, day=24, enrolled=START)
    world.feed.put_user("u2", "UTC", year=2000, month=3, day=2, enrolled=START, kind="anniversary")
    started = await world.start(START)
    await world.planned("u1")
    await world.planned("u2", "anniversary")
    return started


async def triggered(replica: Replica, user_id: str = "u1", **fields: object) -> event_pb2.Event:
    """Trigger a rule for somebody."""
    request = pb.TriggerEventRequest(**{"user_id": user_id, "event_type_id": "birthday", **fields})
    return (await replica.events.TriggerEvent(request, metadata=KEY)).event


async def refused(replica: Replica, user_id: str = "u1", **fields: object) -> Refusal:
    """Return how a trigger is refused."""
    return await refusal(triggered(replica, user_id, **fields))


async def test_by_itself_it_consumes_no_cycle(world: World, replica: Replica) -> None:
    """It leaves at once as an event of its own, about the open cycle; that one stays planned as it was."""
    before = await planned_event(replica, "u1")
    event = await triggered(replica)
    assert (event.cycle, event.occasion_id) == ("once", "birthday")
    assert event.instance.startswith("trigger-")
    await until(lambda: event.event_id in world.intake.accepted)
    assert (await shown(replica, event.event_id)).state == SENT
    assert await planned_event(replica, "u1") == before
    assert world.body_of("u1")["data"]["turns"] == 38
    [request] = await world.rows("SELECT request ->> 'cycle' AS cycle FROM events")
    assert request["cycle"] == "2028"


async def test_every_call_makes_an_event_unless_it_has_an_id(world: World, replica: Replica) -> None:
    """Without instance two calls are two events, with one they are one."""
    assert (await triggered(replica)).event_id != (await triggered(replica)).event_id
    first = await triggered(replica, instance="mine")
    assert first.instance == "mine"
    assert (await triggered(replica, instance="mine")).event_id == first.event_id
    wrong = await refused(replica, "u2", event_type_id="anniversary", instance="mine")
    assert wrong.reason == "ALREADY_EXISTS_DIFFERENT"
    await until(lambda: len(world.intake.accepted) == 3)


async def test_with_consume_the_open_cycle_leaves_now(world: World, replica: Replica) -> None:
    """The event of the cycle itself is sent, on its nominal date, and the next cycle is planned."""
    before = await planned_event(replica, "u1")
    event = await triggered(replica, consume=True)
    assert (event.event_id, event.cycle, event.instance) == (before.event_id, "2028", "")
    await until(lambda: event.event_id in world.intake.accepted)
    sent = await shown(replica, event.event_id)
    assert sent.state == SENT
    assert sent.occurrence_date == before.occurrence_date
    assert sent.nominal_due_time == before.nominal_due_time
    assert instant(sent.due_time) < START.add(seconds=60)
    assert sent.decision.shifts == [event_pb2.SHIFT_OVERRIDE]
    following = await planned_event(replica, "u1")
    assert following.cycle == "2029"
    assert instant(following.due_time) == utc("2029-12-24T09:00:00+00:00")


async def test_consume_is_repeatable_by_its_id(world: World, replica: Replica) -> None:
    """The same call again answers the cycle that it has used up and leaves the next one alone."""
    event = await triggered(replica, consume=True, instance="mine")
    await until(lambda: event.event_id in world.intake.accepted)
    again = await triggered(replica, consume=True, instance="mine")
    assert (again.event_id, again.state) == (event.event_id, SENT)
    assert (await planned_event(replica, "u1")).cycle == "2029"
    assert len(world.intake.accepted) == 1


async def test_nothing_to_consume(replica: Replica) -> None:
    """A rule that plans nothing has no open cycle: FAILED_PRECONDITION that says so."""
    request = type_pb.PauseEventTypeRequest(event_type_id="birthday")
    await replica.event_types.PauseEventType(request, metadata=KEY)

    async def closed() -> bool:
        found = await replica.events.ListEvents(pb.ListEventsRequest(user_id="u1"), metadata=KEY)
        return not found.events

    await eventually(closed)
    wrong = await refused(replica, consume=True)
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_STATE")
    assert "open cycle" in wrong.message


@pytest.mark.parametrize("consume", [False, True])
async def test_what_is_not_there(replica: Replica, consume: bool) -> None:
    """An unknown user, event type or occasion is NOT_FOUND and named."""
    wrong = await refused(replica, "nobody", consume=consume)
    assert (wrong.code, '"nobody"' in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)
    wrong = await refused(replica, event_type_id="nothing", consume=consume)
    assert (wrong.code, '"nothing"' in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)
    wrong = await refused(replica, occasion_id="wedding", consume=consume)
    assert (wrong.code, '"wedding"' in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)
    wrong = await refused(replica, "u2", consume=consume)
    assert (wrong.code, '"birthday"' in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)
    wrong = await refused(replica, "", consume=consume)
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
