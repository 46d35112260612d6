"""Deliberately again: one ended event by its id."""

import grpc
import pytest
from redletter.common.v1 import priority_pb2
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as type_pb

from chassis.wire import timestamp
from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.conftest import KEY, OTHER_KEY, Replica, World, until, utc
from tests.integration.scheduler_service.event_calls import (
    SENT,
    SUPPRESSED,
    asked,
    created,
    planned_event,
    shown,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with somebody born in 1990 whose birthday is later today."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "America/New_York", year=1990, month=6, day=1, enrolled=START)
    started = await world.start(START)
    await world.planned("u1")
    return started


async def reissued(replica: Replica, name: str, **fields: object) -> event_pb2.Event:
    """Issue an event again."""
    request = pb.ReissueEventRequest(**{"event_id": name, "reason": "lost in the post", **fields})
    return (await replica.events.ReissueEvent(request, metadata=KEY)).event


async def test_a_rules_event(world: World, replica: Replica) -> None:
    """A skipped birthday comes as a new event, linked, with a reason, due now, with the words of its cycle."""
    original = (await planned_event(replica, "u1")).event_id
    await replica.events.SkipEvent(pb.SkipEventRequest(event_id=original), metadata=KEY)
    event = await reissued(replica, original)
    assert event.event_id != original
    assert (event.reissue_of, event.reissue_reason) == (original, "lost in the post")
    assert (event.cycle, event.occasion_id) == ("once", "birthday")
    await until(lambda: event.event_id in world.intake.accepted)
    body = world.body_of("u1")["data"]
    assert (body["turns"], body["reissue_of"]) == (38, original)
    assert (await shown(replica, original)).state == SUPPRESSED
    assert (await planned_event(replica, "u1")).cycle == "2029"


async def test_an_event_of_ones_own(world: World, replica: Replica) -> None:
    """Its metadata and its own window and priority are those of the original; a second time links to the first."""
    own = await created(replica, asked("a", metadata={"order": "7"}, priority=priority_pb2.PRIORITY_HIGH))
    await until(lambda: own.event.event_id in world.intake.accepted)
    event = await reissued(replica, own.event.event_id)
    assert (dict(event.metadata), event.reissue_of) == ({"order": "7"}, own.event.event_id)
    await until(lambda: event.event_id in world.intake.accepted)
    again = await reissued(replica, event.event_id)
    assert (again.reissue_of, dict(again.metadata)) == (event.event_id, {"order": "7"})
    requests = await world.rows(
        "SELECT DISTINCT request ->> 'priority' FROM events WHERE request IS NOT NULL"
    )
    assert [row[0] for row in requests] == ["3"]


async def test_every_call_makes_an_event_unless_it_has_an_id(world: World, replica: Replica) -> None:
    """Without instance two calls are two events, with one they are one, and another body is refused."""
    name = (await created(replica, asked("a"))).event.event_id
    await until(lambda: name in world.intake.accepted)
    first, second = await reissued(replica, name), await reissued(replica, name)
    assert first.event_id != second.event_id
    assert first.instance.startswith("reissue-")
    mine = await reissued(replica, name, instance="mine")
    assert (await reissued(replica, name, instance="mine")).event_id == mine.event_id
    wrong = await refusal(reissued(replica, name, instance="mine", reason="another"))
    assert wrong.reason == "ALREADY_EXISTS_DIFFERENT"
    await until(lambda: len(world.intake.accepted) == 4)


async def test_a_planned_event_is_not_issued_again(replica: Replica) -> None:
    """It is FAILED_PRECONDITION with reason ILLEGAL_STATE and says until when it is planned."""
    wrong = await refusal(reissued(replica, (await planned_event(replica, "u1")).event_id))
    assert (wrong.code, wrong.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_STATE")
    assert "2028-06-01T13:00:00Z" in wrong.message


async def test_what_is_not_there(world: World, replica: Replica) -> None:
    """An unknown event, another tenant's, one of a deleted rule or user: NOT_FOUND."""
    unknown = event_id(b"\x00" * 16, "2028")
    assert (await refusal(reissued(replica, unknown))).code is grpc.StatusCode.NOT_FOUND
    name = (await created(replica, asked("a"))).event.event_id
    await until(lambda: name in world.intake.accepted)
    request = pb.ReissueEventRequest(event_id=name, reason="r")
    theirs = replica.events.ReissueEvent(request, metadata=OTHER_KEY)
    assert (await refusal(theirs)).code is grpc.StatusCode.NOT_FOUND
    deletion = type_pb.DeleteEventTypeRequest(event_type_id="birthday")
    await replica.event_types.DeleteEventType(deletion, metadata=KEY)
    wrong = await refusal(reissued(replica, name))
    assert (wrong.code, "deleted" in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)
    world.feed.delete_user("u1")
    await world.drained()
    wrong = await refusal(reissued(replica, name))
    assert (wrong.code, '"u1"' in wrong.message) == (grpc.StatusCode.NOT_FOUND, True)


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\x00b"])
async def test_a_reason_is_needed(world: World, replica: Replica, reason: str) -> None:
    """None, one too long and one that cannot be kept are refused at the field."""
    name = (await created(replica, asked("a", due_time=timestamp(START)))).event.event_id
    await until(lambda: name in world.intake.accepted)
    wrong = await refusal(reissued(replica, name, reason=reason))
    assert "reason" in wrong.fields
    assert (await shown(replica, name)).state == SENT
