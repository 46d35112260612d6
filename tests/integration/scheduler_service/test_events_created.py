"""Events of the caller's own: now, at an instant, at a local time; once per caller's id."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from redletter.common.v1 import priority_pb2
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as type_pb

from chassis.wire import instant, timestamp
from tests.integration.scheduler_service.conftest import KEY, OTHER_KEY, Replica, World, until, utc
from tests.integration.scheduler_service.event_calls import (
    CANCELLED,
    PLANNED,
    SENT,
    asked,
    created,
    local,
    refused,
    shown,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler that knows one person, in New York."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "America/New_York", month=12, day=24, enrolled=START)
    started = await world.start(START)
    await world.planned("u1")
    return started


async def test_without_a_time_it_leaves_at_once(world: World, replica: Replica) -> None:
    """It is due now, its message is on the road within a second, and it ends under the id of the answer."""
    began = time.monotonic()
    answer = await created(replica, asked("order-1", metadata={"order": "7"}))
    assert answer.created
    await until(lambda: answer.event.event_id in world.intake.accepted, within=2)
    assert time.monotonic() - began < 1
    event = await shown(replica, answer.event.event_id)
    assert (event.state, event.user_id, event.event_type_id) == (SENT, "u1", "birthday")
    assert (event.instance, event.cycle, event.occasion_id) == ("order-1", "once", "")
    assert dict(event.metadata) == {"order": "7"}
    assert event.create_time == event.due_time == event.nominal_due_time
    assert abs((instant(event.due_time) - replica.clock.now()).total("seconds")) < 5
    assert not event.late


async def test_at_an_instant(world: World, replica: Replica) -> None:
    """It is planned for exactly then, ends with the event type's window, and does not leave before."""
    due = START.add(hours=2)
    answer = await created(replica, asked("order-1", due_time=timestamp(due)))
    event = answer.event
    assert (event.state, instant(event.due_time)) == (PLANNED, due)
    assert event.occurrence_date == Date(year=2028, month=6, day=1)
    assert instant(event.deliver_by) == utc("2028-06-02T04:00:00+00:00")  # midnight in New York
    assert not world.intake.accepted
    assert await shown(replica, event.event_id) == event


async def test_an_instant_in_the_past_is_now(world: World, replica: Replica) -> None:
    """What should have left yesterday leaves now and is not late."""
    answer = await created(replica, asked("order-1", due_time=timestamp(START.subtract(hours=24))))
    await until(lambda: answer.event.event_id in world.intake.accepted)
    event = await shown(replica, answer.event.event_id)
    assert instant(event.due_time) >= START
    assert not event.late


async def test_an_instant_finer_than_the_store_is_not_early(replica: Replica) -> None:
    """Nanoseconds are rounded up to the next microsecond."""
    due = timestamp(START.add(hours=1))
    due.nanos = 1
    event = (await created(replica, asked("order-1", due_time=due))).event
    assert (event.due_time.seconds, event.due_time.nanos) == (due.seconds, 1000)


async def test_at_a_local_time_in_the_zone_where_the_user_is_by_then(world: World, replica: Replica) -> None:
    """09:30 on the wall in New York; after a move to Tokyo it is 09:30 there, under the same id."""
    answer = await created(replica, asked("order-1", local_time=local(2028, 7, 4, 9, 30)))
    assert instant(answer.event.due_time) == utc("2028-07-04T13:30:00+00:00")
    assert answer.event.occurrence_date == Date(year=2028, month=7, day=4)
    version = world.feed.put_user("u1", "Asia/Tokyo", month=12, day=24, enrolled=START)
    await world.planned("u1", version=version)
    moved = await shown(replica, answer.event.event_id)
    assert instant(moved.due_time) == utc("2028-07-04T00:30:00+00:00")
    assert moved.create_time == answer.event.create_time


async def test_a_local_time_that_does_not_exist_follows_the_rules_policy(replica: Replica) -> None:
    """02:30 of the night in which New York's clocks go forward is 03:30, marked as such."""
    answer = await created(replica, asked("order-1", local_time=local(2029, 3, 11, 2, 30)))
    assert instant(answer.event.due_time) == utc("2029-03-11T07:30:00+00:00")


