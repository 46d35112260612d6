"""Deliberately again, many at once: counted first, at a rate, pausable, once each whatever happens."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import grpc
import pytest
from redletter.common.v1 import operation_pb2, operation_service_pb2
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine, unit_of_work
from chassis.errors import StaleVersion
from chassis.operations import store as operations
from chassis.operations.operation import paused
from chassis.wire import timestamp
from scheduler_service.domain.operations import STEERABLE
from scheduler_service.store import SCHEMA, identity
from scheduler_service.store.filters import Filter
from scheduler_service.store.reissues import Reissue, operation_of
from scheduler_service.workers.reissuer import Reissuer
from tests.integration.scheduler_service.conftest import (
    KEY,
    OTHER_KEY,
    OTHER_TENANT,
    TENANT,
    Replica,
    World,
    eventually,
    utc,
)
from tests.integration.scheduler_service.event_calls import SENT, SUPPRESSED
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")
EXPIRED = event_pb2.Event.STATE_EXPIRED
STATE = operation_pb2.Operation

# Ended events as an outage leaves them: `missed` before noon, one minute apart.
_FILL = text(
    """
    INSERT INTO events (event_id, tenant_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date,
        state, reason, nominal_due_time, due_time, deliver_by, decide_time, late, priority, event_type_version,
        recipient_version, tzdata_version, time_zone, utc_offset_seconds, shifts)
    SELECT 'evt_' || lpad(n::text, 26, '0') || '_' || CAST(:tenant_id AS text), CAST(:tenant_id AS text), 'u1', 'birthday', 'birthday', '', '2028',
        '2028-05-31', :state, :reason, due, due, due + interval '1 hour', due + interval '2 hours', false, 2, 1, 1,
        '2026a', 'UTC', 0, ''
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n,
        LATERAL (SELECT timestamptz '2028-05-31 00:00Z' + n * interval '1 minute' AS due) AS d
    """
)


class Leader:
    """Leads, or believes that it does while somebody else has a newer term."""

    def __init__(self) -> None:
        self.leads = True
        self.is_fenced = False

    async def fence(self, _connection: AsyncConnection) -> None:
        """Refuse to write for one who leads no more."""
        if self.is_fenced:
            raise StaleVersion("this replica no longer leads planner")


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A second way to the scheduler's store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler that knows one person of each tenant."""
    for tenant_id in (TENANT, OTHER_TENANT):
        world.feed.put_tenant(START, tenant_id=tenant_id)
        world.feed.put_user("u1", "UTC", month=12, day=24, enrolled=START, tenant_id=tenant_id)
    started = await world.start(START)
    await world.planned("u1")
    await world.drained()
    return started


async def fill(
    engine: AsyncEngine,
    count: int,
    *,
    state: str = "EXPIRED",
    reason: str = "MISSED",
    first: int = 1,
    tenant_id: str = TENANT,
) -> None:
    """Let so many events have ended."""
    async with unit_of_work(engine) as connection:
        await connection.execute(
            _FILL,
            {
                "tenant_id": tenant_id,
                "state": state,
                "reason": reason,
                "first": first,
                "last": first + count - 1,
            },
        )


def again(**fields: object) -> pb.ReissueEventsRequest:
    """Return a request for everything that was missed on the last day of May."""
    wanted = {
        "states": [EXPIRED],
        "due_after": timestamp(utc("2028-05-31T00:00:00+00:00")),
        "due_before": timestamp(utc("2028-06-01T00:00:00+00:00")),
        "reason": "the outage of 31 May",
        "max_per_second": 1000,
        **fields,
    }
    return pb.ReissueEventsRequest(**wanted)


async def reissued(replica: Replica, **fields: object) -> pb.ReissueEventsResponse:
    """Issue events again."""
    return await replica.events.ReissueEvents(again(**fields), metadata=KEY)


async def operation(replica: Replica, name: str) -> operation_pb2.Operation:
    """Return an operation as it is now."""
    request = operation_service_pb2.GetOperationRequest(operation_id=name)
    return (await replica.operations.GetOperation(request, metadata=KEY)).operation


