"""CancelEvents by event id: each id is cancelled, on the wire, or too late."""

import asyncio
import time
from datetime import date
from typing import Any

from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import delivery_pb2, inbox_service_pb2, intake_service_pb2
from sqlalchemy import text
from whenever import Instant

from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.domain.event_outcomes import Standing
from delivery_service.domain.stops import Stop
from delivery_service.store import outcomes, stops
from delivery_service.store.outcomes import Outcome
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, event_id, running
from tests.receiver import Behaviour, Received, Receiver

State = delivery_pb2.Delivery


async def cancel(
    world: World, *event_ids: str, before: Instant | None = None
) -> intake_service_pb2.CancelEventsResponse:
    """Stop these events, as far as they were decided before the instant (default: now)."""
    request = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, reason="cancelled")
    request.events.event_ids.extend(event_ids)
    before = before or world.clock.now().add(seconds=1)
    request.decided_before.FromDatetime(before.to_stdlib())
    return await world.intake.CancelEvents(request, None)


def lists(answer: intake_service_pb2.CancelEventsResponse) -> tuple[list[str], list[str], list[str]]:
    """Return the ids that are cancelled, on the wire, too late."""
    return list(answer.cancelled_event_ids), list(answer.on_the_wire), list(answer.too_late_event_ids)


async def outcome_of(world: World, event: intake_service_pb2.AcceptedEvent) -> str:
    """Ask what became of an event."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    request.events.add(event_id=event.event_id, occurrence_date=event.occurrence_date)
    [answer] = (await world.intake.BatchGetOutcomes(request, None)).outcomes
    return outcome_pb2.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")


async def test_each_id_stands_in_exactly_one_list(database_url: str, receiver: Receiver) -> None:
    """Received, on the wire, waiting behind it, in the inbox, of another tenant, not accepted; given twice."""
    hold = asyncio.Event()

    def script(got: Received) -> Behaviour:
        return Behaviour(hold=hold) if b"slow" in got.body else Behaviour()

    receiver.script = script
    async with running(database_url, lane_concurrency=1) as world:
        await world.endpoint(receiver.url())
        received, flying, waiting = world.event(), world.event(body=b'"slow"'), world.event()
        kept, acked = world.event(endpoint_id="inbox"), world.event(endpoint_id="inbox")
        foreign, unknown = world.event(tenant_id="other"), world.event()
        await world.accept(received, kept, acked, foreign)
        await world.ended(1)
        as_tenant()
        await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=[acked.event_id]), None)
        await world.accept(flying)
        await receiver.wait_for(2)
        await world.accept(waiting)
        named = [one.event_id for one in (received, flying, waiting, kept, acked, foreign, unknown)]
        answer = await cancel(world, *named, *named)
        cancelled = sorted(one.event_id for one in (waiting, kept, foreign, unknown))
        late = sorted([received.event_id, acked.event_id])
        assert lists(answer) == (cancelled, [flying.event_id], late)
        assert answer.cancelled == 2
        hold.set()
        await world.until(lambda: sent(world, flying.event_id))
        again = await cancel(world, *named)
        assert lists(again) == (cancelled, [], sorted([*late, flying.event_id]))
        assert again.cancelled == 0
        assert await world.accept(unknown, foreign) == ["STOPPED", "KNOWN"]
    assert receiver.count == 2


async def sent(world: World, identifier: str) -> bool:
    """Return whether the event's delivery has ended."""
    return not await world.rows("SELECT 1 FROM queue WHERE event_id = :event_id", event_id=identifier)


async def test_what_was_decided_later_is_too_late_for_the_stop_and_goes_on(
    world: World, receiver: Receiver
) -> None:
    """An open event decided at the stop's instant is none of it; it is received."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    now = world.clock.now().round("second")
    event = world.event(decided=now)
    await world.accept(event)
    assert lists(await cancel(world, event.event_id, before=now)) == ([], [], [event.event_id])
    hold.set()
    [delivery] = await world.ended()
    assert delivery.state == State.STATE_DELIVERED


async def test_one_receiver_is_enough_to_be_too_late(world: World, receiver: Receiver) -> None:
    """Received by one endpoint and waiting for the other's retry: the retry ends, the answer is TOO_LATE."""
    receiver.script = lambda got: (
        Behaviour(status=503, headers={"retry-after": "600"}) if got.path == "/busy" else Behaviour()
    )
    await world.endpoint(receiver.url("/good"), "good")
    await world.endpoint(receiver.url("/busy"), "busy")
    event = world.event()
    await world.accept(event)

    async def settled() -> bool:
        rows = await world.rows("SELECT attempts, owner FROM queue")
        return [tuple(row) for row in rows] == [(1, None)]

    await world.until(settled)
    answer = await cancel(world, event.event_id)
    assert (answer.cancelled, lists(answer)) == (1, ([], [], [event.event_id]))


