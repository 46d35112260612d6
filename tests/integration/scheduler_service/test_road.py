"""From the feed to the hand-over: what is planned leaves at its moment, once."""

import json

from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb2

from tests.integration.scheduler_service.conftest import KEY, OPERATOR, World, until, utc


async def test_a_birthday_leaves_at_nine_local_and_once(world: World) -> None:
    """A person in Kathmandu is greeted at 09:00 there (03:15 UTC), with the age, by exactly one event."""
    start = utc("2028-03-02T03:14:57+00:00")
    world.feed.put_tenant(start)
    world.feed.put_user("u1", "Asia/Kathmandu", month=3, day=2, year=1990, enrolled=start)
    replica = await world.start(start)
    await world.start(start)
    await until(lambda: len(world.intake.accepted) == 1)
    event = next(iter(world.intake.accepted.values()))
    body = json.loads(event.body)
    assert body["timestamp"] == "2028-03-02T03:15:00Z"
    assert body["type"] == "birthday"
    assert body["data"]["turns"] == 38
    assert body["data"]["late"] is False
    assert body["data"]["message"]["title"] == "Happy birthday, Ada!"
    assert event.event_id.endswith("_2028")
    answer = await replica.events.GetEvent(pb.GetEventRequest(event_id=event.event_id), metadata=KEY)
    assert answer.event.state == event_pb2.Event.STATE_SENT
    assert answer.event.decision.utc_offset == "+05:45"
    listed = await replica.events.ListEvents(pb.ListEventsRequest(user_id="u1"), metadata=KEY)
    assert [(e.cycle, e.state) for e in listed.events] == [
        ("2028", event_pb2.Event.STATE_SENT),
        ("2029", event_pb2.Event.STATE_PLANNED),
    ]
    status = await replica.admin.GetSchedulerStatus(admin_pb2.GetSchedulerStatusRequest(), metadata=OPERATOR)
    assert sum(len(h.shards) for h in status.status.shard_holders) == 64
