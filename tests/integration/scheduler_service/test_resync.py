"""The user store was restored: everybody is confirmed again, who is missing is gone."""

from tests.integration.scheduler_service.conftest import World, eventually, until, utc

START = utc("2028-03-01T12:00:00+00:00")


async def test_whom_the_new_epoch_does_not_confirm_is_swept(world: World) -> None:
    """The missing person's plan ends and delivery is told; the others keep their plans, ids and versions."""
    world.feed.put_tenant(START)
    for name in ("u1", "u2", "ghost"):
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await world.drained()
    before = {row["user_id"]: row for row in await world.rows("SELECT * FROM plans")}

    world.feed.epoch = "epoch-2"
    world.feed.version = 0  # the restored store counts from where its backup was
    world.feed.put_tenant(START)
    for name in ("u1", "u2"):
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=START)

    async def swept() -> bool:
        (feed,) = await world.rows("SELECT epoch, swept FROM feed")
        return tuple(feed) == ("epoch-2", True)

    await eventually(swept)
    await until(lambda: bool(world.intake.cancelled))
    assert [told.user_id for told in world.intake.cancelled] == ["ghost"]
    after = {row["user_id"]: row for row in await world.rows("SELECT * FROM plans")}
    assert set(after) == {"u1", "u2"}
    for name, row in after.items():
        for column in ("plan_id", "cycle", "due_time", "deliver_by"):
            assert row[column] == before[name][column]
    people = await world.rows("SELECT user_id, epoch FROM recipients ORDER BY user_id")
    assert [tuple(row) for row in people] == [("u1", "epoch-2"), ("u2", "epoch-2")]


async def test_people_wait_for_their_tenant(world: World) -> None:
    """Somebody whose tenant has not come yet stays in the feed; a rule made meanwhile stops nobody else."""
    world.feed.put_tenant(START)
    world.feed.put_user("early", "UTC", month=3, day=2, enrolled=START, tenant_id="tenant-2")
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await world.planned("u1")
    await until(lambda: list(world.feed.changes) == [("tenant-2", "early")])
    world.feed.put_tenant(START, tenant_id="tenant-2")
    await world.planned("early")
    await world.drained()
