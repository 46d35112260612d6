"""Planned events changed by hand: skipped, or moved to another moment."""

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.user.v1 import preferences_pb2

from chassis.wire import instant, timestamp
from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.conftest import KEY, OTHER_KEY, Replica, World, until, utc
from tests.integration.scheduler_service.event_calls import (
    PLANNED,
    SENT,
    SUPPRESSED,
    asked,
    created,
    local,
    planned_event,
    shown,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")
DUE = utc("2028-06-01T13:00:00+00:00")  # 09:00 in New York


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with a birthday in three hours."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "America/New_York", month=6, day=1, enrolled=START)
    started = await world.start(START)
    await world.planned("u1")
    return started


async def skipped(replica: Replica, name: str) -> event_pb2.Event:
    """Skip an event."""
    return (await replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY)).event


async def rescheduled(replica: Replica, name: str, **due: object) -> event_pb2.Event:
    """Reschedule an event."""
    request = pb.RescheduleEventRequest(event_id=name, **due)
    return (await replica.events.RescheduleEvent(request, metadata=KEY)).event


async def test_skipping_ends_the_cycle_and_opens_the_next(world: World, replica: Replica) -> None:
    """It ends as SUPPRESSED(SKIPPED) with what it was planned as; next year's is planned; nothing is sent."""
    before = await planned_event(replica, "u1")
    event = await skipped(replica, before.event_id)
    assert (event.state, event.reason) == (SUPPRESSED, event_pb2.EVENT_REASON_SKIPPED)
    assert (event.event_id, event.due_time, event.cycle) == (before.event_id, before.due_time, "2028")
    assert event.occurrence_date == before.occurrence_date
    assert (event.decision.time_zone, event.decision.utc_offset) == ("America/New_York", "-04:00")
    assert START <= instant(event.decide_time) < START.add(seconds=60)
    following = await planned_event(replica, "u1")
    assert (following.cycle, following.occurrence_date) == ("2029", Date(year=2029, month=6, day=1))
    assert not world.intake.accepted


async def test_skipping_an_event_of_ones_own(world: World, replica: Replica) -> None:
    """It ends the same way, with its words, and nothing follows."""
    own = await created(replica, asked("a", due_time=timestamp(DUE), metadata={"k": "v"}))
    event = await skipped(replica, own.event.event_id)
    assert (event.state, dict(event.metadata)) == (SUPPRESSED, {"k": "v"})
    assert event.create_time == own.event.create_time
    assert [row["cycle"] for row in await world.rows("SELECT cycle FROM plans WHERE instance = 'a'")] == [
        None
    ]
    assert (await planned_event(replica, "u1")).cycle == "2028"


async def test_a_decided_event_is_neither_skipped_nor_rescheduled(world: World, replica: Replica) -> None:
    """Sent or skipped before: FAILED_PRECONDITION with reason ALREADY_DECIDED and the state it has."""
    sent = (await created(replica, asked("a"))).event.event_id
    await until(lambda: sent in world.intake.accepted)
    over = (await planned_event(replica, "u1")).event_id
    await skipped(replica, over)
    for name, state in ((sent, "SENT"), (over, "SUPPRESSED(SKIPPED)")):
        for call in (skipped(replica, name), rescheduled(replica, name, due_time=timestamp(DUE))):
            wrong = await refusal(call)
            assert (wrong.code, wrong.reason) == (
                grpc.StatusCode.FAILED_PRECONDITION,
                "ALREADY_DECIDED",
            )
            assert state in wrong.message


async def test_events_that_are_not_there(replica: Replica) -> None:
    """An unknown id, another cycle of a plan, another tenant's event: NOT_FOUND; no id at all: refused."""
    event = await planned_event(replica, "u1")
    other_cycle = event.event_id.replace("_2028", "_2031")
    for name in (event_id(b"\x00" * 16, "2028"), other_cycle):
        for call in (skipped(replica, name), rescheduled(replica, name, due_time=timestamp(DUE))):
            assert (await refusal(call)).code is grpc.StatusCode.NOT_FOUND
    theirs = replica.events.SkipEvent(pb.SkipEventRequest(event_id=event.event_id), metadata=OTHER_KEY)
    assert (await refusal(theirs)).code is grpc.StatusCode.NOT_FOUND
    wrong = await refusal(skipped(replica, "evt_1"))
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (await planned_event(replica, "u1")) == event


