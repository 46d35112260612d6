"""Two calls about the same event, or under the same id, at the same moment; a call and the deletion of its person."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import timestamp
from tests.integration.scheduler_service.barriers import (
    CHRISTMAS,
    Act,
    Arena,
    Line,
    arena_of,
    cancelled,
    deleted,
    said,
)
from tests.integration.scheduler_service.conftest import KEY, World, utc
from tests.integration.scheduler_service.event_calls import asked

NOON: Final = utc("2028-03-02T20:00:00+00:00")  # in Los Angeles
THE_PLAN: Final = "SELECT 1 FROM plans WHERE user_id = 'u1' FOR UPDATE"
THE_PLANS: Final = "LOCK TABLE plans IN SHARE MODE"
THE_OUTBOX: Final = "LOCK TABLE cancellations IN SHARE MODE"
LOCKS_ITS_PLAN: Final = "WHERE plan_id = ANY(CAST("


async def rescheduled(arena: Arena, name: str) -> str:
    """Put the event off to noon; return how that is refused, or `moved`."""
    request = pb.RescheduleEventRequest(event_id=name, due_time=timestamp(NOON))
    answer = await said(arena.replica.events.RescheduleEvent(request, metadata=KEY))
    return answer if answer.startswith("refused") else "moved"


async def skipped(arena: Arena, name: str) -> str:
    """Skip the event."""
    return await said(arena.replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY))


async def consumed(arena: Arena, _name: str) -> str:
    """Let the open cycle leave now; return how that is refused, or which cycle it is."""
    request = pb.TriggerEventRequest(user_id="u1", event_type_id="birthday", consume=True)
    answer = await said(arena.replica.events.TriggerEvent(request, metadata=KEY))
    return answer if answer.startswith("refused") else answer.split()[0]


def creating(hours: int = 0) -> Act:
    """Return a call that makes an event under the id `order`, now or hours later."""

    async def create(arena: Arena, _name: str) -> str:
        due = {"due_time": timestamp(NOON.add(hours=hours))} if hours else {}
        call = arena.replica.events.CreateEvent(asked("order", "u1", **due), metadata=KEY)
        answer = await said(call)
        return answer if answer.startswith("refused") else f"created: {(await call).created}"

    return create


NEXT_YEAR: Final = "2029, due 2029-03-02 17:00"
IN_DECEMBER: Final = "2028, due 2028-12-24 17:00"
OVER: Final = "2028 CANCELLED(CANCELLED)"
ALREADY: Final = "refused: ALREADY_DECIDED"

EDITS: Final = [
    (cancelled, rescheduled, Line("RescheduleEvent", "CancelEvent", ALREADY, OVER, "nothing", NEXT_YEAR)),
    (rescheduled, cancelled, Line("CancelEvent", "RescheduleEvent", "CANCELLED", OVER, "nothing", NEXT_YEAR)),
    (cancelled, cancelled, Line("CancelEvent", "CancelEvent", "CANCELLED", OVER, "nothing", NEXT_YEAR)),
    (cancelled, skipped, Line("SkipEvent", "CancelEvent", ALREADY, OVER, "nothing", NEXT_YEAR)),
    (
        skipped,
        cancelled,
        Line("CancelEvent", "SkipEvent", "TOO_LATE", "2028 SUPPRESSED(SKIPPED)", "nothing", NEXT_YEAR),
    ),
    (
        consumed,
        consumed,
        Line("TriggerEvent(consume)", "the same", "2028", "2028 SENT, due 14:00", "1 message", NEXT_YEAR),
    ),
]
SENT: Final = "once SENT, due 14:00"
CREATIONS: Final = [
    (creating(), Line("CreateEvent", "the same", "created: False", SENT, "1 message", IN_DECEMBER)),
    (
        creating(hours=1),
        Line(
            "CreateEvent",
            "the same id, another body",
            "refused: ALREADY_EXISTS_DIFFERENT",
            SENT,
            "1 message",
            IN_DECEMBER,
        ),
    ),
]
CREATED_FIRST: Final = Line(
    "DeleteUser", "CreateEvent", "-", "once CANCELLED(USER_DELETED)", "nothing", "none"
)
DELETED_FIRST: Final = Line("CreateEvent", "DeleteUser", "refused: NOT_FOUND", "none", "nothing", "none")


@pytest.fixture
async def arena(world: World) -> AsyncIterator[Arena]:
    """A scheduler at work; u1 lives in Los Angeles, where it is not nine yet."""
    async with arena_of(world, zone="America/Los_Angeles") as made:
        yield made


async def _drawn(arena: Arena, expected: Line, told: str) -> None:
    await arena.caught_up()
    line = await arena.line(expected.pair, expected.first, told)
    print(line)
    assert line == expected


@pytest.mark.parametrize(
    ("first", "second", "line"), EDITS, ids=[f"{line.first},_then_{line.pair}" for _, _, line in EDITS]
)
async def test_two_edits_of_one_event(arena: Arena, first: Act, second: Act, line: Line) -> None:
    """Both wait for the plan; who came first is served first, and the second sees what the first has done."""
    name, _ = await arena.planned()
    async with arena.holding(THE_PLAN) as us:
        one = asyncio.ensure_future(first(arena, name))
        await arena.waiting(LOCKS_ITS_PLAN, behind=us)
        two = asyncio.ensure_future(second(arena, name))
        await arena.waiting(LOCKS_ITS_PLAN, count=2)
    assert not (await one).startswith("refused")
    await _drawn(arena, line, await two)


@pytest.mark.parametrize(("second", "line"), CREATIONS, ids=[line.first for _, line in CREATIONS])
async def test_two_creations_under_one_id(arena: Arena, second: Act, line: Line) -> None:
    """The second waits for the first, which has taken the id, and is answered by what that has made of it."""
    arena.put(**CHRISTMAS)
    await arena.world.planned("u1")
    async with arena.holding(THE_PLANS) as us:
        one = asyncio.ensure_future(creating()(arena, ""))
        [creator] = await arena.waiting("INSERT INTO plans", behind=us)
        two = asyncio.ensure_future(second(arena, ""))
        await arena.waiting("INSERT INTO event_requests", behind=creator)
    assert await one == "created: True"
    await _drawn(arena, line, await two)


async def test_a_person_is_deleted_when_an_event_of_theirs_was_made(arena: Arena) -> None:
    """The deletion waits for the call, finds the event and ends it: it is in the books, and is not sent."""
    arena.put(**CHRISTMAS)
    await arena.world.planned("u1")
    async with arena.holding(THE_PLANS) as us:
        one = asyncio.ensure_future(creating(hours=1)(arena, ""))
        [creator] = await arena.waiting("INSERT INTO plans", behind=us)
        two = asyncio.ensure_future(deleted(arena, ""))
        await arena.waiting(behind=creator)
    assert await one == "created: True"
    await _drawn(arena, CREATED_FIRST, await two)


async def test_an_event_is_made_when_its_person_was_deleted(arena: Arena) -> None:
    """The call waits for the deletion, and finds nobody."""
    arena.put(**CHRISTMAS)
    await arena.world.planned("u1")
    async with arena.holding(THE_OUTBOX) as us:
        one = asyncio.ensure_future(deleted(arena, ""))
        [planner] = await arena.waiting("INSERT INTO cancellations", behind=us)
        two = asyncio.ensure_future(creating()(arena, ""))
        await arena.waiting(behind=planner)
    await one
    await _drawn(arena, DELETED_FIRST, await two)
