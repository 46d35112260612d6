"""A tenant's new zone or leap rule moves those of its people who have none of their own."""

from redletter.common.v1 import leap_day_rule_pb2
from redletter.user.v1 import tenant_pb2
from whenever import Instant

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import TENANT, World, eventually, utc

START = utc("2027-01-02T12:00:00+00:00")


def _tenant(world: World, zone: str, leap: int = leap_day_rule_pb2.LEAP_DAY_RULE_BACKWARD) -> None:
    tenant = tenant_pb2.Tenant(
        tenant_id=TENANT,
        name="t",
        time_zone=zone,
        locale="en",
        leap_day_rule=leap,
        create_time=timestamp(START),
    )
    world.feed.put("", tenant=tenant)


async def _due(world: World, user_id: str, expected: str) -> None:
    async def moved() -> bool:
        plan = await world.planned(user_id)
        return bool(Instant(plan["due_time"]) == utc(expected))

    await eventually(moved)


async def test_a_new_default_zone_replans_who_has_none(world: World) -> None:
    """Whoever lives somewhere stays; the others move with the tenant."""
    _tenant(world, "UTC")
    world.feed.put_user("follows", "", month=3, day=2, enrolled=START)
    world.feed.put_user("lives", "Asia/Kathmandu", month=3, day=2, enrolled=START)
    await world.start(START)
    await _due(world, "follows", "2027-03-02T09:00:00+00:00")
    _tenant(world, "America/New_York")
    await _due(world, "follows", "2027-03-02T14:00:00+00:00")
    await _due(world, "lives", "2027-03-02T03:15:00+00:00")


async def test_a_new_leap_rule_replans_leap_day_children(world: World) -> None:
    """From 28 February to 1 March; an older version of the tenant changes nothing any more."""
    _tenant(world, "UTC")
    world.feed.put_user("leap", "UTC", month=2, day=29, enrolled=START)
    await world.start(START)
    await _due(world, "leap", "2027-02-28T09:00:00+00:00")
    _tenant(world, "UTC", leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD)
    await _due(world, "leap", "2027-03-01T09:00:00+00:00")
    world.feed.version = 0
    _tenant(world, "UTC")
    await world.drained()
    (kept,) = await world.rows("SELECT leap_day_rule FROM tenants")
    assert kept["leap_day_rule"] == "FORWARD"
