"""One person who cannot be planned or rendered stops nobody else."""

from tests.integration.scheduler_service.conftest import World, until, utc

START = utc("2028-03-02T08:59:59.5+00:00")


async def test_who_cannot_be_planned_waits_in_the_feed(world: World) -> None:
    """A zone of a newer tzdata, a date that is none, broken attributes: unacknowledged; the others are planned."""
    world.feed.put_tenant(START)
    world.feed.put_user("zone", "Mars/Olympus", month=3, day=2, enrolled=START)
    world.feed.put_user("date", "UTC", month=13, day=45, enrolled=START)
    world.feed.put_user("attributes", "UTC", month=3, day=2, enrolled=START, attributes=b"{")
    world.feed.put_user("good", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: world.sent_to("good"))
    assert {user_id for _, user_id in world.feed.changes} == {"zone", "date", "attributes"}
    world.feed.put_user("zone", "UTC", month=3, day=2, enrolled=START)
    await world.planned("zone")
    await until(lambda: ("tenant-1", "zone") not in world.feed.changes)


async def test_whose_message_cannot_be_made_fails_alone(world: World) -> None:
    """FAILED with its reason, next year is planned, and the others of the same batch are sent."""
    world.feed.put_tenant(START)
    world.feed.put_user("odd", "UTC", month=3, day=2, enrolled=START, attributes=b"[1]")
    world.feed.put_user("good", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: world.sent_to("good"))
    event = await world.ended("odd")
    assert (event["state"], event["reason"]) == ("FAILED", "RENDER")
    assert (await world.planned("odd"))["cycle"] == "2029"
    assert not world.sent_to("odd")
