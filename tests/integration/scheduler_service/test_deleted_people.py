"""A deleted person hears nothing more, and a second import of the same person repeats nothing."""

from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import instant
from tests.integration.scheduler_service.conftest import KEY, World, until, utc

START = utc("2028-03-02T08:59:59+00:00")


async def test_deleted_before_due(world: World) -> None:
    """No event comes to be, and delivery is told to stop what was decided before the deletion."""
    world.feed.put_tenant(START)
    world.feed.put_user("gone", "UTC", month=3, day=2, enrolled=START)
    world.feed.put_user("stays", "UTC", month=3, day=2, enrolled=START)
    world.intake.fail_next = 1  # the first cancellation is not answered
    replica = await world.start(START.subtract(seconds=1))
    await world.planned("gone")
    world.feed.delete_user("gone")
    await world.drained()
    await world.rows("UPDATE cancellations SET offered_until = 'epoch'")
    await until(lambda: bool(world.intake.cancelled))
    (told,) = world.intake.cancelled
    assert (told.tenant_id, told.user_id) == ("tenant-1", "gone")
    assert abs(instant(told.decided_before) - replica.clock.now()).total("seconds") < 5
    await until(lambda: world.sent_to("stays"))
    assert not world.sent_to("gone")
    assert await world.rows("SELECT 1 FROM events WHERE user_id = 'gone'") == []
    assert await world.rows("SELECT 1 FROM plans WHERE user_id = 'gone'") == []
    assert await world.rows("SELECT 1 FROM recipients WHERE user_id = 'gone'") == []
    listed = await replica.events.ListEvents(pb.ListEventsRequest(user_id="gone"), metadata=KEY)
    assert not listed.events


async def test_deleted_and_imported_again_after_sending_on_the_same_day(world: World) -> None:
    """The cycle stays decided: the person comes back with next year's plan, under next year's id."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u1"))
    world.feed.delete_user("u1")
    await world.drained()
    (tombstone,) = await world.rows("SELECT cycle, last_cycle FROM plans")
    assert tuple(tombstone) == (None, "2028")
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=replica.clock.now(), on_enrol=2)
    plan = await world.planned("u1")
    assert (plan["cycle"], plan["last_cycle"]) == ("2029", "2028")
    world.feed.put_user("u2", "UTC", month=3, day=2, enrolled=replica.clock.now(), on_enrol=2)
    await until(lambda: world.sent_to("u2"))
    assert len(await world.rows("SELECT 1 FROM events WHERE user_id = 'u1'")) == 1
