"""RedeliverDelivery, and RedeliverDeliveries by names: a new round under the same id."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from google.rpc import code_pb2
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2, intake_service_pb2
from sqlalchemy import text
from whenever import Instant

from chassis.errors import IllegalTransition, InvalidInput, NotFound
from chassis.wire import instant
from delivery_service.workers.observations import LATENESS
from tests.integration.delivery_service.conftest import TENANT_ID, State, World, as_tenant, event_id, running
from tests.integration.delivery_service.redelivering import (
    dead_letters,
    fill,
    redeliver,
    redeliver_some,
    rounds,
)
from tests.receiver import OK, Behaviour, Receiver, in_turn

GONE_WRONG = Behaviour(400)


async def dead(world: World, receiver: Receiver, **changes: Any) -> intake_service_pb2.AcceptedEvent:
    """Let a delivery end as dead: the receiver refuses once, then takes everything."""
    receiver.script = in_turn(GONE_WRONG, OK)
    event = world.event(**changes)
    await world.accept(event)
    await world.ended(1, event_id=event.event_id)
    return event


async def outcome(world: World, event: intake_service_pb2.AcceptedEvent) -> str:
    """Return what became of an event."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    request.events.add(event_id=event.event_id, occurrence_date=event.occurrence_date)
    answer = await world.intake.BatchGetOutcomes(request, None)
    return outcome_pb2.Outcome.Name(answer.outcomes[0].outcome).removeprefix("OUTCOME_")


async def get(world: World, event: str, number: int = 0) -> delivery_pb2.Delivery:
    """Return one round of a delivery."""
    as_tenant()
    request = delivery_service_pb2.GetDeliveryRequest(event_id=event, endpoint_id="hook", round=number)
    return (await world.deliveries.GetDelivery(request, None)).delivery


async def test_same_id_same_bytes_new_round(world: World, receiver: Receiver) -> None:
    """The second round has attempts and a deadline of its own; the first one's outcome stays, as settled."""
    await world.endpoint(receiver.url("/hook"))
    event = await dead(world, receiver)
    begun = await redeliver(world, event.event_id)
    assert (begun.round, begun.state, begun.attempts) == (2, State.STATE_PENDING, 0)
    ahead = instant(begun.deliver_by) - world.clock.now()
    assert 23.9 < ahead.total("hours") <= 24
    await world.ended(2, event_id=event.event_id)
    first, second = [await get(world, event.event_id, number) for number in (1, 2)]
    assert (first.state, first.settlement) == (State.STATE_DEAD, delivery_pb2.Delivery.SETTLEMENT_REDELIVERED)
    assert (second.state, second.attempts, second.settlement) == (State.STATE_DELIVERED, 1, 0)
    assert (await get(world, event.event_id)).round == 2
    one, two = receiver.received
    assert (one.webhook_id, one.body) == (two.webhook_id, two.body) == (event.event_id, event.body)
    assert await outcome(world, event) == "RECEIVED"
    assert await dead_letters(world) == []


async def test_it_goes_where_the_endpoint_is_now(world: World, receiver: Receiver) -> None:
    """The URL is the present one, and each round keeps which one it called."""
    await world.endpoint(receiver.url("/old"))
    event = await dead(world, receiver)
    async with world.engine.begin() as connection:
        moved = {"url": receiver.url("/new")}
        await connection.execute(text("UPDATE endpoints SET url = :url, version = version + 1"), moved)
    await world.inside.endpoint_watch.refresh()
    await redeliver(world, event.event_id)
    await world.ended(2, event_id=event.event_id)
    assert [one.path for one in receiver.received] == ["/old", "/new"]
    called = [(await get(world, event.event_id, number)).last_attempt.url for number in (1, 2)]
    assert called == [receiver.url("/old"), receiver.url("/new")]


