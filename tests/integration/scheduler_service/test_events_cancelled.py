"""Cancelling: before the decision it never comes to be, after it delivery is told until it has answered."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import zones
from chassis.database import create_engine, unit_of_work
from chassis.wire import instant, timestamp
from scheduler_service.domain.ids import event_id, parse_event_id
from scheduler_service.domain.plans import next_plan
from scheduler_service.store import SCHEMA, cancellations, decisions, event_types, plan_edits, plans, tenants
from scheduler_service.store.decisions import Decided
from scheduler_service.workers.canceller import Canceller
from tests.integration.scheduler_service.conftest import (
    KEY,
    OTHER_KEY,
    TENANT,
    Replica,
    World,
    eventually,
    until,
    utc,
)
from tests.integration.scheduler_service.event_calls import (
    CANCELLED,
    SENT,
    asked,
    created,
    planned_event,
    shown,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-06-01T10:00:00+00:00")
LATER = timestamp(START.add(hours=1))
STOPPED, CANCELLING = pb.CANCEL_RESULT_CANCELLED, pb.CANCEL_RESULT_CANCELLING
TOO_LATE, UNANSWERED = pb.CANCEL_RESULT_TOO_LATE, pb.CANCEL_RESULT_UNSPECIFIED


@pytest.fixture
async def replica(world: World) -> Replica:
    """A scheduler with two birthdays in December."""
    world.feed.put_tenant(START)
    for user_id in ("u1", "u2"):
        world.feed.put_user(user_id, "UTC", month=12, day=24, enrolled=START)
    started = await world.start(START)
    await world.planned("u1")
    await world.planned("u2")
    return started


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A second way to the scheduler's store."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    yield made
    await made.dispose()


async def cancelled(replica: Replica, name: str) -> pb.CancelEventResponse:
    """Cancel an event."""
    return await replica.events.CancelEvent(pb.CancelEventRequest(event_id=name), metadata=KEY)


async def sent(world: World, replica: Replica, instance: str = "a", **fields: object) -> str:
    """Return an event that delivery has accepted."""
    name = (await created(replica, asked(instance, **fields))).event.event_id
    await until(lambda: name in world.intake.accepted)
    return name


async def outbox(world: World) -> list[str]:
    """Return the events that delivery has yet to be told of."""
    return [row[0] for row in await world.rows("SELECT event_id FROM cancellations ORDER BY event_id")]


async def test_planned(world: World, replica: Replica) -> None:
    """It ends as CANCELLED(CANCELLED), next year's is planned, delivery is not asked; again it is CANCELLED."""
    name = (await planned_event(replica, "u1")).event_id
    answer = await cancelled(replica, name)
    assert answer.result == STOPPED
    assert (answer.event.state, answer.event.reason) == (CANCELLED, event_pb2.EVENT_REASON_CANCELLED)
    assert (await planned_event(replica, "u1")).cycle == "2029"
    again = await cancelled(replica, name)
    assert (again.result, again.event) == (STOPPED, answer.event)
    assert not world.intake.cancelled
    assert await outbox(world) == []


async def test_sent_and_not_received(world: World, replica: Replica) -> None:
    """Delivery is told of this one event, decided before an instant after its decision; nothing is left to tell."""
    name = await sent(world, replica)
    answer = await cancelled(replica, name)
    assert (answer.result, answer.event.state) == (STOPPED, SENT)
    [told] = world.intake.cancelled
    assert (told.tenant_id, list(told.events.event_ids), told.reason) == (TENANT, [name], "cancelled")
    assert instant(told.decided_before) > instant(answer.event.decide_time)
    assert await outbox(world) == []


@pytest.mark.parametrize("where", ["received", "on_the_wire"])
async def test_sent_and_received_or_on_the_wire(world: World, replica: Replica, where: str) -> None:
    """It is TOO_LATE, and delivery has been told: it is not tried again."""
    name = await sent(world, replica)
    getattr(world.intake, where).add(name)
    assert (await cancelled(replica, name)).result == TOO_LATE
    assert await outbox(world) == []


async def test_delivery_does_not_answer(world: World, replica: Replica) -> None:
    """The answer is CANCELLING, the event says that its outcome is not known, and delivery is told until it answers."""
    name = await sent(world, replica)
    world.intake.cancels_answer = False
    answer = await cancelled(replica, name)
    assert (answer.result, answer.event.outcome_unavailable) == (CANCELLING, True)
    assert await outbox(world) == [name]
    world.intake.cancels_answer = True
    await world.rows("UPDATE cancellations SET offered_until = 'epoch'")
    await until(lambda: bool(world.intake.cancelled))
    assert list(world.intake.cancelled[0].events.event_ids) == [name]

    async def told() -> bool:
        return await outbox(world) == []

    await eventually(told)
    assert (await cancelled(replica, name)).result == STOPPED


