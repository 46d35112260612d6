"""One of the two stores went back to a backup: everything is confirmed anew, nothing is repeated unasked."""

from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2

from tests.integration.scheduler_service.conftest import OPERATOR, World, eventually, until, utc

START = utc("2028-03-02T08:59:58+00:00")


async def test_pages_are_counted_on_both_sides(world: World) -> None:
    """Each applied page raises the serial, and the acknowledgement tells it."""
    world.feed.put_tenant(START)
    await world.start(START)
    await world.drained()
    world.feed.put_user("u1", "UTC", month=5, day=1, enrolled=START)
    await world.drained()
    (row,) = await world.rows("SELECT serial FROM feed")
    assert row["serial"] == max(world.feed.serials) >= 2
    assert world.feed.serials == sorted(world.feed.serials)


async def test_when_the_schedulers_own_store_was_restored_what_was_due_is_held(world: World) -> None:
    """Guard mode begins with the new epoch and says why; later messages leave as always."""
    world.feed.put_tenant(START)
    world.feed.put_user("held", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START.subtract(seconds=1))
    await world.planned("held")
    world.feed.epoch, world.feed.restored = "epoch-2", feed_pb2.RESTORED_READER
    world.feed.version = 0
    world.feed.put_tenant(START)
    world.feed.put_user("held", "UTC", month=3, day=2, enrolled=START)
    world.feed.put_user("later", "UTC", month=3, day=2, enrolled=START)

    async def guarded() -> bool:
        answer = await replica.admin.GetGuard(admin_pb2.GetGuardRequest(), metadata=OPERATOR)
        return answer.guard.active and "backup" in answer.guard.reason

    await eventually(guarded)


async def test_a_restored_and_empty_user_store_leaves_nobody(world: World) -> None:
    """Also when its feed has nothing at all to tell."""
    world.feed.put_tenant(START)
    world.feed.put_user("ghost", "UTC", month=5, day=1, enrolled=START)
    await world.start(START)
    await world.planned("ghost")
    world.feed.epoch = "epoch-2"

    async def nobody() -> bool:
        return await world.rows("SELECT 1 FROM recipients") == []

    await eventually(nobody)
    await until(lambda: bool(world.intake.cancelled))
    assert world.intake.cancelled[0].user_id == "ghost"
