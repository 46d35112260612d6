"""Nobody was there at nine: late within the day, missed after it."""

from tests.integration.scheduler_service.conftest import World, until, utc

ENROLLED = utc("2028-01-01T00:00:00+00:00")
BEFORE = utc("2028-03-01T00:00:00+00:00")


async def planned_and_left_alone(world: World) -> None:
    """Let a replica plan one person for 2 March and end before that day."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=ENROLLED)
    replica = await world.start(BEFORE)
    await world.planned("u1")
    await world.drained()
    await replica.stop()
    world.anchor = None


async def test_back_within_the_day(world: World) -> None:
    """The message leaves at once and says that it is late."""
    await planned_and_left_alone(world)
    await world.start(utc("2028-03-02T20:00:00+00:00"))
    await until(lambda: world.sent_to("u1"))
    body = world.body_of("u1")
    assert body["data"]["late"] is True
    assert body["timestamp"] == "2028-03-02T09:00:00Z"
    assert (await world.planned("u1"))["cycle"] == "2029"


async def test_back_within_the_minute(world: World) -> None:
    """Fifty seconds are not late."""
    await planned_and_left_alone(world)
    await world.start(utc("2028-03-02T09:00:50+00:00"))
    await until(lambda: world.sent_to("u1"))
    assert world.body_of("u1")["data"]["late"] is False


async def test_back_on_the_next_day(world: World) -> None:
    """It expired, says that it was missed, is sent to nobody, and next year is planned."""
    await planned_and_left_alone(world)
    await world.start(utc("2028-03-03T00:00:00+00:00"))
    event = await world.ended("u1")
    assert (event["state"], event["reason"], event["cycle"]) == ("EXPIRED", "MISSED", "2028")
    assert (await world.planned("u1"))["cycle"] == "2029"
    assert not world.intake.accepted