async def test_the_canceller_leaves_a_stop_to_the_call_that_stored_it(
    world: World, replica: Replica, engine: AsyncEngine
) -> None:
    """While the call itself asks delivery nobody else does; when it has died somebody else tells it."""
    name = await sent(world, replica)
    world.intake.cancels_answer = False
    await cancelled(replica, name)

    async def never(_request: object) -> object:
        raise AssertionError("told although the stop is leased")

    await Canceller(engine, never).iterate()  # type: ignore[arg-type]  # never answers
    assert await outbox(world) == [name]


async def test_after_deliver_by_nothing_is_asked(world: World, replica: Replica) -> None:
    """What cannot be sent any more is TOO_LATE without a word to delivery."""
    name = await sent(world, replica, deliver_within=Duration(seconds=3600))
    await world.rows("UPDATE events SET deliver_by = due_time WHERE event_id = $1", name)
    assert (await cancelled(replica, name)).result == TOO_LATE
    assert not world.intake.cancelled


async def test_what_had_ended_before(world: World, replica: Replica) -> None:
    """A skipped event is TOO_LATE."""
    name = (await planned_event(replica, "u1")).event_id
    await replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY)
    answer = await cancelled(replica, name)
    assert (answer.result, answer.event.state) == (TOO_LATE, event_pb2.Event.STATE_SUPPRESSED)


async def test_an_unknown_event(replica: Replica) -> None:
    """It is NOT_FOUND, and so is another tenant's."""
    wrong = await refusal(cancelled(replica, event_id(b"\x00" * 16, "2028")))
    assert wrong.code is grpc.StatusCode.NOT_FOUND
    name = (await planned_event(replica, "u1")).event_id
    theirs = replica.events.CancelEvent(pb.CancelEventRequest(event_id=name), metadata=OTHER_KEY)
    assert (await refusal(theirs)).code is grpc.StatusCode.NOT_FOUND
    assert (await planned_event(replica, "u1")).event_id == name


async def test_many_at_once(world: World, replica: Replica) -> None:
    """Planned, sent, received, unknown and senseless ones: each by itself in order, delivery asked once."""
    planned = (await planned_event(replica, "u1")).event_id
    open_, received = await sent(world, replica, "a"), await sent(world, replica, "b")
    world.intake.received.add(received)
    unknown, senseless = event_id(b"\x00" * 16, "2028"), "evt_1"
    names = [planned, unknown, open_, senseless, received]
    request = pb.BatchCancelEventsRequest(event_ids=names)
    answer = await replica.events.BatchCancelEvents(request, metadata=KEY)
    assert list(answer.cancel_results) == [STOPPED, UNANSWERED, STOPPED, UNANSWERED, TOO_LATE]
    assert [(r.index, r.status.code) for r in answer.results] == [
        (0, 0),
        (1, code_pb2.NOT_FOUND),
        (2, 0),
        (3, code_pb2.INVALID_ARGUMENT),
        (4, 0),
    ]
    for index in (1, 3):
        assert (await refusal(cancelled(replica, names[index]))).message == answer.results[
            index
        ].status.message
    [told] = world.intake.cancelled
    assert sorted(told.events.event_ids) == sorted([open_, received])


async def test_five_hundred_at_once(world: World, replica: Replica) -> None:
    """A full batch of planned events ends in one call; 501, none, or one twice is refused."""
    items = [asked(f"order-{n}", due_time=LATER) for n in range(500)]
    made = await replica.events.BatchCreateEvents(pb.BatchCreateEventsRequest(events=items), metadata=KEY)
    request = pb.BatchCancelEventsRequest(event_ids=made.event_ids)
    answer = await replica.events.BatchCancelEvents(request, metadata=KEY)
    assert set(answer.cancel_results) == {STOPPED}
    [counted] = await world.rows("SELECT count(*) FROM events WHERE state = 'CANCELLED'")
    assert counted[0] == 500
    for names in ([], [*made.event_ids, "x"], [made.event_ids[0]] * 2):
        wrong = replica.events.BatchCancelEvents(pb.BatchCancelEventsRequest(event_ids=names), metadata=KEY)
        assert "event_ids" in (await refusal(wrong)).fields


async def decision_to_send(engine: AsyncEngine, name: str) -> Decided:
    """Return what a decider has in mind that has read the plan of this event."""
    async with engine.connect() as connection:
        plan = await plans.get(connection, TENANT, parse_event_id(name)[0])
        defaults = (await tenants.load(connection, [TENANT]))[TENANT]
        stored = await event_types.get(connection, TENANT, "birthday")
    assert plan is not None
    assert stored is not None
    following = next_plan(
        plan, None, event_type=stored.rule, defaults=defaults, sent=True, tzdata_version=zones.version()
    )
    return Decided(plan, following, plan.version, stored.rule, "SENT", "", False, "UTC", 0)


