"""Many events of the caller's own in one call: each is answered by itself, the good ones go in."""

import time

import grpc
import pytest
from google.rpc import code_pb2
from google.type.date_pb2 import Date
from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import KEY, Replica, World, until, utc
from tests.integration.scheduler_service.event_calls import SENT, asked, created, refused, shown
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler that knows ten people."""
    world.feed.put_tenant(START)
    for n in range(10):
        world.feed.put_user(f"u{n}", "UTC", month=12, day=24, enrolled=START)
    started = await world.start(START)
    await world.drained()
    return started


async def batched(replica: Replica, *events: pb.CreateEventRequest) -> pb.BatchCreateEventsResponse:
    """Make events."""
    return await replica.events.BatchCreateEvents(pb.BatchCreateEventsRequest(events=events), metadata=KEY)


async def test_each_item_is_answered_by_itself(world: World, replica: Replica) -> None:
    """Of a batch with every kind of wrong item the good ones are sent; a wrong one gets the single call's answer."""
    later = timestamp(START.add(hours=1))
    await created(replica, asked("taken", "u0", due_time=later))
    items = [
        asked("a", "u1", metadata={"n": "1"}),
        asked("b", "nobody"),
        asked("c", "u2", event_type_id="nothing"),
        asked("d", "u3", metadata={"k": "x" * 501}),
        asked("", "u4"),
        asked("taken", "u0", due_time=later),
        asked("taken", "u5"),
        asked("e", "u6", local_time=pb.LocalMoment(date=Date(year=2029, month=2, day=29))),
        asked("f", "u7"),
    ]
    answer = await batched(replica, *items)
    assert [result.index for result in answer.results] == list(range(len(items)))
    codes = [result.status.code for result in answer.results]
    assert [code_pb2.Code.Name(code) for code in codes] == [
        "OK",
        "NOT_FOUND",
        "NOT_FOUND",
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        "OK",
        "ALREADY_EXISTS",
        "INVALID_ARGUMENT",
        "OK",
    ]
    assert [bool(name) for name in answer.event_ids] == [code == 0 for code in codes]
    for index in (1, 2, 3, 4, 6, 7):
        single = await refused(replica, items[index])
        assert single.message == answer.results[index].status.message
    await until(lambda: {answer.event_ids[0], answer.event_ids[8]} <= set(world.intake.accepted))
    assert (await shown(replica, answer.event_ids[0])).metadata["n"] == "1"
    assert len(world.intake.accepted) == 2


async def test_the_same_batch_again(world: World, replica: Replica) -> None:
    """All are answered with the same events and nothing is sent twice."""
    items = [asked(f"order-{n}", f"u{n}") for n in range(10)]
    first = await batched(replica, *items)
    await until(lambda: len(world.intake.accepted) == 10)
    again = await batched(replica, *items)
    assert again.event_ids == first.event_ids
    assert all(result.status.code == 0 for result in again.results)
    assert {(await shown(replica, name)).state for name in first.event_ids} == {SENT}
    assert len(await world.rows("SELECT 1 FROM events")) == 10


async def test_one_id_twice_in_a_batch(replica: Replica) -> None:
    """With the same body it is one event, with another one the second is refused."""
    later = timestamp(START.add(hours=1))
    same, other = asked("a", "u1", due_time=later), asked("a", "u2", due_time=later)
    answer = await batched(replica, same, same, other)
    assert [result.status.code for result in answer.results] == [0, 0, code_pb2.ALREADY_EXISTS]
    assert answer.event_ids[0] == answer.event_ids[1] != ""
    assert answer.event_ids[2] == ""


async def test_unknown_users_are_waited_for_once(replica: Replica) -> None:
    """A hundred unknown users cost two seconds, not two hundred; each is named."""
    began = time.monotonic()
    answer = await batched(replica, *(asked(f"o{n}", f"nobody{n}") for n in range(100)), asked("good", "u1"))
    assert time.monotonic() - began < 4
    for n, result in enumerate(answer.results[:100]):
        assert result.status.code == code_pb2.NOT_FOUND
        assert f'"nobody{n}"' in result.status.message
    assert answer.results[100].status.code == 0


async def test_five_hundred_events_and_no_more(world: World, replica: Replica) -> None:
    """A full batch goes in; an empty one and one of 501 are refused whole."""
    later = timestamp(START.add(hours=1))
    items = [asked(f"order-{n}", f"u{n % 10}", due_time=later) for n in range(501)]
    answer = await batched(replica, *items[:500])
    assert all(result.status.code == 0 for result in answer.results)
    assert len(await world.rows("SELECT 1 FROM plans WHERE instance <> ''")) == 500
    for wrong in ([], items):
        refusal_ = await refusal(batched(replica, *wrong))
        assert refusal_.code is grpc.StatusCode.INVALID_ARGUMENT
        assert "events" in refusal_.fields