async def test_a_stopped_event_that_is_refused_on_the_wire_does_not_reach_the_inbox(
    world: World, receiver: Receiver
) -> None:
    """Dead after its stop: nobody may pull it; asked again, the stop answers CANCELLED."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(status=400, hold=hold)
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    assert lists(await cancel(world, event.event_id)) == ([], [event.event_id], [])
    hold.set()
    ended = {one.endpoint_id: one.state for one in await world.ended(2)}
    assert ended == {"hook": State.STATE_DEAD, "inbox": State.STATE_CANCELLED}
    assert not await world.rows("SELECT 1 FROM queue")
    assert await outcome_of(world, event) == "DEAD"
    assert lists(await cancel(world, event.event_id)) == ([event.event_id], [], [])


async def test_a_last_failure_and_a_stop_at_the_same_moment_leave_nothing_in_the_inbox(
    database_url: str,
) -> None:
    """Of fifty races between a dead answer on one replica and a stop on another, none leaves a claimable message."""
    async with running(database_url, serve=False) as world:
        for _ in range(50):
            event = world.event()
            await world.accept(event)
            async with world.engine.begin() as connection:
                mine = "UPDATE queue SET owner = 7, endpoint_id = 'hook' WHERE event_id = :event_id"
                await connection.execute(text(mine), {"event_id": event.event_id})
            _, stopped = await asyncio.gather(
                outcomes.record(world.engine, [dead(event.event_id)], owner=7),
                stops.cancel(world.engine, **stop_of(world, event.event_id)),
            )
            assert stopped.standing[event.event_id] is not Standing.TOO_LATE
            assert not await world.rows("SELECT 1 FROM queue")
            assert lists(await cancel(world, event.event_id)) == ([event.event_id], [], [])


def dead(identifier: str) -> Outcome:
    """Return the outcome of an attempt that was answered 400."""
    at = Instant("2027-02-28T12:00:00Z").to_stdlib()
    cause = DeliveryCause.HTTP_STATUS
    rest = (at, 400, cause, -1, -1, -1, 0, b"", "http://127.0.0.1/", "s1")
    return Outcome(identifier, "hook", 1, date(2027, 2, 28), DeliveryState.DEAD, cause, 1, at, *rest)


def stop_of(world: World, identifier: str) -> dict[str, Any]:
    """Return a stop as another replica takes it."""
    now = world.clock.now()
    return {
        "tenant_id": TENANT_ID,
        "event_ids": [identifier],
        "user_id": "",
        "decided_before": now.add(seconds=1),
        "now": now,
        "reason": "told",
        "owner": 8,
        "in_flight": [],
    }


async def test_another_replica_ends_what_waits_at_once_though_its_lane_is_blocked(
    database_url: str, receiver: Receiver
) -> None:
    """Two events wait behind one that gets no answer: stopped through another replica they are CANCELLED at once."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with (
        running(database_url, lane_concurrency=1) as holder,
        running(database_url, replica_id="r2") as other,
    ):
        await holder.endpoint(receiver.url())
        flying, *behind = [holder.event(event_id(f"{number}")) for number in "234"]
        await holder.accept(flying)
        await receiver.wait_for(1)
        await holder.accept(*behind)
        named = [event.event_id for event in (flying, *behind)]
        first = await cancel(other, *named)
        assert not first.too_late_event_ids
        assert sorted([*first.cancelled_event_ids, *first.on_the_wire]) == named

        async def ended() -> bool:
            return len(await other.rows("SELECT 1 FROM queue")) == 1

        await other.until(ended, seconds=2)
        assert lists(await cancel(other, *named)) == (named[1:], named[:1], [])
        hold.set()
        await other.until(lambda: sent(other, flying.event_id))
        assert lists(await cancel(other, *named)) == (named[1:], [], named[:1])
    assert receiver.count == 1


async def test_what_enters_memory_after_its_stop_does_not_wait_for_its_turn(
    database_url: str, receiver: Receiver
) -> None:
    """An event on its way from the commit into a blocked lane, when this replica hears of the stop, is CANCELLED."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with running(database_url, lane_concurrency=1) as world:
        await world.endpoint(receiver.url())
        await world.accept(world.event())
        await receiver.wait_for(1)
        event = world.event()
        heard = Stop(TENANT_ID, event.event_id, "", world.clock.now().add(seconds=1))
        world.inside.recent.add(heard, monotonic=time.monotonic())
        await world.accept(event)
        [delivery] = await world.ended()
        assert (delivery.event_id, delivery.state) == (event.event_id, State.STATE_CANCELLED)
        hold.set()


async def test_a_thousand_ids_are_answered_in_one_call(world: World) -> None:
    """Half of them accepted, half not: all cancelled, each named once."""
    events = [world.event() for _ in range(1000)]
    await world.accept(*events[:500])
    answer = await cancel(world, *(event.event_id for event in events))
    assert answer.cancelled == 500
    assert lists(answer) == (sorted(event.event_id for event in events), [], [])
    assert set(await world.accept(*events[500:])) == {"STOPPED"}
