"""A decision against a call about the same event, each just before and just after the decision."""

from typing import Final

import pytest
from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import timestamp
from tests.integration.scheduler_service.barriers import (
    DECISION,
    NOTHING,
    OTHER,
    STOPPED,
    Arena,
    Race,
    both,
    cancelled,
    deleted,
    said,
)
from tests.integration.scheduler_service.conftest import KEY, World, utc

SIX_HOURS_ON: Final = utc("2028-03-02T20:00:00+00:00")
OWN: Final = {"own": True, "events": "once SENT, due 14:00", "plan": "2028, due 2028-12-24 14:00"}


async def skip(arena: Arena, name: str) -> str:
    """Skip the event."""
    return await said(arena.replica.events.SkipEvent(pb.SkipEventRequest(event_id=name), metadata=KEY))


async def reschedule(arena: Arena, name: str) -> str:
    """Put the event off by six hours."""
    request = pb.RescheduleEventRequest(event_id=name, due_time=timestamp(SIX_HOURS_ON))
    return await said(arena.replica.events.RescheduleEvent(request, metadata=KEY))


async def consume(arena: Arena, _name: str) -> str:
    """Let the open cycle leave now."""
    request = pb.TriggerEventRequest(user_id="u1", event_type_id="birthday", consume=True)
    return await said(arena.replica.events.TriggerEvent(request, metadata=KEY))


RACES: Final = [
    *both(
        "CancelEvent",
        cancelled,
        before={"events": "2028 CANCELLED(CANCELLED)", **NOTHING},
        after=STOPPED,
        told="CANCELLED",
    ),
    *both(
        "SkipEvent",
        skip,
        before={"told": "2028 SUPPRESSED", "events": "2028 SUPPRESSED(SKIPPED)", **NOTHING},
        after={"told": "refused: ALREADY_DECIDED"},
    ),
    *both(
        "RescheduleEvent",
        reschedule,
        before={"told": "2028 PLANNED", "events": "2028 SENT, due 20:00", "moment": SIX_HOURS_ON},
        after={"told": "refused: ALREADY_DECIDED"},
    ),
    *both(
        "TriggerEvent(consume)",
        consume,
        before={"told": "2028 PLANNED"},
        after={"told": "refused: ALREADY_DECIDED"},
    ),
    *both(
        "CancelEvent of a caller's own",
        cancelled,
        before={"events": "once CANCELLED(CANCELLED)", **NOTHING},
        after=STOPPED,
        told="CANCELLED",
        **OWN,
    ),
    *both(
        "DeleteUser, a caller's own",
        deleted,
        before={"events": "once CANCELLED(USER_DELETED)", **NOTHING},
        after=STOPPED,
        **{**OWN, "plan": "none"},
    ),
]


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == OTHER], ids=str)
async def test_just_before_the_decision(world: World, race: Race) -> None:
    """A call that commits while a decision waits to begin its transaction wins: the decision loses."""
    await race.run_before(world)


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == DECISION], ids=str)
async def test_just_after_the_decision(world: World, race: Race) -> None:
    """A call that comes when a decision is written waits for its commit, and finds the event decided."""
    await race.run_after(world)
