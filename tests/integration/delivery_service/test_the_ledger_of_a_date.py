"""SummarizeDate and ListMessages: every message of a date has exactly one outcome."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import inbox_service_pb2, intake_service_pb2
from sqlalchemy import text

from chassis.errors import InvalidInput
from delivery_service.store.partitions import Partitions
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, event_id, running
from tests.integration.delivery_service.processes import process
from tests.receiver import Behaviour, Received, Receiver

DAY = date(2027, 2, 28)
Summary = tuple[int, int, dict[str, int]]


def name(outcome: outcome_pb2.Outcome) -> str:
    """Return the short name of an outcome."""
    return outcome_pb2.Outcome.Name(outcome).removeprefix("OUTCOME_")


async def summary(world: World, day: date = DAY, *, tenant: str = TENANT_ID) -> Summary:
    """Return messages, checksum, and the count of each outcome."""
    request = intake_service_pb2.SummarizeDateRequest(tenant_id=tenant)
    set_date(request, day)
    answer = await world.intake.SummarizeDate(request, None)
    return answer.messages, answer.checksum, {name(one.outcome): one.count for one in answer.outcomes}


async def listing(world: World, *, after: str = "", size: int = 0, day: date = DAY) -> list[tuple[str, str]]:
    """Return (event id, outcome) of a page."""
    request = intake_service_pb2.ListMessagesRequest(
        tenant_id=TENANT_ID, after_event_id=after, page_size=size
    )
    set_date(request, day)
    answer = await world.intake.ListMessages(request, None)
    return [(one.event_id, name(one.outcome)) for one in answer.outcomes]


async def single(world: World, identifiers: Sequence[str]) -> list[tuple[str, str]]:
    """Return (event id, outcome) as BatchGetOutcomes answers it."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    for identifier in identifiers:
        set_date(request.events.add(event_id=identifier), DAY)
    answer = await world.intake.BatchGetOutcomes(request, None)
    return [(one.event_id, name(one.outcome)) for one in answer.outcomes]


def set_date(
    message: intake_service_pb2.SummarizeDateRequest
    | intake_service_pb2.ListMessagesRequest
    | intake_service_pb2.OutcomeQuery
    | intake_service_pb2.AcceptedEvent,
    day: date,
) -> None:
    """Set a message's occurrence date."""
    on = message.occurrence_date
    on.year, on.month, on.day = day.year, day.month, day.day


def checksum(identifiers: Sequence[str]) -> int:
    """Return the checksum by its definition."""
    digits = (hashlib.md5(one.encode(), usedforsecurity=False).hexdigest()[:15] for one in identifiers)
    return sum(int(one, 16) for one in digits) % 2**63


async def execute(world: World, statement: str, **parameters: object) -> None:
    """Change something behind the service's back."""
    async with world.engine.begin() as connection:
        await connection.execute(text(statement), parameters)


async def test_a_date_adds_up_over_every_outcome(world: World, receiver: Receiver) -> None:
    """Received, retried, unclaimed, dead, cancelled and without a delivery; other dates and tenants left out."""

    def script(got: Received) -> Behaviour:
        if b"busy" in got.body:
            return Behaviour(status=503, headers={"retry-after": "600"})
        return Behaviour(status=400 if b"bad" in got.body else 200)

    receiver.script = script
    await world.endpoint(receiver.url())
    received = [world.event() for _ in range(3)]
    acked, unclaimed, lost = (world.event(endpoint_id="inbox") for _ in range(3))
    retried, refused, stopped = (
        world.event(body=b'"busy"'),
        world.event(body=b'"bad"'),
        world.event(user_id="x"),
    )
    next_day, next_month = world.event(), world.event()
    set_date(next_day, date(2027, 2, 27))
    set_date(next_month, date(2027, 3, 28))
    stop = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, user_id="x")
    stop.decided_before.FromDatetime(world.clock.now().add(seconds=60).to_stdlib())
    await world.intake.CancelEvents(stop, None)
    ours = [*received, acked, unclaimed, lost, retried, refused, stopped]
    await world.accept(*ours, next_day, next_month, world.event(tenant_id="other"))
    as_tenant()
    await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=[acked.event_id]), None)

    async def settled() -> bool:
        [row] = await world.rows(
            "SELECT count(*) AS open, sum(attempts) AS tried FROM queue WHERE endpoint_id = 'hook'"
        )
        return (row.open, row.tried) == (1, 1)

    await world.until(settled)
    await execute(world, "DELETE FROM queue WHERE event_id = :event_id", event_id=lost.event_id)
    expected = {"RECEIVED": 4, "OPEN": 1, "UNCLAIMED": 2, "CANCELLED": 1, "NONE": 1}
    named = sorted(event.event_id for event in ours)
    assert await summary(world) == (9, checksum(named), expected)
    listed = await listing(world)
    assert [identifier for identifier, _ in listed] == named
    assert await single(world, named) == listed
    assert dict(listed)[lost.event_id] == "NONE"
    assert await summary(world, date(2027, 2, 27)) == (1, checksum([next_day.event_id]), {"RECEIVED": 1})
    assert (await summary(world, tenant="other"))[2] == {"UNCLAIMED": 1}
    assert await summary(world, date(1847, 1, 1)) == (0, 0, {})


