"""What changes before the decision counts; the event stays the same one."""

from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import instant
from tests.integration.scheduler_service.conftest import KEY, World, until, utc

START = utc("2028-03-02T12:00:00+00:00")  # 09:00 has passed in Berlin, not yet in New York
AWAY = "America/New_York"


async def test_moved_to_a_zone_where_the_hour_has_passed(world: World) -> None:
    """The same event leaves at once, late, with the new zone's due time."""
    world.feed.put_tenant(START.subtract(hours=1000))
    world.feed.put_user("u1", AWAY, month=3, day=2, year=1990, enrolled=START.subtract(hours=900))
    replica = await world.start(START)
    before = await world.planned("u1")
    world.feed.put_user("u1", "Europe/Berlin", month=3, day=2, year=1990, enrolled=START.subtract(hours=900))
    await until(lambda: world.sent_to("u1"))
    body = world.body_of("u1")
    assert body["data"]["late"] is True
    assert body["timestamp"] == "2028-03-02T08:00:00Z"
    answer = await replica.events.GetEvent(
        pb.GetEventRequest(event_id=body["data"]["event_id"]), metadata=KEY
    )
    assert answer.event.late
    assert answer.event.decision.time_zone == "Europe/Berlin"
    assert (await world.ended("u1"))["cycle"] == before["cycle"] == "2028"


async def test_moved_to_a_zone_where_the_day_is_over(world: World) -> None:
    """The event ends as EXPIRED, missed by the move, and the next cycle is planned."""
    world.feed.put_tenant(START.subtract(hours=1000))
    world.feed.put_user("u1", AWAY, month=3, day=2, enrolled=START.subtract(hours=900))
    await world.start(START)
    await world.planned("u1")
    world.feed.put_user("u1", "Pacific/Kiritimati", month=3, day=2, enrolled=START.subtract(hours=900))
    event = await world.ended("u1")
    assert (event["state"], event["reason"]) == ("EXPIRED", "MISSED_BY_MOVE")
    assert (await world.planned("u1"))["cycle"] == "2029"
    assert not world.intake.accepted


async def test_the_date_is_corrected_before_due(world: World) -> None:
    """A wrong date fires nothing; the corrected one is planned under the same id."""
    due = utc("2028-03-02T14:00:00+00:00")
    enrolled = START.subtract(hours=900)
    world.feed.put_tenant(START.subtract(hours=1000))
    world.feed.put_user("wrong", AWAY, month=3, day=2, enrolled=enrolled)
    world.feed.put_user("right", AWAY, month=3, day=2, enrolled=enrolled)
    replica = await world.start(due.subtract(seconds=2))
    before = await world.planned("wrong")
    version = world.feed.put_user("wrong", AWAY, month=3, day=7, enrolled=enrolled)
    after = await world.planned("wrong", version=version)
    await until(lambda: world.sent_to("right"))
    assert not world.sent_to("wrong")
    assert (after["plan_id"], after["cycle"]) == (before["plan_id"], before["cycle"])
    listed = await replica.events.ListEvents(pb.ListEventsRequest(user_id="wrong"), metadata=KEY)
    (event,) = listed.events
    assert event.state == event_pb2.Event.STATE_PLANNED
    assert instant(event.due_time) == utc("2028-03-07T14:00:00+00:00")


async def test_a_name_is_corrected_after_the_message_was_rendered_ahead(world: World) -> None:
    """What leaves carries the new name: the version that was decided on is the newest."""
    due = utc("2028-03-02T14:00:00+00:00")
    enrolled = START.subtract(hours=900)
    world.feed.put_tenant(START.subtract(hours=1000))
    world.feed.put_user("u1", AWAY, month=3, day=2, enrolled=enrolled, given_name="Adda")
    replica = await world.start(due.subtract(seconds=2))
    # Within the prefetcher's 2.5 seconds: by now the old text waits in a window.
    await world.planned("u1")
    await until(lambda: replica.clock.now() > due.subtract(milliseconds=700))
    version = world.feed.put_user("u1", AWAY, month=3, day=2, enrolled=enrolled, given_name="Ada")
    await world.planned("u1", version=version)
    await until(lambda: world.sent_to("u1"))
    assert world.body_of("u1")["data"]["message"]["title"] == "Happy birthday, Ada!"
    assert (await world.ended("u1"))["recipient_version"] == version