async def test_window_and_priority_of_the_callers_own(world: World, replica: Replica) -> None:
    """`deliver_within` and `priority` replace those of the event type, planned and decided."""
    own = {"deliver_within": Duration(seconds=90), "priority": priority_pb2.PRIORITY_HIGH}
    later = await created(replica, asked("later", due_time=timestamp(START.add(hours=1)), **own))
    assert instant(later.event.deliver_by) == instant(later.event.due_time).add(seconds=90)
    assert later.event.priority == priority_pb2.PRIORITY_HIGH
    now = await created(replica, asked("now", **own))
    await until(lambda: now.event.event_id in world.intake.accepted)
    event = await shown(replica, now.event.event_id)
    assert event.priority == priority_pb2.PRIORITY_HIGH
    assert event.deliver_by.seconds - event.due_time.seconds in (90, 91)
    usual = await created(replica, asked("usual", due_time=timestamp(START.add(hours=1))))
    assert usual.event.priority == priority_pb2.PRIORITY_NORMAL


async def test_the_same_call_again_is_the_same_event(world: World, replica: Replica) -> None:
    """Whether it is still planned or has been sent: the same event, not created again, in its present state."""
    later = asked("later", due_time=timestamp(START.add(hours=1)), metadata={"b": "1", "a": "2"})
    first = await created(replica, later)
    again = await created(replica, asked("later", due_time=later.due_time, metadata={"a": "2", "b": "1"}))
    assert (first.created, again.created) == (True, False)
    assert again.event == first.event
    now = await created(replica, asked("now"))
    await until(lambda: now.event.event_id in world.intake.accepted)
    again = await created(replica, asked("now"))
    assert (again.created, again.event.event_id, again.event.state) == (False, now.event.event_id, SENT)
    assert len(world.intake.accepted) == 1
    # At an instant that is over by now it would be refused if it were new.
    await world.rows("UPDATE event_requests SET create_time = 'epoch'")
    assert not (await created(replica, later)).created


async def test_twenty_callers_at_once_make_one_event(world: World, replica: Replica) -> None:
    """Of simultaneous calls with the same body one creates it, all answer it."""
    request = asked("order-1", due_time=timestamp(START.add(hours=1)))
    answers = await asyncio.gather(*(created(replica, request) for _ in range(20)))
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.event.event_id for answer in answers}) == 1
    assert len(await world.rows("SELECT 1 FROM plans WHERE instance = 'order-1'")) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"metadata": {"order": "8"}},
        {"due_time": timestamp(START.add(hours=2))},
        {"priority": priority_pb2.PRIORITY_HIGH},
        {"event_type_id": "anniversary"},
        {"user_id": "u2"},
    ],
    ids=str,
)
async def test_another_body_under_the_same_id(
    world: World, replica: Replica, other: dict[str, object]
) -> None:
    """It is refused, names the event that has the id, and changes nothing."""
    world.feed.put_user("u2", "UTC", month=12, day=24, enrolled=START)
    await world.planned("u2")
    first = await created(replica, asked("order-1", due_time=timestamp(START.add(hours=1))))
    wrong = await refused(replica, asked("order-1", **other))
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS_DIFFERENT")
    assert first.event.event_id in wrong.message
    assert await shown(replica, first.event.event_id) == first.event


async def test_a_user_written_just_now_is_waited_for(world: World, replica: Replica) -> None:
    """A call that comes before the feed has brought its user is answered once it has."""
    call = asyncio.create_task(created(replica, asked("order-1", "new")))
    await world.rows("SELECT 1")
    world.feed.put_user("new", "UTC", month=12, day=24, enrolled=START)
    assert (await call).event.user_id == "new"


async def test_an_unknown_user(replica: Replica) -> None:
    """After two seconds the answer is NOT_FOUND and names the user; the id stays free."""
    began = time.monotonic()
    wrong = await refused(replica, asked("order-1", "nobody"))
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert '"nobody"' in wrong.message
    assert 2 <= time.monotonic() - began < 4
    assert (await created(replica, asked("order-1"))).created