async def test_rescheduling_to_an_instant(replica: Replica) -> None:
    """The same event is due then and can be delivered until that local day ends; its nominal time stays."""
    before = await planned_event(replica, "u1")
    event = await rescheduled(replica, before.event_id, due_time=timestamp(DUE.add(hours=48)))
    assert (event.event_id, event.state, event.cycle) == (before.event_id, PLANNED, "2028")
    assert instant(event.due_time) == DUE.add(hours=48)
    assert instant(event.deliver_by) == utc("2028-06-04T04:00:00+00:00")
    assert (event.nominal_due_time, event.occurrence_date) == (
        before.nominal_due_time,
        before.occurrence_date,
    )
    assert await shown(replica, event.event_id) == event


async def test_rescheduling_into_the_past_is_now(world: World, replica: Replica) -> None:
    """The event leaves at once, on time, and next year's goes by the rule again."""
    name = (await planned_event(replica, "u1")).event_id
    await rescheduled(replica, name, due_time=timestamp(START.subtract(hours=24)))
    await until(lambda: name in world.intake.accepted)
    event = await shown(replica, name)
    assert (event.state, event.late) == (SENT, False)
    assert instant(event.due_time) >= START
    following = await planned_event(replica, "u1")
    assert instant(following.due_time) == utc("2029-06-01T13:00:00+00:00")


async def test_rescheduling_to_a_local_time_as_of_now(world: World, replica: Replica) -> None:
    """18:00 in New York; a later move of the user does not move it."""
    before = await planned_event(replica, "u1")
    event = await rescheduled(replica, before.event_id, local_time=local(2028, 6, 2, 18))
    assert instant(event.due_time) == utc("2028-06-02T22:00:00+00:00")
    version = world.feed.put_user("u1", "Asia/Tokyo", month=6, day=1, enrolled=START)
    await world.planned("u1", version=version)
    assert (await shown(replica, event.event_id)).due_time == event.due_time


async def test_what_was_chosen_by_hand_stands_above_quiet_hours(world: World, replica: Replica) -> None:
    """The person rests from 05:00 to 23:00 of their day, and the event leaves in it when told to."""
    quiet = preferences_pb2.QuietHours(start={"hours": 5}, end={"hours": 23})
    version = world.feed.put_user(
        "u1",
        "America/New_York",
        month=6,
        day=1,
        enrolled=START,
        preferences=preferences_pb2.Preferences(quiet_hours=quiet),
    )
    await world.planned("u1", version=version)
    name = (await planned_event(replica, "u1")).event_id
    await rescheduled(replica, name, due_time=timestamp(START))
    await until(lambda: name in world.intake.accepted)


async def test_rescheduling_an_event_of_ones_own(world: World, replica: Replica) -> None:
    """It keeps its id and its words and leaves at the new moment."""
    own = await created(replica, asked("a", due_time=timestamp(DUE), metadata={"k": "v"}))
    await rescheduled(replica, own.event.event_id, due_time=timestamp(START))
    await until(lambda: own.event.event_id in world.intake.accepted)
    assert dict((await shown(replica, own.event.event_id)).metadata) == {"k": "v"}


@pytest.mark.parametrize(
    ("due", "field"),
    [
        ({}, "due"),
        ({"due_time": timestamp(START.add(hours=24 * 3661))}, "due_time"),
        ({"due_time": Timestamp(seconds=10**15)}, "due_time"),
        ({"local_time": local(2029, 2, 29)}, "local_time.date"),
        ({"local_time": local(2029, 2, 28, 24)}, "local_time.time"),
        ({"local_time": local(2050, 1, 1)}, "local_time"),
        ({"local_time": local(2020, 3, 28)}, "local_time"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_moments_that_cannot_be(replica: Replica, due: dict[str, object], field: str) -> None:
    """Each is refused at its field and the event stays as it is."""
    event = await planned_event(replica, "u1")
    wrong = await refusal(rescheduled(replica, event.event_id, **due))
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in wrong.fields
    assert await planned_event(replica, "u1") == event