async def test_a_delivered_one_may_be_repeated_and_stays_received(world: World, receiver: Receiver) -> None:
    """While its second round is open, and when that fails, the event is RECEIVED since the first time."""
    await world.endpoint(receiver.url("/hook"))
    event = world.event()
    await world.accept(event)
    await world.ended(1)
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(400, hold=hold)
    await redeliver(world, event.event_id)
    await world.until(lambda: _count(receiver, 2))
    assert await outcome(world, event) == "RECEIVED"
    hold.set()
    await world.ended(2)
    assert await outcome(world, event) == "RECEIVED"
    assert not await world.rows("SELECT 1 FROM queue")
    assert await dead_letters(world) == [event.event_id]


async def test_it_never_counts_for_on_time(world: World, receiver: Receiver) -> None:
    """The histogram of lateness has the first rounds only."""
    await world.endpoint(receiver.url("/hook"))

    def observed() -> float:
        return sum(LATENESS._counts)

    before = observed()
    event = world.event()
    await world.accept(event)
    await world.ended(1)
    assert observed() == before + 1
    await redeliver(world, event.event_id)
    await world.ended(2)
    assert observed() == before + 1


async def test_what_is_refused(world: World, receiver: Receiver) -> None:
    """An open round, an unknown delivery, another tenant's, the inbox, a disabled or deleted endpoint."""
    await world.endpoint(receiver.url("/hook"))
    event = await dead(world, receiver)
    receiver.script = lambda _: Behaviour(hold=asyncio.Event())
    await redeliver(world, event.event_id)
    with pytest.raises(IllegalTransition, match="a round is still open"):
        await redeliver(world, event.event_id)
    with pytest.raises(NotFound, match="there is no delivery"):
        await redeliver(world, event_id("unknown"))
    with pytest.raises(NotFound):
        await redeliver(world, event.event_id, tenant="another")
    with pytest.raises(IllegalTransition, match="the inbox sends nothing"):
        await redeliver(world, event.event_id, "inbox")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE endpoints SET state = 2", "disabled; enable it first"),
        ("DELETE FROM endpoints", "gone"),
        ("UPDATE messages SET decide_time = decide_time - interval '35 days'", "decided too long ago"),
    ],
)
async def test_what_no_longer_can_be_sent(database_url: str, change: str, why: str) -> None:
    """It is refused with why, and nothing is queued."""
    async with running(database_url, serve=False) as world:
        await world.endpoint("http://127.0.0.1:1/hook")
        [name] = await fill(world, 1)
        async with world.engine.begin() as connection:
            await connection.execute(text(change))
        with pytest.raises(IllegalTransition, match=why):
            await redeliver(world, name)
        assert await rounds(world) == []
        assert await dead_letters(world) == [name]


async def test_the_tenants_retention(database_url: str) -> None:
    """A round does not outlive it; beyond it NOT_FOUND, although the month is still there."""
    async with running(database_url, serve=False, start=Instant("2027-04-13T12:00:00Z")) as world:
        await world.endpoint("http://127.0.0.1:1/hook")
        kept, lost = await fill(world, 2)
        async with world.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO tenant_settings (tenant_id, retention_days, update_time) VALUES (:t, 45, :now)"
                ),
                {"t": TENANT_ID, "now": world.clock.now().to_stdlib()},
            )
        begun = await redeliver(world, kept)
        assert instant(begun.deliver_by) == Instant("2027-04-14T00:00:00Z")
    async with running(database_url, serve=False, start=Instant("2027-04-14T00:00:00Z")) as world:
        with pytest.raises(NotFound, match="beyond retention"):
            await redeliver(world, lost)


@pytest.mark.parametrize("by_user", [False, True], ids=["event", "user"])
async def test_nothing_is_sent_after_a_stop(world: World, receiver: Receiver, by_user: bool) -> None:
    """Of a deleted user or a cancelled event nothing is sent again, whichever endpoint it was for."""
    await world.endpoint(receiver.url("/hook"))
    event = await dead(world, receiver)
    await cancel(world, event, by_user=by_user)
    with pytest.raises(IllegalTransition, match="never sent again"):
        await redeliver(world, event.event_id)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("by_user", [False, True], ids=["event", "user"])
