"""Model-based: whatever happens in whatever order, each cycle ends once, in time, and the books balance."""

import asyncio
from collections.abc import Callable

import pytest
from google.type.date_pb2 import Date
from redletter.scheduler.v1 import event_service_pb2 as pb
from redletter.scheduler.v1.event_type_pb2 import EventType
from sqlalchemy import text

from chassis.database import create_engine, unit_of_work
from chassis.migrations import migrate
from chassis.wire import timestamp
from scheduler_service.store import MIGRATIONS, SCHEMA
from tests.integration.scheduler_service.conftest import KEY, Replica, World, eventually, utc
from tests.integration.scheduler_service.event_calls import planned_event
from tests.integration.scheduler_service.ledger_calls import ledger, listed
from tests.integration.scheduler_service.model_machine import walk
from tests.integration.scheduler_service.model_walk import BEGINS, walked
from tests.integration.scheduler_service.rule_calls import Rules

STEPS = 110


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_any_walk_keeps_the_promises(
    clone_database: Callable[..., str], redis_url: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """After each step that is waited for: one event per cycle, none early, none unwanted, one end, ledger 0."""
    url = await asyncio.to_thread(
        clone_database, SCHEMA, lambda target: migrate(target, schema=SCHEMA, directory=MIGRATIONS)
    )
    outcome = await walked(url, redis_url, begin=BEGINS[seed % len(BEGINS)], steps=walk(seed, STEPS))
    with capsys.disabled():
        print(f"\nmodel, seed {seed}: {outcome}")
    assert not outcome.wrong, "\n".join([*outcome.trace[-25:], outcome.wrong])


DAY = Date(year=2028, month=3, day=2)


async def birthday(world: World) -> tuple[Replica, str]:
    """Start a replica an hour before somebody's birthday; return it and the planned event."""
    start = utc("2028-03-02T08:00:00+00:00")
    world.feed.put_tenant(start)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=start)
    replica = await world.start(start)
    await world.planned("u1")
    return replica, (await planned_event(replica, "u1")).event_id


async def replanned(world: World) -> None:
    """Return once the leader has planned everything anew."""

    async def done() -> bool:
        return not await world.rows("SELECT 1 FROM event_types WHERE replanned_version < timing_version")

    await eventually(done)


async def test_skipped_after_its_rule_was_paused_balances(world: World) -> None:
    """Found by a walk: a planned event is skipped before the leader has ended the plans of its paused rule."""
    replica, name = await birthday(world)
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with unit_of_work(engine) as leader_waits:
        await leader_waits.execute(text("SELECT FROM leadership FOR UPDATE"))
        await Rules(replica).pause("birthday")
        await replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY)
    await engine.dispose()
    await replanned(world)
    found = await ledger(replica, DAY)
    assert (found.difference, listed(found.expected)) == (0, {name: "CHANGED_SINCE"})


async def test_skipped_after_its_rule_was_moved_balances(world: World) -> None:
    """Found by a walk: a planned event is skipped before the leader has planned it by the rule's new offset."""
    replica, name = await birthday(world)
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with unit_of_work(engine) as leader_waits:
        await leader_waits.execute(text("SELECT FROM leadership FOR UPDATE"))
        await Rules(replica).update(EventType(event_type_id="birthday", day_offset=-2), "day_offset")
        await replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY)
    await engine.dispose()
    await replanned(world)
    found = await ledger(replica, DAY)
    assert (found.difference, listed(found.expected)) == (0, {name: "CHANGED_SINCE"})


async def test_moved_by_hand_while_its_rule_is_paused_balances(world: World) -> None:
    """Found by a walk: what was moved by hand beyond its day stays planned while its rule is paused."""
    replica, name = await birthday(world)
    later = timestamp(utc("2028-03-10T08:00:00+00:00"))
    await replica.events.RescheduleEvent(
        pb.RescheduleEventRequest(event_id=name, due_time=later), metadata=KEY
    )
    await Rules(replica).pause("birthday")
    await replanned(world)
    assert (await planned_event(replica, "u1")).event_id == name
    found = await ledger(replica, DAY)
    assert (found.difference, listed(found.expected)) == (0, {name: "CHANGED_SINCE"})