async def test_an_event_type_that_is_not_there(replica: Replica) -> None:
    """Unknown and deleted ones are NOT_FOUND by name; a paused one is not refused."""
    wrong = await refused(replica, asked("order-1", event_type_id="nothing"))
    assert (wrong.code, wrong.message) == (
        grpc.StatusCode.NOT_FOUND,
        'there is no event type "nothing"',
    )
    await replica.event_types.DeleteEventType(
        type_pb.DeleteEventTypeRequest(event_type_id="anniversary"), metadata=KEY
    )
    wrong = await refused(replica, asked("order-1", event_type_id="anniversary"))
    assert wrong.code is grpc.StatusCode.NOT_FOUND
    assert "deleted" in wrong.message
    paused = asked("order-1", event_type_id="reminder", due_time=timestamp(START.add(hours=1)))
    assert (await created(replica, paused)).created


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"metadata": {f"k{n}": "x" * 480 for n in range(18)}}, "metadata", "TOO_LARGE"),
        ({"metadata": {"k": "a\x00b"}}, "metadata", "INVALID_FIELD"),
        ({"metadata": {"k": "x" * 501}}, "metadata", "INVALID_FIELD"),
        ({"metadata": {str(n): "" for n in range(51)}}, "metadata", "INVALID_FIELD"),
        ({"due_time": timestamp(START.add(hours=24 * 3661))}, "due_time", "INVALID_FIELD"),
        ({"due_time": Timestamp(seconds=10**15)}, "due_time", "INVALID_FIELD"),
        ({"local_time": local(2039, 1, 1)}, "local_time", "INVALID_FIELD"),
        ({"local_time": local(2028, 5, 31, 23)}, "local_time", "INVALID_FIELD"),
        ({"local_time": local(2029, 2, 29)}, "local_time.date", "NO_SUCH_DATE"),
        ({"local_time": pb.LocalMoment(date=Date(month=2, day=1))}, "local_time.date", "NO_SUCH_DATE"),
        ({"local_time": pb.LocalMoment()}, "local_time.date", "INVALID_FIELD"),
        ({"local_time": local(2029, 2, 28, 24)}, "local_time.time", "INVALID_FIELD"),
        ({"deliver_within": Duration()}, "deliver_within", "INVALID_FIELD"),
        ({"deliver_within": Duration(seconds=2592001)}, "deliver_within", "INVALID_FIELD"),
        ({"priority": 7}, "priority", "INVALID_FIELD"),
        ({"instance": ""}, "instance", "INVALID_FIELD"),
        ({"instance": "a\x07"}, "instance", "INVALID_FIELD"),
        ({"instance": "x" * 129}, "instance", "INVALID_FIELD"),
        ({"user_id": ""}, "user_id", "INVALID_FIELD"),
        ({"event_type_id": "No"}, "event_type_id", "INVALID_FIELD"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_wrong_input(replica: Replica, wrong: dict[str, object], field: str, reason: str) -> None:
    """Each is refused at its field with a sentence, and nothing is made."""
    request = asked("order-1")
    request.MergeFrom(pb.CreateEventRequest(**{k: v for k, v in wrong.items() if v != ""}))
    for name in [name for name, value in wrong.items() if value == ""]:
        request.ClearField(name)
    answer = await refused(replica, request)
    assert (answer.code, answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert any(name.startswith(field) for name in answer.fields), answer.fields
    assert (await created(replica, asked("order-1", due_time=timestamp(START.add(hours=1))))).created


async def test_a_local_time_that_is_over_but_can_still_be_delivered(world: World, replica: Replica) -> None:
    """Eight hours ago on the wall, the local day not over: it leaves now, marked late."""
    answer = await created(replica, asked("order-1", local_time=local(2028, 6, 1, 1)))
    await until(lambda: answer.event.event_id in world.intake.accepted)
    assert (await shown(replica, answer.event.event_id)).late


async def test_nobody_elses_events_and_ids(replica: Replica) -> None:
    """Another tenant does not see the event and has the same ids free for itself."""
    answer = await created(replica, asked("order-1", due_time=timestamp(START.add(hours=1))))
    theirs = replica.events.GetEvent(pb.GetEventRequest(event_id=answer.event.event_id), metadata=OTHER_KEY)
    assert (await refusal(theirs)).code is grpc.StatusCode.NOT_FOUND
    other = replica.events.CreateEvent(asked("order-1"), metadata=OTHER_KEY)
    assert (await refusal(other)).code is grpc.StatusCode.NOT_FOUND


async def test_the_event_of_a_deleted_user(world: World, replica: Replica) -> None:
    """A planned event ends with its user; the same call again answers it at once instead of making another one."""
    request = asked("order-1", due_time=timestamp(START.add(hours=1)))
    answer = await created(replica, request)
    world.feed.delete_user("u1")
    await world.drained()
    again = await created(replica, request)
    assert (again.created, again.event.event_id) == (False, answer.event.event_id)
    assert (again.event.state, again.event.reason) == (CANCELLED, event_pb2.EVENT_REASON_USER_DELETED)
    assert (await refused(replica, asked("order-2"))).code is grpc.StatusCode.NOT_FOUND