async def test_cancelled_just_before_the_decision(
    world: World, replica: Replica, engine: AsyncEngine
) -> None:
    """A decider that meets the cancellation, under way or committed, records nothing: it is never sent."""
    name = (await created(replica, asked("a", due_time=LATER))).event.event_id
    in_mind = await decision_to_send(engine, name)
    async with unit_of_work(engine) as cancelling:
        held = await plan_edits.lock(cancelling, TENANT, [in_mind.plan.plan_id])
        assert list(held) == [in_mind.plan.plan_id]
        async with unit_of_work(engine) as deciding:
            assert not await decisions.commit(deciding, [in_mind], [name], now=START)
    assert (await cancelled(replica, name)).result == STOPPED
    async with unit_of_work(engine) as deciding:
        assert not await decisions.commit(deciding, [in_mind], [name], now=START)
    assert (await shown(replica, name)).state == CANCELLED


async def test_cancelled_just_after_the_decision(world: World, replica: Replica, engine: AsyncEngine) -> None:
    """A cancellation that meets the decision waits for its commit, and then goes to delivery."""
    name = (await created(replica, asked("a", due_time=LATER))).event.event_id
    in_mind = await decision_to_send(engine, name)
    async with unit_of_work(engine) as deciding:
        assert await decisions.commit(deciding, [in_mind], [name], now=START) == {name}
        call = asyncio.create_task(cancelled(replica, name))

        async def waits() -> bool:
            query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            return bool(await world.rows(query))

        await eventually(waits)
        assert not call.done()
    answer = await call
    # The stand-in has not got the hand-over: the stop waits there for it.
    assert (answer.result, answer.event.state) == (STOPPED, SENT)
    assert list(world.intake.cancelled[0].events.event_ids) == [name]


async def test_twenty_cancellations_and_the_due_instant(world: World, replica: Replica) -> None:
    """Cancelled by many callers at the instant it is due: one end state, all callers told the same kind of truth."""
    names = []
    for n in range(5):
        due = timestamp(replica.clock.now().add(milliseconds=600 + 100 * n))
        names.append((await created(replica, asked(f"a{n}", due_time=due))).event.event_id)
    calls = [cancelled(replica, name) for name in names for _ in range(4)]
    answers = await asyncio.gather(*calls)
    for index, name in enumerate(names):
        [row] = await world.rows("SELECT state FROM events WHERE event_id = $1", name)
        results = {answer.result for answer in answers[4 * index : 4 * index + 4]}
        assert results == {STOPPED}
        told = any(name in told.events.event_ids for told in world.intake.cancelled)
        assert told == (row["state"] == "SENT")


async def test_the_outbox_groups_events_by_tenant(world: World, engine: AsyncEngine) -> None:
    """Stops of one tenant go in one call; a person's go by the person; each is forgotten once answered."""
    async with unit_of_work(engine) as connection:
        await cancellations.insert_events(
            connection,
            [(TENANT, "u1", "e1"), (TENANT, "u2", "e2"), ("tenant-2", "u1", "e3"), (TENANT, "u1", "e1")],
            now=START,
            reason="opted_out",
        )
        await cancellations.insert(connection, [(TENANT, "u1")], now=START, reason="care_switch")
    told = []

    async def tell(request: object) -> object:
        told.append(request)
        return pb_response

    from redletter.delivery.v1 import intake_service_pb2 as intake_pb2

    pb_response = intake_pb2.CancelEventsResponse()
    await Canceller(engine, tell).iterate()  # type: ignore[arg-type]  # a stand-in for the stub
    seen = sorted((t.tenant_id, t.user_id, list(t.events.event_ids), t.reason) for t in told)  # type: ignore[attr-defined]
    assert seen == [
        ("tenant-1", "", ["e1", "e2"], "opted_out"),
        ("tenant-1", "u1", [], "care_switch"),
        ("tenant-2", "", ["e3"], "opted_out"),
    ]
    assert await outbox(world) == []


async def test_a_stop_that_reaches_further_stays(world: World, engine: AsyncEngine) -> None:
    """An answer to an earlier stop does not forget one that was stored again meanwhile with a later instant."""
    async with unit_of_work(engine) as connection:
        await cancellations.insert(connection, [(TENANT, "u1")], now=START)
        told = await cancellations.take(connection, people=True, size=8)
        await cancellations.insert(connection, [(TENANT, "u1")], now=START.add(seconds=1))
        await cancellations.delete(connection, told)
        [again] = await cancellations.take(connection, people=True, size=8)
    assert again.decided_before == START.add(seconds=1)
