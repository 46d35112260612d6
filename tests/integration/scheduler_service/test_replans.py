"""A rule's new timing reaches its people in the background: the nearest first, with progress to watch."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import operation_pb2
from redletter.common.v1 import operation_service_pb2 as operations_pb2
from redletter.common.v1 import operation_service_pb2_grpc as operations_grpc
from redletter.scheduler.v1 import event_type_pb2
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb2
from whenever import Instant

from scheduler_service.workers import replanner
from tests.integration.scheduler_service.conftest import KEY, Replica, World, eventually, utc

START = utc("2027-01-02T12:00:00+00:00")


async def test_the_nearest_are_planned_first_and_progress_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many people those who are due within two days, by the old or the new timing, come first."""

    monkeypatch.setattr(replanner, "PAGE", 2)
    world.feed.put_tenant(START)
    for number in range(12):
        world.feed.put_user(f"far-{number:02d}", "UTC", month=6, day=1 + number, enrolled=START)
    world.feed.put_user("zz-soon", "UTC", month=1, day=3, enrolled=START)
    world.feed.put_user("zz-soon-by-the-new-rule", "UTC", month=1, day=10, enrolled=START)
    replica = await world.start(START)
    await world.planned("far-11")
    await world.planned("zz-soon-by-the-new-rule")
    answer = await replica.event_types.UpdateEventType(
        service_pb2.UpdateEventTypeRequest(
            event_type=event_type_pb2.EventType(
                event_type_id="birthday", day_offset=-7, local_time=TimeOfDay(hours=10)
            ),
            update_mask=FieldMask(paths=["day_offset", "local_time"]),
        ),
        metadata=KEY,
    )
    assert answer.operation_id
    done = await eventually(lambda: _ended(replica, answer.operation_id))
    assert (done.state, done.done, done.total) == (operation_pb2.Operation.STATE_SUCCEEDED, 14, 14)
    assert (done.kind, done.subject) == ("replan_event_type", "birthday")
    order = [
        row["user_id"]
        for row in await world.rows(
            "SELECT user_id FROM plans WHERE event_type_id = 'birthday' ORDER BY xmin::text::bigint, user_id"
        )
    ]
    # The other one's new moment is over: it is decided by now, and its row written once more.
    order.remove("zz-soon")
    assert order[0] == "zz-soon-by-the-new-rule"
    assert (await world.ended("zz-soon"))["reason"] == "MISSED_BY_MOVE"
    soon = await world.planned("zz-soon-by-the-new-rule")
    assert Instant(soon["due_time"]) == utc("2027-01-03T10:00:00+00:00")


async def _ended(replica: Replica, name: str) -> operation_pb2.Operation | None:
    stub = operations_grpc.OperationServiceStub(replica.channel)
    answer = await stub.GetOperation(operations_pb2.GetOperationRequest(operation_id=name), metadata=KEY)
    operation: operation_pb2.Operation = answer.operation
    return operation if operation.HasField("end_time") else None