async def over(replica: Replica, name: str) -> operation_pb2.Operation:
    """Return an operation once it is over."""

    async def ended() -> operation_pb2.Operation | None:
        found = await operation(replica, name)
        return found if found.HasField("end_time") else None

    found: operation_pb2.Operation = await eventually(ended)
    return found


async def made(world: World) -> list[str]:
    """Return the originals of what was issued again."""
    query = """
        SELECT request ->> 'reissue_of' FROM (SELECT request FROM plans UNION ALL SELECT request FROM events) AS r
        WHERE request IS NOT NULL ORDER BY 1
    """
    return [row[0] for row in await world.rows(query)]


async def test_counted_first(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """A dry run says how many the filter finds, by type, state, reason and window, and does nothing."""
    await fill(engine, 30)
    await fill(engine, 7, first=100, reason="MISSED_BY_MOVE")
    await fill(engine, 5, first=200, state="SENT", reason="")
    await fill(engine, 3, tenant_id=OTHER_TENANT)

    async def count(**fields: object) -> int:
        answer = await reissued(replica, dry_run=True, **fields)
        assert answer.operation_id == ""
        return answer.count

    assert await count() == 37
    assert await count(states=[EXPIRED, SENT]) == 42
    assert await count(states=[SUPPRESSED]) == 0
    assert await count(event_type_id="birthday") == 37
    assert await count(event_type_id="anniversary") == 0
    assert await count(ended_reason=event_pb2.EVENT_REASON_MISSED_BY_MOVE) == 7
    # Half-open: the event of 00:10 is in, that of 00:20 is not.
    ten, twenty = utc("2028-05-31T00:10:00+00:00"), utc("2028-05-31T00:20:00+00:00")
    assert await count(due_after=timestamp(ten), due_before=timestamp(twenty)) == 10
    assert await made(world) == []
    assert await world.rows("SELECT 1 FROM operations") == []


async def test_everything_that_was_found_once(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """The operation ends with all of it issued again, linked, with the reason; what it made is not found by it."""
    await fill(engine, 250)
    window = {"due_before": timestamp(utc("2030-01-01T00:00:00+00:00"))}
    answer = await reissued(replica, states=[EXPIRED, SENT], **window)
    assert answer.count == 250
    ended = await over(replica, answer.operation_id)
    assert (ended.state, ended.kind) == (STATE.STATE_SUCCEEDED, "reissue_events")
    assert (ended.total, ended.done, ended.succeeded, ended.failed) == (250, 250, 250, 0)
    originals = await made(world)
    assert len(originals) == len(set(originals)) == 250

    async def sent() -> bool:
        return len(world.intake.accepted) == 250

    await eventually(sent)
    [row] = await world.rows("SELECT * FROM events WHERE instance <> '' LIMIT 1")
    assert row["instance"].startswith(f"{answer.operation_id}:evt_")
    assert '"the outage of 31 May"' in row["request"]
    assert '"cycle": "2028"' in row["request"]


async def test_at_most_so_many_per_second(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """60 events at 40 a second take more than a real second."""
    await fill(engine, 60)
    began = time.monotonic()
    answer = await reissued(replica, max_per_second=40)
    await over(replica, answer.operation_id)
    assert time.monotonic() - began > 1.3


async def test_paused_and_resumed(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """After a pause was answered nothing more comes; resumed, the rest does."""
    await fill(engine, 200)
    name = (await reissued(replica, max_per_second=20)).operation_id
    pause = operation_service_pb2.PauseOperationRequest(operation_id=name)
    paused = (await replica.operations.PauseOperation(pause, metadata=KEY)).operation
    assert paused.state == STATE.STATE_PAUSED
    assert (await replica.operations.PauseOperation(pause, metadata=KEY)).operation == paused
    before = await made(world)
    leader = next(part for part in replica.parts if getattr(part, "name", "") == "reissue")
    assert await leader._iterate() is None  # nothing waits
    assert await made(world) == before
    await world.rows("UPDATE operations SET request = jsonb_set(request, '{max_per_second}', '1000')")
    resume = operation_service_pb2.ResumeOperationRequest(operation_id=name)
    resumed = (await replica.operations.ResumeOperation(resume, metadata=KEY)).operation
    assert resumed.state == STATE.STATE_RUNNING
    assert (await over(replica, name)).succeeded == 200
    assert len(set(await made(world))) == 200


async def test_cancelled(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """What was done stays done, nothing more comes, and neither a pause nor a resumption is possible."""
    await fill(engine, 200)
    name = (await reissued(replica, max_per_second=20)).operation_id
    cancel = operation_service_pb2.CancelOperationRequest(operation_id=name)
    cancelled = (await replica.operations.CancelOperation(cancel, metadata=KEY)).operation
    assert cancelled.state == STATE.STATE_CANCELLED
    assert cancelled.HasField("end_time")
    assert len(await made(world)) == cancelled.done < 200
    assert (await replica.operations.CancelOperation(cancel, metadata=KEY)).operation == cancelled
    for call in (
        replica.operations.PauseOperation(
            operation_service_pb2.PauseOperationRequest(operation_id=name), metadata=KEY
        ),
        replica.operations.ResumeOperation(
            operation_service_pb2.ResumeOperationRequest(operation_id=name), metadata=KEY
        ),
    ):
        wrong = await refusal(call)
        assert (wrong.code, wrong.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_STATE")


async def test_who_is_gone_is_counted(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """Events of a deleted user cannot be issued again: they are `failed`, and the others go out."""
    await fill(engine, 20)
    await world.rows("UPDATE events SET user_id = 'gone' WHERE due_time < '2028-05-31 00:06Z'")
    ended = await over(replica, (await reissued(replica)).operation_id)
    assert (ended.state, ended.done, ended.succeeded, ended.failed) == (STATE.STATE_SUCCEEDED, 20, 15, 5)


@pytest.fixture
async def reissuer(replica: Replica, engine: AsyncEngine) -> tuple[Reissuer, Leader]:
    """A reissuer beside the replica's own, which is stopped."""
    for part in replica.parts:
        if getattr(part, "name", "") == "reissue":
            await part.stop()
    leader, clock = Leader(), BusinessClock(Lapse.of(None, None, 1.0))
    key = await identity.hmac_key(engine)
    worker = Reissuer(engine, clock, key=key, leadership=leader, created=lambda: None)  # type: ignore[arg-type]
    return worker, leader


async def begin(engine: AsyncEngine, tenant_id: str = TENANT, *, per_second: int = 10) -> uuid.UUID:
    """Write an operation that issues everything of May again."""
    asked = Filter(
        states=("EXPIRED",),
        due_after=utc("2028-05-01T00:00:00+00:00").to_stdlib(),
        due_before=START.to_stdlib(),
        decided_before=START.to_stdlib(),
    )
    name = uuid.uuid4()
    async with unit_of_work(engine) as connection:
        one = operation_of(Reissue(asked, "r", per_second), name, tenant_id, now=START, total=0)
        await operations.insert(connection, one)
    return name


async def test_operations_take_turns(
    world: World, engine: AsyncEngine, reissuer: tuple[Reissuer, Leader]
) -> None:
    """A tenant with a thousand does not keep one with three waiting: each has its page in turn."""
    await fill(engine, 1000)
    await fill(engine, 3, tenant_id=OTHER_TENANT)
    large, small = await begin(engine), await begin(engine, OTHER_TENANT)
    worker, _ = reissuer
    for _ in range(3):
        await worker.iterate()
    done = {
        row["operation_id"]: row["done"]
        for row in await world.rows("SELECT operation_id, done FROM operations")
    }
    assert done[small] >= 1
    assert done[large] <= 2


async def test_a_crash_leaves_nothing_out_and_issues_nothing_twice(
    world: World, engine: AsyncEngine, reissuer: tuple[Reissuer, Leader]
) -> None:
    """With its place lost, as after a restore, the operation goes over everything again and makes nothing new."""
    await fill(engine, 25)
    name = await begin(engine, per_second=1000)
    worker, _ = reissuer
    await worker.iterate()
    first = await made(world)
    assert len(first) == 25
    await world.rows(
        "UPDATE operations SET position = '{}', done = 0, succeeded = 0, end_time = NULL, state = 'RUNNING'"
    )

    async def done() -> bool:
        await worker.iterate()
        async with engine.connect() as connection:
            found = await operations.get(connection, TENANT, name)
        return found is not None and found.is_over and found.succeeded == 25

    await eventually(done)
    assert await made(world) == first


async def test_one_who_leads_no_more_writes_nothing(
    world: World, engine: AsyncEngine, reissuer: tuple[Reissuer, Leader]
) -> None:
    """The page of a leader with an old term is rolled back; who does not lead does not even look."""
    await fill(engine, 5)
    await begin(engine)
    worker, leader = reissuer
    leader.is_fenced = True
    with pytest.raises(StaleVersion):
        await worker.iterate()
    assert await made(world) == []
    leader.leads = False
    assert await worker.iterate() is None


async def test_a_pause_that_comes_into_a_page(
    world: World, engine: AsyncEngine, reissuer: tuple[Reissuer, Leader]
) -> None:
    """The page waits for whoever is pausing the operation, and then issues nothing."""
    await fill(engine, 5)
    name = await begin(engine)
    worker, _ = reissuer
    async with unit_of_work(engine) as pausing:
        found = await operations.get(pausing, TENANT, name, lock=True)
        assert found is not None
        await operations.steer(pausing, paused(found, START, kinds=STEERABLE))
        page = asyncio.create_task(worker.iterate())

        async def waits() -> bool:
            query = """
                SELECT 1 FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
            return bool(await world.rows(query))

        await eventually(waits)
    await page
    assert await made(world) == []


async def test_two_leaders_at_once(
    world: World, engine: AsyncEngine, reissuer: tuple[Reissuer, Leader]
) -> None:
    """Pages of one operation exclude each other: what one has done the other goes on from."""
    await fill(engine, 40)
    await begin(engine, per_second=100)
    worker, leader = reissuer
    clock = BusinessClock(Lapse.of(None, None, 1.0))
    key = await identity.hmac_key(engine)
    other = Reissuer(engine, clock, key=key, leadership=leader, created=lambda: None)  # type: ignore[arg-type]
    await asyncio.gather(worker.iterate(), other.iterate())
    originals = await made(world)
    assert len(originals) == len(set(originals)) == 20


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"states": []}, "states"),
        ({"states": [event_pb2.Event.STATE_PLANNED]}, "states"),
        ({"reason": ""}, "reason"),
        ({"reason": "a\x00"}, "reason"),
        ({"max_per_second": 1001}, "max_per_second"),
        ({"max_per_second": -1}, "max_per_second"),
        ({"due_after": None}, "due_after"),
        ({"due_before": None}, "due_before"),
        ({"due_before": timestamp(utc("2028-05-31T00:00:00+00:00"))}, "due_before"),
        ({"event_type_id": "No"}, "event_type_id"),
        ({"ended_reason": 99}, "ended_reason"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_wrong_input(world: World, replica: Replica, wrong: dict[str, object], field: str) -> None:
    """Each is refused at its field and no operation begins."""
    answer = await refusal(reissued(replica, **wrong))
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert any(name.startswith(field) for name in answer.fields), answer.fields
    assert await world.rows("SELECT 1 FROM operations") == []


async def test_another_tenants_operation(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """It can neither be seen nor steered."""
    await fill(engine, 5)
    name = (await reissued(replica, max_per_second=1)).operation_id
    service = replica.operations
    calls = [
        service.GetOperation(
            operation_service_pb2.GetOperationRequest(operation_id=name), metadata=OTHER_KEY
        ),
        service.CancelOperation(
            operation_service_pb2.CancelOperationRequest(operation_id=name), metadata=OTHER_KEY
        ),
    ]
    for call in calls:
        assert (await refusal(call)).code is grpc.StatusCode.NOT_FOUND
    listing = operation_service_pb2.ListOperationsRequest()
    assert not (await service.ListOperations(listing, metadata=OTHER_KEY)).operations
    assert len((await service.ListOperations(listing, metadata=KEY)).operations) == 1
