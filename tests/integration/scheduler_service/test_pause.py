"""Pausing is exact: after its answer nothing is decided in any replica, and resuming sends what is still worth it."""

import asyncio

import grpc
import pytest
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as pb
from sqlalchemy import text

from chassis.database import create_engine, unit_of_work
from scheduler_service.store import SCHEMA, controls
from tests.integration.scheduler_service.conftest import KEY, OPERATOR, Replica, World, eventually, until, utc

START = utc("2028-03-02T08:59:58.5+00:00")


async def pause(replica: Replica) -> pb.PauseSchedulerResponse:
    """Pause the schedulers."""
    return await replica.admin.PauseScheduler(pb.PauseSchedulerRequest(reason="told to"), metadata=OPERATOR)


async def resume(replica: Replica) -> pb.ResumeSchedulerResponse:
    """Let them go on."""
    return await replica.admin.ResumeScheduler(pb.ResumeSchedulerRequest(), metadata=OPERATOR)


async def people(world: World, count: int, *, month: int = 3, day: int = 2) -> None:
    """Make people known whose birthday this is."""
    world.feed.put_tenant(START)
    for n in range(count):
        world.feed.put_user(f"u{n}", "UTC", month=month, day=day, enrolled=START)


async def test_nothing_is_decided_after_the_answer_in_any_replica(world: World) -> None:
    """Paused at one of three replicas before the due instant, none of them sends; resumed, all of it leaves once."""
    await people(world, 40)
    first = await world.start(START)
    second, third = await world.start(START), await world.start(START)
    await world.drained()
    status = (await pause(second)).status
    assert (status.paused, status.pause_reason) == (True, "told to")

    async def all_due() -> bool:
        return (await first.status()).backlog == 40

    await eventually(all_due)
    assert world.intake.offers == []
    assert await world.rows("SELECT 1 FROM events") == []
    assert not (await resume(third)).status.paused
    await until(lambda: len(world.intake.accepted) == 40)
    assert len(await world.rows("SELECT 1 FROM events")) == 40


async def test_what_is_not_worth_sending_any_more_expires(world: World) -> None:
    """Paused over the end of the local day: EXPIRED(MISSED); somebody farther west still gets theirs, late."""
    await people(world, 1)
    world.feed.put_user("west", "Pacific/Pago_Pago", month=3, day=2, enrolled=START)
    replica = await world.start(START, speed=12_000.0)
    await pause(replica)
    await world.drained()

    async def tomorrow() -> bool:
        return (await replica.status()).business_time.seconds > utc("2028-03-03T02:00:00+00:00").timestamp()

    await eventually(tomorrow)
    await resume(replica)
    there, gone = await world.ended("west"), await world.ended("u0")
    assert (gone["state"], gone["reason"]) == ("EXPIRED", "MISSED")
    assert (there["state"], there["late"]) == ("SENT", True)


async def test_the_answer_waits_for_a_decision_that_is_under_way(world: World) -> None:
    """A transaction that decides is let to its end first, and none begins while the pause waits for it."""
    replica = await world.start(START)
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    try:
        async with unit_of_work(engine) as deciding:
            await controls.share(deciding)
            answer = asyncio.ensure_future(pause(replica))

            async def waits() -> bool:
                found = await world.rows(
                    "SELECT 1 FROM pg_locks WHERE relation = 'controls'::regclass AND NOT granted"
                )
                return bool(found)

            await eventually(waits)
            async with engine.connect() as later:
                await later.execute(text("SET LOCAL lock_timeout = '100ms'"))
                with pytest.raises(Exception, match="lock timeout"):
                    await controls.share(later)
            assert not answer.done()
        assert (await answer).status.paused
    finally:
        await engine.dispose()


async def test_every_decision_waits_for_a_change_of_the_controls(world: World) -> None:
    """While somebody changes what may be decided, what falls due waits; then it leaves."""
    await people(world, 3)
    replica = await world.start(START)
    await world.drained()
    engine = create_engine(world.database_url, name="test", schema=SCHEMA)
    try:
        async with unit_of_work(engine) as changing:
            await controls.alone(changing)

            async def waits() -> bool:
                found = await world.rows(
                    "SELECT 1 FROM pg_locks WHERE relation = 'controls'::regclass AND mode = 'RowShareLock'"
                    " AND NOT granted"
                )
                return bool(found)

            await eventually(waits)
            assert (await replica.status()).backlog == 3
            assert world.intake.accepted == {}
        await until(lambda: len(world.intake.accepted) == 3)
    finally:
        await engine.dispose()


async def test_planning_goes_on_and_work_by_hand_too(world: World) -> None:
    """While deciding is paused people are planned as always; what a tenant may not do stays refused."""
    replica = await world.start(START)
    await pause(replica)
    await people(world, 1, month=7, day=1)
    await world.planned("u0")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await replica.admin.PauseScheduler(pb.PauseSchedulerRequest(reason="no"), metadata=KEY)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