async def test_expired_and_dead_stand_when_the_inbox_was_emptied_by_a_stop(
    world: World, receiver: Receiver
) -> None:
    """What the receiver refused, or came too late, is DEAD or EXPIRED although its inbox message was stopped."""
    receiver.script = lambda _: Behaviour(status=400)
    await world.endpoint(receiver.url())
    dead, expired = world.event(user_id="x"), world.event(user_id="x", within=timedelta(seconds=-1))
    await world.accept(dead, expired)
    await world.ended(2)
    stop = intake_service_pb2.CancelEventsRequest(tenant_id=TENANT_ID, user_id="x")
    stop.decided_before.FromDatetime(world.clock.now().add(seconds=60).to_stdlib())
    assert (await world.intake.CancelEvents(stop, None)).cancelled == 2
    assert (await summary(world))[2] == {"EXPIRED": 1, "DEAD": 1}
    assert dict(await listing(world)) == {dead.event_id: "DEAD", expired.event_id: "EXPIRED"}


async def test_the_first_outcome_in_precedence_counts_and_only_that(database_url: str) -> None:
    """Any set of open and ended deliveries of one message, in several rounds, is one outcome."""
    cases = {
        "RECEIVED": (["hook"], [("inbox", 1, 2), ("b", 1, 3), ("b", 2, 5)]),
        "OPEN": (["hook", "inbox"], [("hook", 1, 3), ("c", 1, 4)]),
        "UNCLAIMED": (["inbox"], [("hook", 1, 4), ("inbox", 1, 5)]),
        "EXPIRED": ([], [("hook", 1, 4), ("b", 1, 3), ("inbox", 1, 5)]),
        "DEAD": ([], [("hook", 1, 3), ("inbox", 1, 5)]),
        "CANCELLED": ([], [("hook", 1, 5), ("inbox", 1, 5)]),
        "NONE": ([], []),
    }
    async with running(database_url, serve=False) as world:
        events = {outcome: world.event() for outcome in cases}
        await world.accept(*events.values())
        await execute(world, "DELETE FROM queue")
        for outcome, (pending, ended) in cases.items():
            identifier = events[outcome].event_id
            for endpoint_id in pending:
                await execute(
                    world,
                    "INSERT INTO queue SELECT :event_id, :endpoint_id, 2, :tenant, 'u1', :day, NULL, 0, 0,"
                    " now(), now(), now(), now()",
                    event_id=identifier,
                    endpoint_id=endpoint_id,
                    tenant=TENANT_ID,
                    day=DAY,
                )
            for endpoint_id, number, state in ended:
                await execute(
                    world,
                    "INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause,"
                    " attempts, accept_time, deliver_by, end_time)"
                    " VALUES (:event_id, :endpoint_id, :round, :day, :tenant, :state, 0, 1, now(), now(), now())",
                    event_id=identifier,
                    endpoint_id=endpoint_id,
                    round=number,
                    day=DAY,
                    tenant=TENANT_ID,
                    state=state,
                )
        assert (await summary(world))[::2] == (7, dict.fromkeys(cases, 1))
        by_name = {outcome: event.event_id for outcome, event in events.items()}
        assert dict(await listing(world)) == {identifier: outcome for outcome, identifier in by_name.items()}


