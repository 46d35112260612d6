"""Many at once: counted first, at a rate, paused, resumed, cancelled, by any replica, once each whatever happens."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redletter.common.v1 import operation_service_pb2
from redletter.delivery.v1 import delivery_service_pb2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.errors import InvalidInput, NotFound
from chassis.operations import store as operations
from chassis.wire import timestamp
from delivery_service.store import redeliveries
from delivery_service.workers.redeliverer import Redeliverer
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running
from tests.integration.delivery_service.redelivering import (
    Cause,
    Operation,
    State,
    dead_letters,
    fill,
    operation,
    over,
    redeliver_all,
    redeliver_some,
    rounds,
)
from tests.receiver import Receiver


@pytest.fixture
async def still(database_url: str) -> AsyncIterator[World]:
    """A replica whose loops stand still, with an endpoint: workers are called by hand."""
    async with running(database_url, serve=False) as made:
        await made.endpoint("http://127.0.0.1:1/hook")
        yield made


def worker(world: World) -> Redeliverer:
    """Return the worker of another replica."""
    return Redeliverer(world.engine, world.clock, released=lambda: None)


async def steer(world: World, verb: str, name: str) -> int:
    """Pause, resume or cancel an operation; return its state."""
    as_tenant()
    request = getattr(operation_service_pb2, f"{verb}OperationRequest")(operation_id=name)
    answer = await getattr(world.operations, f"{verb}Operation")(request, None)
    return int(answer.operation.state)


async def hurry(world: World) -> None:
    """Let the rate allow the next page now."""
    async with world.engine.begin() as connection:
        await connection.execute(
            text("""UPDATE operations SET position = position - 'next_time' || '{"next_time": "2020-01-01T00:00:00Z"}'
                 WHERE position <> '{}'""")
        )


async def test_counted_first(still: World) -> None:
    """A dry run says how many the filter finds by endpoint, state, cause, user, type and end, and does nothing."""
    ids = await fill(still, 30)
    await fill(
        still,
        7,
        name="bbbbbb",
        endpoint="other",
        state=State.STATE_EXPIRED,
        cause=Cause.DELIVERY_CAUSE_DEADLINE,
    )
    await fill(still, 5, name="cccccc", state=State.STATE_DELIVERED, cause=0)
    await fill(still, 3, name="dddddd", tenant="another")
    since = timestamp(still.clock.now().subtract(hours=1))

    async def count(**asked: Any) -> int:
        answer = await redeliver_all(still, dry_run=True, **asked)
        assert answer.operation_id == ""
        return answer.count

    assert await count() == 37
    assert await count(endpoint_id="other") == 7
    assert await count(endpoint_id="hook") == 30
    assert await count(states=[State.STATE_EXPIRED]) == 7
    assert await count(causes=[Cause.DELIVERY_CAUSE_HTTP_STATUS]) == 30
    assert await count(endpoint_id="hook", causes=[Cause.DELIVERY_CAUSE_TIMEOUT]) == 0
    assert await count(user_id="u1") == 10 + 3
    assert await count(event_type_id="birthday", user_id="u0", endpoint_id="hook") == 10
    assert await count(event_type_id="anniversary") == 0
    assert await count(states=[State.STATE_DELIVERED], end_after=since) == 5
    assert await count(states=[State.STATE_DELIVERED, State.STATE_DEAD], end_after=since) == 35
    [row] = await still.rows("SELECT end_time FROM deliveries WHERE event_id = :id", id=ids[20])
    # Half-open: what ended at that instant is after it, not before.
    at = timestamp(row.end_time)
    assert await count(endpoint_id="hook", end_before=at) == 20
    assert await count(endpoint_id="hook", end_after=at) == 10
    assert await rounds(still) == []
    assert await still.rows("SELECT 1 FROM operations") == []


async def test_everything_that_was_found_once(world: World) -> None:
    """The operation ends with all of it sent again under its id; nothing is a dead letter any more."""
    async with Receiver() as receiver:
        await world.endpoint(receiver.url("/hook"))
        ids = await fill(world, 250)
        answer = await redeliver_all(world)
        assert answer.count == 250
        assert uuid.UUID(answer.operation_id).version == 8
        ended = await over(world, answer.operation_id)
        assert (ended.state, ended.kind) == (Operation.STATE_SUCCEEDED, "redeliver_deliveries")
        assert (ended.total, ended.done, ended.succeeded, ended.failed) == (250, 250, 250, 0)

        async def all_there() -> bool:
            return len(receiver.received) >= 250

        await world.until(all_there)
        assert sorted(one.webhook_id for one in receiver.received) == ids
        assert await dead_letters(world) == []


async def test_at_most_so_many_per_second(world: World) -> None:
    """60 at 40 a second take more than a real second."""
    await world.endpoint("http://127.0.0.1:1/hook")
    await fill(world, 60)
    began = time.monotonic()
    await over(world, (await redeliver_all(world, per_second=40)).operation_id)
    assert time.monotonic() - began > 1.3


async def test_paused_resumed_cancelled(still: World) -> None:
    """After a pause was answered nothing more is begun; resumed it goes on; cancelled, the rest stays dead."""
    ids = await fill(still, 50)
    name = (await redeliver_all(still, per_second=100)).operation_id
    other = worker(still)
    await other.iterate()
    assert await rounds(still) == ids[:10]
    assert await steer(still, "Pause", name) == Operation.STATE_PAUSED
    await hurry(still)
    assert await other.iterate() is None
    assert await rounds(still) == ids[:10]
    assert await steer(still, "Resume", name) == Operation.STATE_RUNNING
    await other.iterate()
    assert await rounds(still) == ids[:20]
    assert await steer(still, "Cancel", name) == Operation.STATE_CANCELLED
    await hurry(still)
    assert await other.iterate() is None
    assert await rounds(still) == ids[:20]
    assert sorted(await dead_letters(still)) == ids[20:]
    ended = await operation(still, name)
    assert (ended.done, ended.succeeded, ended.total) == (20, 20, 50)


async def test_a_pause_that_comes_into_a_page(still: World) -> None:
    """A replica leaves an operation alone that somebody is pausing, and then begins nothing."""
    await fill(still, 5)
    name = (await redeliver_all(still)).operation_id
    async with still.engine.begin() as pausing:
        await operations.get(pausing, TENANT_ID, uuid.UUID(name), lock=True)
        assert await worker(still).iterate() == 0.05
        await pausing.execute(text("UPDATE operations SET state = 'PAUSED'"))
    assert await worker(still).iterate() is None
    assert await rounds(still) == []


async def test_a_crash_in_the_middle_of_a_page(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page had begun is rolled back with its place; the next one begins each once."""
    ids = await fill(still, 25)
    name = (await redeliver_all(still, per_second=100)).operation_id
    await worker(still).iterate()
    await hurry(still)

    async def crash(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(operations, "progress", crash)
        with pytest.raises(ConnectionError):
            await worker(still).iterate()
    assert await rounds(still) == ids[:10]
    other = worker(still)
    while not (await operation(still, name)).HasField("end_time"):
        await hurry(still)
        await other.iterate()
    ended = await operation(still, name)
    assert (ended.state, ended.done, ended.succeeded) == (Operation.STATE_SUCCEEDED, 25, 25)
    assert await rounds(still) == ids


async def test_with_its_place_lost_nothing_is_begun_twice(still: World) -> None:
    """As after a restore: it goes over everything again and finds what is settled no more."""
    ids = await fill(still, 25)
    name = (await redeliver_all(still)).operation_id
    await worker(still).iterate()
    async with still.engine.begin() as connection:
        await connection.execute(
            text("UPDATE operations SET position = '{}', done = 0, end_time = NULL, state = 'RUNNING'")
        )
    await worker(still).iterate()
    assert (await operation(still, name)).state == Operation.STATE_SUCCEEDED
    assert await rounds(still) == ids


async def test_two_replicas_at_one_operation(still: World) -> None:
    """Together they keep to the rate, and each delivery has one new round."""
    ids = await fill(still, 120)
    name = (await redeliver_all(still, per_second=200)).operation_id
    began = time.monotonic()

    async def work() -> None:
        one = worker(still)
        while not (await operation(still, name)).HasField("end_time"):
            await asyncio.sleep(min(0.02, await one.iterate() or 0))

    await asyncio.gather(work(), work(), work())
    assert time.monotonic() - began > 0.45
    ended = await operation(still, name)
    assert (ended.done, ended.succeeded) == (120, 120)
    assert await rounds(still) == ids


async def test_two_operations_over_the_same(still: World) -> None:
    """Each delivery has one new round; what one has begun the other does not find."""
    ids = await fill(still, 40)
    for _ in range(2):
        await redeliver_all(still)

    async def work() -> None:
        one = worker(still)
        for _ in range(8):
            await one.iterate()

    await asyncio.gather(work(), work())
    assert await rounds(still) == ids
    done = [row.succeeded for row in await still.rows("SELECT succeeded FROM operations")]
    assert sum(done) == 40


async def test_what_the_receiver_has_lost(still: World) -> None:
    """By DELIVERED and an instant: everything it got since then, the first outcome stays; required is the instant."""
    ids = await fill(still, 10, state=State.STATE_DELIVERED, cause=0)
    [row] = await still.rows("SELECT end_time FROM deliveries WHERE event_id = :id", id=ids[4])
    delivered = [State.STATE_DELIVERED]
    with pytest.raises(InvalidInput, match="required with DELIVERED"):
        await redeliver_all(still, states=delivered)
    name = (await redeliver_all(still, states=delivered, end_after=timestamp(row.end_time))).operation_id
    await worker(still).iterate()
    assert (await operation(still, name)).succeeded == 6
    assert await rounds(still) == ids[4:]
    states = await still.rows("SELECT state, settlement FROM deliveries WHERE round = 1 ORDER BY event_id")
    assert [tuple(one) for one in states] == [(2, 0)] * 4 + [(2, 1)] * 6


async def test_what_fails_again_is_not_found_by_the_same_operation(world: World) -> None:
    """It meant what had ended when it was asked for: a round that dies while it works is a dead letter anew."""
    await world.endpoint("http://127.0.0.1:1/hook")
    await fill(world, 30)
    name = (await redeliver_all(world, per_second=100, within=timedelta(seconds=1))).operation_id
    ended = await over(world, name)
    assert (ended.done, ended.succeeded) == (30, 30)

    async def died() -> bool:
        return len(await dead_letters(world)) == 30

    await world.until(died)
    assert max(one.round for one in await world.rows("SELECT round FROM deliveries")) == 2


async def test_those_that_cannot_be_sent_are_said(still: World) -> None:
    """They count as failed, with the reasons in the operation's sentence; the others are begun."""
    await fill(still, 8)
    await fill(still, 3, name="bbbbbb", endpoint="gone")
    name = (await redeliver_all(still)).operation_id
    await worker(still).iterate()
    ended = await operation(still, name)
    assert (ended.state, ended.succeeded, ended.failed) == (Operation.STATE_SUCCEEDED, 8, 3)
    assert ended.error == "3 refused: the endpoint is gone"


async def test_settled_between_reading_and_locking(still: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody discards or redelivers meanwhile is left as that left it."""
    ids = await fill(still, 3)
    name = (await redeliver_all(still)).operation_id
    begin = redeliveries.redeliver

    async def late(connection: AsyncConnection, *arguments: Any, **named: Any) -> Any:
        async with still.engine.begin() as other:
            discard = "UPDATE deliveries SET settlement = 2, settle_reason = 'no' WHERE event_id = :id"
            await other.execute(text(discard), {"id": ids[1]})
        return await begin(connection, *arguments, **named)

    monkeypatch.setattr(redeliveries, "redeliver", late)
    await worker(still).iterate()
    ended = await operation(still, name)
    assert (ended.succeeded, ended.error) == (2, "1 refused: settled meanwhile")
    assert await rounds(still) == [ids[0], ids[2]]


async def test_a_discarded_one_may_be_redelivered_by_name(still: World) -> None:
    """Somebody has thought better of it; that it was discarded stays readable."""
    [name] = await fill(still, 1)
    async with still.engine.begin() as connection:
        await connection.execute(text("UPDATE deliveries SET settlement = 2, settle_reason = 'no'"))
    assert (await redeliver_all(still, dry_run=True)).count == 0
    assert (await redeliver_some(still, [(name, "hook")])).count == 1
    assert [tuple(row) for row in await still.rows("SELECT settlement, settle_reason FROM deliveries")] == [
        (2, "no")
    ]


async def test_one_delivery_with_many_rounds_is_meant_once(still: World) -> None:
    """Only the latest round counts: redelivered again by filter there is one third round."""
    await fill(still, 1, state=State.STATE_DELIVERED, cause=0)
    async with still.engine.begin() as connection:
        await connection.execute(text("UPDATE deliveries SET settlement = 1"))
        await connection.execute(
            text("""INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause,
                attempts, accept_time, deliver_by, end_time)
                SELECT event_id, endpoint_id, 2, occurrence_date, tenant_id, 2, 0, 1, accept_time, deliver_by,
                end_time + interval '1 ms' FROM deliveries""")
        )
    since = timestamp(still.clock.now().subtract(hours=1))
    answer = await redeliver_all(still, states=[State.STATE_DELIVERED], end_after=since)
    assert answer.count == 1
    await worker(still).iterate()
    assert [row.round for row in await still.rows("SELECT round FROM queue")] == [3]


async def test_another_tenants_operation(still: World) -> None:
    """It can neither be seen nor steered."""
    await fill(still, 5)
    name = (await redeliver_all(still)).operation_id
    as_tenant("another")
    with pytest.raises(NotFound):
        await still.operations.CancelOperation(
            operation_service_pb2.CancelOperationRequest(operation_id=name), None
        )
    listing = operation_service_pb2.ListOperationsRequest()
    assert not (await still.operations.ListOperations(listing, None)).operations


async def test_operations_take_turns(still: World) -> None:
    """One with a thousand does not keep one with three waiting: each has its page in turn."""
    await fill(still, 100)
    await fill(still, 3, name="bbbbbb", endpoint="other")
    await still.endpoint("http://127.0.0.1:1/hook", "other")
    large = (await redeliver_all(still, endpoint_id="hook", per_second=10)).operation_id
    small = (await redeliver_all(still, endpoint_id="other", per_second=10)).operation_id
    one = worker(still)
    for _ in range(2):
        await one.iterate()
    assert (await operation(still, small)).done == 1
    assert (await operation(still, large)).done == 1


@pytest.mark.parametrize(
    "request_",
    [
        delivery_service_pb2.RedeliverDeliveriesRequest(max_per_second=5001),
        delivery_service_pb2.RedeliverDeliveriesRequest(filter={"states": [State.STATE_CANCELLED]}),
        delivery_service_pb2.RedeliverDeliveriesRequest(filter={"causes": [0]}),
        delivery_service_pb2.RedeliverDeliveriesRequest(deliver_within={"seconds": 3024001}),
        delivery_service_pb2.RedeliverDeliveriesRequest(deliver_within={"seconds": 0}),
        delivery_service_pb2.RedeliverDeliveriesRequest(
            deliveries=[{"event_id": "x", "endpoint_id": "hook"}]
        ),
    ],
    ids=str,
)
def test_wrong_input(request_: delivery_service_pb2.RedeliverDeliveriesRequest) -> None:
    """The contract refuses it in every language."""
    from chassis.rpc.validation import validate

    with pytest.raises(InvalidInput):
        validate(request_)