async def test_a_stop_between_redelivery_and_sending(database_url: str, by_user: bool) -> None:
    """An open second round is ended by it and nobody gets it; the event's answer is CANCELLED."""
    async with running(database_url, serve=False) as world, Receiver() as receiver:
        await world.endpoint(receiver.url("/hook"))
        [name] = await fill(world, 1)
        await redeliver(world, name)
        event = world.event(name, user_id="u1", decided=world.clock.now().subtract(hours=1))
        await cancel(world, event, by_user=by_user)
        for part in world.parts:
            await part.start()
        [second] = await world.ended(1, states=[State.STATE_CANCELLED])
        assert (second.round, second.cause) == (2, delivery_pb2.DELIVERY_CAUSE_CANCELLED)
        assert receiver.received == []
        for part in reversed(world.parts):
            await part.stop()


async def cancel(world: World, event: intake_service_pb2.AcceptedEvent, *, by_user: bool) -> None:
    """Stop an event, or everything of its user."""
    request = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, reason="told")
    request.decided_before.FromDatetime(world.clock.now().to_stdlib() + timedelta(seconds=1))
    if by_user:
        request.user_id = event.user_id
    else:
        request.events.event_ids.append(event.event_id)
    await world.intake.CancelEvents(request, None)


async def test_the_new_rounds_own_deadline(world: World) -> None:
    """Nobody answers: it is EXPIRED when its own time is over, not when the first round's was."""
    await world.endpoint("http://127.0.0.1:1/hook")
    [name] = await fill(world, 1)
    await redeliver(world, name, within=timedelta(seconds=1))
    [second] = await world.ended(1, states=[State.STATE_EXPIRED])
    assert (second.round, second.cause) == (2, delivery_pb2.DELIVERY_CAUSE_DEADLINE)
    assert instant(second.deliver_by) > instant(second.create_time)
    assert await dead_letters(world) == [name]


async def test_some_by_their_names(world: World, receiver: Receiver) -> None:
    """Each is answered in order; the good ones go although others cannot; a dry run only says which."""
    await world.endpoint(receiver.url("/hook"))
    names = [(name, "hook") for name in await fill(world, 3)]
    asked = [names[0], (event_id("unknown"), "hook"), names[1], (names[2][0], "other")]
    trial = await redeliver_some(world, asked, dry_run=True)
    assert (trial.count, await rounds(world)) == (2, [])
    answer = await redeliver_some(world, asked)
    codes = [result.status.code for result in answer.results]
    assert codes == [code_pb2.OK, code_pb2.NOT_FOUND, code_pb2.OK, code_pb2.NOT_FOUND]
    assert [result.index for result in answer.results] == [0, 1, 2, 3]
    assert (answer.count, answer.operation_id) == (2, "")
    await world.ended(2, states=[State.STATE_DELIVERED])
    assert {one.webhook_id for one in receiver.received} == {names[0][0], names[1][0]}


async def test_names_or_a_filter(world: World) -> None:
    """Neither, both, or a name twice is refused."""
    name = (event_id(), "hook")
    for names, fields in (([], {}), ([name], {"filter": {}}), ([name, name], {})):
        with pytest.raises(InvalidInput):
            await redeliver_some(world, names, **fields)  # type: ignore[arg-type]


async def test_two_callers_at_once(database_url: str) -> None:
    """One round is begun, the other caller is told that it is open."""
    async with running(database_url, serve=False) as world:
        await world.endpoint("http://127.0.0.1:1/hook")
        [name] = await fill(world, 1)
        answers = await asyncio.gather(*(redeliver(world, name) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(answer, delivery_pb2.Delivery) for answer in answers) == 1
        assert await rounds(world) == [name]


async def _count(receiver: Receiver, number: int) -> bool:
    return len(receiver.received) >= number
