"""Short transactions by hand among others: what they lose they try again, what they read cannot go stale."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redletter.scheduler.v1 import event_service_pb2 as pb
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import create_engine, unit_of_work
from chassis.errors import DependencyUnavailable, NotFound
from chassis.transactions import ATTEMPTS, LostRaceError, settled
from chassis.wire import instant, timestamp
from scheduler_service.store import SCHEMA, event_types, recipients
from tests.integration.scheduler_service.conftest import KEY, TENANT, Replica, World, eventually, until, utc
from tests.integration.scheduler_service.event_calls import (
    CANCELLED,
    SENT,
    SUPPRESSED,
    asked,
    created,
    local,
    planned_event,
    shown,
)
from tests.integration.scheduler_service.test_events_steered import rescheduled, skipped

START = utc("2028-06-01T10:00:00+00:00")


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A second way to the scheduler's store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with a birthday in December."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "America/New_York", month=12, day=24, enrolled=START)
    started = await world.start(START)
    await world.planned("u1")
    await world.drained()
    return started


async def waiting(world: World) -> bool:
    """Return whether somebody waits for a lock."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await world.rows(query))


async def test_a_deadlock_is_tried_again(engine: AsyncEngine) -> None:
    """Two transactions that lock two rows crosswise both end: the one PostgreSQL breaks runs once more."""
    async with unit_of_work(engine) as connection:
        await connection.execute(text("CREATE TABLE crosswise (id int PRIMARY KEY, touched int NOT NULL)"))
        await connection.execute(text("INSERT INTO crosswise VALUES (1, 0), (2, 0)"))
    both = asyncio.Barrier(2)
    runs = 0

    async def cross(first: int, second: int) -> None:
        async def work(connection: AsyncConnection) -> None:
            nonlocal runs
            runs += 1
            touch = text("UPDATE crosswise SET touched = touched + 1 WHERE id = :id")
            await connection.execute(touch, {"id": first})
            if runs <= 2:
                await both.wait()
            await connection.execute(touch, {"id": second})

        await settled(engine, work)

    await asyncio.gather(cross(1, 2), cross(2, 1))
    assert runs == 3
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT touched FROM crosswise"))
        assert [row[0] for row in rows] == [2, 2]


async def test_losing_for_ever_is_said(engine: AsyncEngine) -> None:
    """After twelve lost races the caller is told to come back; another error is nobody's race."""
    runs = 0

    async def lose(_connection: AsyncConnection) -> None:
        nonlocal runs
        runs += 1
        raise LostRaceError

    with pytest.raises(DependencyUnavailable):
        await settled(engine, lose)
    assert runs == ATTEMPTS

    async def fail(_connection: AsyncConnection) -> None:
        raise NotFound("nothing")

    with pytest.raises(NotFound):
        await settled(engine, fail)


async def test_a_rule_edited_while_its_event_is_skipped(
    world: World, replica: Replica, engine: AsyncEngine
) -> None:
    """The skip waits for whoever holds the plan, sees the newer rule, and is done under it."""
    event = await planned_event(replica, "u1")
    async with unit_of_work(engine) as other:
        await other.execute(text("SELECT 1 FROM plans WHERE user_id = 'u1' FOR UPDATE"))
        call = asyncio.create_task(skipped(replica, event.event_id))
        await eventually(lambda: waiting(world))
        stored = await event_types.get(other, TENANT, "birthday", lock=True)
        assert stored is not None
        await event_types.update(other, replace(stored, rule=replace(stored.rule, version=7)))
    ended = await call
    assert (ended.state, ended.decision.event_type_version) == (SUPPRESSED, 7)


async def test_a_move_of_the_user_while_an_event_is_made_for_them(
    world: World, replica: Replica, engine: AsyncEngine
) -> None:
    """Whoever changes the person first is waited for: the event is made for the zone they are in by then."""
    async with unit_of_work(engine) as moving:
        person = await recipients.get(moving, TENANT, "u1")
        assert person is not None
        await recipients.upsert(moving, [replace(person, time_zone="Asia/Tokyo")], epoch="epoch-1")
        call = asyncio.create_task(created(replica, asked("a", local_time=local(2028, 7, 4, 9))))
        await eventually(lambda: waiting(world))
    assert instant((await call).event.due_time) == utc("2028-07-04T00:00:00+00:00")


async def test_skipped_while_a_decider_has_it_in_mind(world: World, replica: Replica) -> None:
    """Of events that are read ahead and rendered, those that are skipped in time are not sent, the others are."""
    due = replica.clock.now().add(milliseconds=1500)
    names = [
        (await created(replica, asked(f"a{n}", due_time=timestamp(due)))).event.event_id for n in range(6)
    ]
    for name in names[::2]:
        await skipped(replica, name)
    await until(lambda: set(names[1::2]) <= set(world.intake.accepted))
    assert set(world.intake.accepted) == set(names[1::2])
    assert [(await shown(replica, name)).state for name in names] == [SUPPRESSED, SENT] * 3


async def test_rescheduled_while_a_decider_has_it_in_mind(world: World, replica: Replica) -> None:
    """An event that is read ahead and then put off does not leave at its old instant."""
    due = replica.clock.now().add(milliseconds=1000)
    late = (await created(replica, asked("late", due_time=timestamp(due)))).event.event_id
    control = (await created(replica, asked("control", due_time=timestamp(due)))).event.event_id
    await rescheduled(replica, late, due_time=timestamp(START.add(hours=1)))
    await until(lambda: control in world.intake.accepted)
    assert late not in world.intake.accepted
    await rescheduled(replica, late, due_time=timestamp(START))
    await until(lambda: late in world.intake.accepted)


async def test_a_persons_word_counts_while_deciding_is_paused(world: World, replica: Replica) -> None:
    """With deciding paused events are made, skipped, moved and cancelled, and nothing leaves."""
    await world.rows("UPDATE controls SET paused = true")
    kept = (await created(replica, asked("kept"))).event.event_id
    over = (await created(replica, asked("over"))).event.event_id
    gone = (await created(replica, asked("gone"))).event.event_id
    await skipped(replica, over)
    request = pb.CancelEventRequest(event_id=gone)
    assert (await replica.events.CancelEvent(request, metadata=KEY)).event.state == CANCELLED
    assert not world.intake.accepted
    await world.rows("UPDATE controls SET paused = false")
    await until(lambda: kept in world.intake.accepted)
    assert set(world.intake.accepted) == {kept}