async def test_the_counts_add_up_at_every_moment(world: World, receiver: Receiver) -> None:
    """While 400 messages arrive, are retried, die and reach the inbox, none is counted twice or as NONE."""
    seen = iter(range(10_000))
    receiver.script = lambda _: Behaviour(status=(200, 200, 503, 400)[next(seen) % 4])
    await world.endpoint(receiver.url("/a"), "a")
    await world.endpoint(receiver.url("/b"), "b")
    events = [world.event() for _ in range(400)]

    async def offer() -> None:
        for start in range(0, 400, 50):
            await world.accept(*events[start : start + 50])

    offering = asyncio.ensure_future(offer())
    looks = 0

    async def over() -> bool:
        nonlocal looks
        messages, _, outcomes = await summary(world)
        assert sum(outcomes.values()) == messages
        assert "NONE" not in outcomes
        looks += 1
        return messages == 400 and "OPEN" not in outcomes

    await world.until(over, seconds=30)
    await offering
    assert looks > 3
    messages, total, outcomes = await summary(world)
    assert (messages, total) == (400, checksum([event.event_id for event in events]))
    assert set(outcomes) <= {"RECEIVED", "UNCLAIMED"}


async def test_a_take_over_changes_no_count(database_url: str, receiver: Receiver) -> None:
    """What a killed replica held is OPEN until another one delivers it, then RECEIVED; never NONE, never both."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with running(database_url, serve=False) as world:
        await world.endpoint(receiver.url())
        events = [world.event() for _ in range(20)]
        with process(database_url, "r1") as first:
            await first.accept(*events)
            await receiver.wait_for(8)
            first.popen.kill()
            first.popen.wait()
        hold.set()
        receiver.script = None
        total = checksum([event.event_id for event in events])
        assert await summary(world) == (20, total, {"OPEN": 20})
        with process(database_url, "r2"):

            async def received() -> bool:
                messages, found, outcomes = await summary(world)
                assert (messages, found, sum(outcomes.values())) == (20, total, 20)
                assert set(outcomes) <= {"OPEN", "RECEIVED"}
                return outcomes == {"RECEIVED": 20}

            await world.until(received, seconds=15)


async def test_messages_are_paged_by_their_ids(world: World) -> None:
    """Pages of two over five messages give each once; after the last there is nothing."""
    named = [event_id(letter) for letter in "abcde"]
    await world.accept(*(world.event(one) for one in reversed(named)))
    pages: list[list[str]] = []
    after = ""
    while page := await listing(world, after=after, size=2):
        pages.append([identifier for identifier, _ in page])
        after = page[-1][0]
    assert pages == [named[:2], named[2:4], named[4:]]


@pytest.mark.parametrize("day", [(2027, 2, 30), (0, 2, 1), (2027, 0, 1), (2027, 2, 0), (10_000, 1, 1)])
async def test_what_is_no_date_is_refused(world: World, day: tuple[int, int, int]) -> None:
    """Both calls name the field and what was given."""
    summarized = intake_service_pb2.SummarizeDateRequest(tenant_id=TENANT_ID)
    listed = intake_service_pb2.ListMessagesRequest(tenant_id=TENANT_ID)
    for request in (summarized, listed):
        on = request.occurrence_date
        on.year, on.month, on.day = day
    with pytest.raises(InvalidInput, match="occurrence_date"):
        await world.intake.SummarizeDate(summarized, None)
    with pytest.raises(InvalidInput, match="is not a date"):
        await world.intake.ListMessages(listed, None)


async def test_the_months_around_are_not_needed(world: World) -> None:
    """A date between two months that have messages, in a month that has none, is empty."""
    await Partitions(world.engine).ensure([date(2027, 1, 1), date(2027, 3, 1)])
    assert await summary(world) == (0, 0, {})
    assert await listing(world) == []
