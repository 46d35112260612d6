"""Never again: for a person or one occasion, through erasure, re-import and a restore of user_service's store."""

from redletter.user.v1 import care_switch_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from whenever import Instant

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import World, until, utc

START = utc("2028-03-02T08:59:58+00:00")
SET = care_switch_pb2.CareSwitch.STATE_SET
CLEARED = care_switch_pb2.CareSwitch.STATE_CLEARED


def _care(at: Instant, state: int = SET, *, occasion: str = "") -> list[feed_pb2.CareSwitchState]:
    return [feed_pb2.CareSwitchState(occasion_id=occasion, state=state, change_time=timestamp(at))]


async def test_a_switch_for_a_person_or_an_occasion_suppresses(world: World) -> None:
    """The cycle ends as SUPPRESSED(CARE_SWITCH); a switch for another occasion keeps nothing back."""
    world.feed.put_tenant(START)
    for name, occasion in (("person", ""), ("occasion", "birthday"), ("other", "wedding")):
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=START, care=_care(START, occasion=occasion))
    await world.start(START)
    for name in ("person", "occasion"):
        event = await world.ended(name)
        assert (event["state"], event["reason"]) == ("SUPPRESSED", "CARE_SWITCH")
    await until(lambda: world.sent_to("other"))


async def test_it_survives_erasure_and_a_user_store_that_forgot_it(world: World) -> None:
    """Deleted, imported again by a store that was restored to before the switch: still nothing is sent."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START, care=_care(START))
    await world.start(START.subtract(seconds=4))
    await world.planned("u1")
    world.feed.delete_user("u1")
    await world.drained()
    world.feed.epoch = "epoch-2"
    world.feed.restored = feed_pb2.RESTORED_STORE
    world.feed.version = 0
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    event = await world.ended("u1")
    assert event["reason"] == "CARE_SWITCH"
    names = await world.rows("SELECT encode(user_hash, 'escape') AS h FROM care_switches")
    assert all("u1" not in row["h"] for row in names)


async def test_it_stops_what_is_under_way_and_is_taken_back_only_later(world: World) -> None:
    """Delivery is told at once; clearing counts when it is later than setting, not when it is older news."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u1"))
    set_time = replica.clock.now()
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START, care=_care(set_time))
    await until(lambda: bool(world.intake.cancelled))
    assert world.intake.cancelled[0].user_id == "u1"
    older = _care(set_time.subtract(seconds=1), CLEARED)
    await _applied(world, care=older)
    assert await _switches(world) == '[""]'
    await _applied(world, care=_care(set_time.add(seconds=1), CLEARED))
    assert await _switches(world) == "[]"


async def _applied(world: World, care: list[feed_pb2.CareSwitchState]) -> None:
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START, care=care)
    await world.drained()


async def _switches(world: World) -> str:
    (row,) = await world.rows("SELECT care_switches::text AS found FROM recipients WHERE user_id = 'u1'")
    return str(row["found"])
