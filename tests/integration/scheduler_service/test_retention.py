"""Tombstones go when their cycle can no longer come back, and nothing is repeated for it."""

from chassis.database import create_engine, unit_of_work
from scheduler_service.store import SCHEMA, retention
from tests.integration.scheduler_service.conftest import World, until, utc
from tests.integration.scheduler_service.event_calls import asked, created

START = utc("2027-03-02T08:59:58+00:00")
ENROLLED = utc("2026-01-01T00:00:00+00:00")


async def swept(world: World, *, before_year: int, size: int = 2) -> tuple[int, int]:
    """Walk all plans once; return how many pages there were and how many plans went."""
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    pages, gone, after = 0, 0, b""
    while pages == 0 or after:
        async with unit_of_work(engine) as connection:
            after, count = await retention.sweep(connection, after=after, before_year=before_year, size=size)
        pages, gone = pages + 1, gone + count
    await engine.dispose()
    return pages, gone


async def plans(world: World) -> set[str]:
    """Return the last cycles of the plans that nothing is due of."""
    return {
        row["last_cycle"] for row in await world.rows("SELECT last_cycle FROM plans WHERE due_time IS NULL")
    }


async def test_what_is_over_goes_and_what_may_come_back_stays(world: World) -> None:
    """Years, months and dates before the year; `once` of a rule, open plans and the rest stay."""
    world.feed.put_tenant(ENROLLED)
    for n in range(9):
        world.feed.put_user(f"u{n}", "UTC", month=6, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    for n in range(9):
        await world.planned(f"u{n}")
    await replica.stop()
    last_cycles = ("2024", "2025", "2024-12", "2025-01", "20241231", "20250101", "once", "2026")
    for n, cycle in enumerate(last_cycles):
        await world.rows(
            "UPDATE plans SET last_cycle = $1, cycle = NULL, due_time = NULL WHERE user_id = $2",
            cycle,
            f"u{n}",
        )
    await world.rows("UPDATE plans SET last_cycle = '2001' WHERE user_id = 'u8'")
    assert await swept(world, before_year=2025) == (5, 3)
    assert await plans(world) == {"2025", "2025-01", "20250101", "once", "2026"}
    assert len(await world.rows("SELECT 1 FROM plans WHERE due_time IS NOT NULL")) == 1
    assert (await swept(world, before_year=2025))[1] == 0


async def test_a_callers_plan_goes_at_once_and_is_not_made_again(world: World) -> None:
    """Its event and its request remember it: the same call is answered with the same event."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("u1", "UTC", month=6, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("u1")
    first = await created(replica, asked("mine"))
    await until(lambda: world.sent_to("u1"))
    assert (await swept(world, before_year=2000))[1] == 1
    again = await created(replica, asked("mine"))
    assert again.event.event_id == first.event.event_id
    assert len(world.intake.accepted) == 1
    assert await world.rows("SELECT 1 FROM plans WHERE instance = 'mine'") == []


async def test_a_second_import_makes_no_second_event(world: World) -> None:
    """Deleted, forgotten and imported again by a store that remembers the old enrolment: once is once."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=ENROLLED)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u1"))
    world.feed.delete_user("u1")
    await world.drained()
    assert await plans(world) == {"2027"}
    assert (await swept(world, before_year=2028))[1] == 1
    assert await plans(world) == set()
    version = world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=ENROLLED)

    async def next_year() -> bool:
        return (await world.planned("u1", version=version))["cycle"] == "2028"

    await until(lambda: not world.feed.changes)
    while not await next_year():
        assert replica.clock.now() < START.add(minutes=1)
    rows = await world.rows("SELECT cycle, state FROM events ORDER BY cycle")
    assert [tuple(row) for row in rows] == [("2026", "EXPIRED"), ("2027", "SENT")]
    assert len(world.intake.accepted) == 1


async def test_a_plan_that_somebody_holds_is_left_for_the_next_round(world: World) -> None:
    """The sweep waits for nobody: a locked row is passed over and goes the next time."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("u1", "UTC", month=6, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("u1")
    await replica.stop()
    await world.rows("UPDATE plans SET last_cycle = '2020', cycle = NULL, due_time = NULL")
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with unit_of_work(engine) as holder:
        await holder.exec_driver_sql("SELECT 1 FROM plans FOR UPDATE")
        assert await swept(world, before_year=2025) == (1, 0)
    await engine.dispose()
    assert await swept(world, before_year=2025) == (1, 1)
