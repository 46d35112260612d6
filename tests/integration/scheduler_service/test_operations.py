"""Long work: listed, paused, resumed, cancelled; a replan cannot be stopped."""

import uuid
from collections.abc import AsyncIterator

import grpc
import pytest
from redletter.common.v1 import operation_pb2
from redletter.common.v1 import operation_service_pb2 as pb
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import create_engine, unit_of_work
from chassis.operations import store as operations
from chassis.operations.operation import Operation, OperationState
from chassis.wire import instant
from scheduler_service.domain.operations import REPLAN_EVENT_TYPE
from scheduler_service.store import SCHEMA
from tests.integration.scheduler_service.conftest import KEY, TENANT, Replica, World, utc
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")
STATE = operation_pb2.Operation


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A second way to the scheduler's store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with nothing to do."""
    return await world.start(START)


async def begun(engine: AsyncEngine, kind: str = REPLAN_EVENT_TYPE, *, minutes: int = 0) -> str:
    """Write an operation."""
    name, now = uuid.uuid4(), START.add(minutes=minutes)
    async with unit_of_work(engine) as connection:
        await operations.insert(
            connection, Operation(name, TENANT, kind, now, now, subject="birthday", total=10)
        )
    return str(name)


async def shown(replica: Replica, name: str) -> operation_pb2.Operation:
    """Return one operation."""
    return (
        await replica.operations.GetOperation(pb.GetOperationRequest(operation_id=name), metadata=KEY)
    ).operation


async def test_what_a_worker_writes(replica: Replica, engine: AsyncEngine) -> None:
    """PENDING until the first progress, RUNNING with its figures, SUCCEEDED with the number as its total."""
    name = await begun(engine)
    before = await shown(replica, name)
    assert (before.kind, before.subject, before.state) == (REPLAN_EVENT_TYPE, "birthday", STATE.STATE_PENDING)
    assert (before.total, before.done, before.HasField("end_time")) == (10, 0, False)
    assert instant(before.create_time) == START
    async with unit_of_work(engine) as connection:
        await operations.progress(
            connection, uuid.UUID(name), now=START, total=20, done=7, succeeded=5, failed=2
        )
    running = await shown(replica, name)
    assert (running.state, running.total, running.done) == (STATE.STATE_RUNNING, 20, 7)
    assert (running.succeeded, running.failed) == (5, 2)
    async with unit_of_work(engine) as connection:
        await operations.progress(connection, uuid.UUID(name), now=START, done=8, succeeded=6, failed=2)
        await operations.finish(connection, uuid.UUID(name), now=START.add(minutes=1))
    ended = await shown(replica, name)
    assert (ended.state, ended.total, ended.done) == (STATE.STATE_SUCCEEDED, 8, 8)
    assert instant(ended.end_time) == START.add(minutes=1)


async def test_one_that_could_not_go_on(replica: Replica, engine: AsyncEngine) -> None:
    """It is FAILED with the sentence; what a late worker writes afterwards changes nothing."""
    name = await begun(engine)
    async with unit_of_work(engine) as connection:
        await operations.finish(
            connection,
            uuid.UUID(name),
            now=START,
            state=OperationState.FAILED,
            error="there is no event type any more",
        )
        await operations.progress(connection, uuid.UUID(name), now=START, done=9, succeeded=9, failed=0)
        await operations.finish(connection, uuid.UUID(name), now=START.add(hours=1))
    ended = await shown(replica, name)
    assert (ended.state, ended.error) == (STATE.STATE_FAILED, "there is no event type any more")
    assert (ended.done, instant(ended.end_time)) == (0, START)


async def test_newest_first_page_by_page(replica: Replica, engine: AsyncEngine) -> None:
    """Pages of every size show each operation once, the newest first; a foreign token is refused."""
    names = [await begun(engine, minutes=n // 2) for n in range(7)]
    whole = (await replica.operations.ListOperations(pb.ListOperationsRequest(), metadata=KEY)).operations
    times = [instant(one.create_time) for one in whole]
    assert times == sorted(times, reverse=True)
    assert {one.operation_id for one in whole} == set(names)
    for size in (1, 2, 3):
        found: list[operation_pb2.Operation] = []
        request = pb.ListOperationsRequest(page_size=size)
        while True:
            answer = await replica.operations.ListOperations(request, metadata=KEY)
            found += answer.operations
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        assert found == list(whole)
    wrong = await refusal(
        replica.operations.ListOperations(pb.ListOperationsRequest(page_token="x"), metadata=KEY)
    )
    assert wrong.reason == "INVALID_PAGE_TOKEN"


async def test_a_replan_is_not_stopped(replica: Replica, engine: AsyncEngine) -> None:
    """Neither paused nor cancelled: ILLEGAL_STATE, because it keeps promises about due times; resumed it stays."""
    name = await begun(engine)
    for call in (
        replica.operations.PauseOperation(pb.PauseOperationRequest(operation_id=name), metadata=KEY),
        replica.operations.CancelOperation(pb.CancelOperationRequest(operation_id=name), metadata=KEY),
    ):
        wrong = await refusal(call)
        assert (wrong.code, wrong.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_STATE")
        assert "promises" in wrong.message
    resume = pb.ResumeOperationRequest(operation_id=name)
    resumed = await replica.operations.ResumeOperation(resume, metadata=KEY)
    assert resumed.operation.state == STATE.STATE_PENDING


async def test_what_is_not_there(replica: Replica) -> None:
    """An unknown operation is NOT_FOUND, an id that is no UUID is refused at its field."""
    for call in (
        replica.operations.GetOperation(pb.GetOperationRequest(operation_id=str(uuid.uuid4())), metadata=KEY),
        replica.operations.PauseOperation(
            pb.PauseOperationRequest(operation_id=str(uuid.uuid4())), metadata=KEY
        ),
    ):
        assert (await refusal(call)).code is grpc.StatusCode.NOT_FOUND
    wrong = replica.operations.GetOperation(pb.GetOperationRequest(operation_id="1"), metadata=KEY)
    assert "operation_id" in (await refusal(wrong)).fields
