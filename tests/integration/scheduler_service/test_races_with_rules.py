"""A decision against a change of its rule, its tenant or the scheduler, each just before and just after it."""

import asyncio
from typing import Any, Final

import pytest
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_type_pb2 as pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb

from tests.integration.scheduler_service.barriers import (
    BEFORE_COMMITTING,
    DECIDER_BEGINS,
    DECIDER_ENDS,
    DECISION,
    NOTHING,
    OTHER,
    SINCE,
    Act,
    Arena,
    Line,
    Race,
    arena_of,
    both,
    decisions_made,
)
from tests.integration.scheduler_service.conftest import OPERATOR, World, eventually, until, utc
from tests.integration.scheduler_service.rule_calls import Rules

NINE_IN_LOS_ANGELES: Final = utc("2028-03-02T17:00:01+00:00")
NO_PLAN: Final = {"events": "none", "plan": "none", **NOTHING}


def updated(path: str, value: Any) -> Act:
    """Return a change of one field of the event type."""

    async def update(arena: Arena, _name: str) -> str:
        answer = await Rules(arena.replica).update(
            pb.EventType(event_type_id="birthday", **{path: value}), path
        )
        return f"version {answer.event_type.version}"

    return update


async def pause(arena: Arena, _name: str) -> str:
    """Pause the event type."""
    return f"version {(await Rules(arena.replica).pause('birthday')).version}"


async def delete(arena: Arena, _name: str) -> str:
    """Delete the event type."""
    return "an operation" if await Rules(arena.replica).delete("birthday") else "nothing to do"


async def tenant_moves(arena: Arena, _name: str) -> str:
    """Give the tenant another default zone, in the feed."""
    arena.world.feed.put_tenant(SINCE, "America/Los_Angeles")
    return await arena.followed()


def walked(act: Act) -> Act:
    """Return the same, until the leader has planned everybody again."""

    async def walk(arena: Arena, name: str) -> str:
        told = await act(arena, name)

        async def done() -> bool:
            arena.wake("plan")
            query = "SELECT 1 FROM event_types WHERE replanned_version < timing_version"
            return not await arena.world.rows(query)

        await eventually(done)
        return told

    return walk


RACES: Final = [
    *both(
        "event type, later hour",
        walked(updated("local_time", TimeOfDay(hours=12))),
        before={"events": "2028 SENT, due 17:00", "moment": NINE_IN_LOS_ANGELES},
        after={},
        told="version 2",
        plan="2029, due 2029-03-02 17:00",
    ),
    *both(
        "event type, earlier hour",
        walked(updated("local_time", TimeOfDay(hours=8))),
        before={"events": "2028 SENT late, due 13:00"},
        after={},
        told="version 2",
        plan="2029, due 2029-03-02 13:00",
    ),
    *both(
        "template",
        updated("templates", [pb.Template(title="New", body="words")]),
        before={"words": "New"},
        after={"blocked": False},
        told="version 2",
    ),
    *both(
        "PauseEventType, planned again before it is read again",
        walked(pause),
        before=NO_PLAN,
        after={"plan": "closed after 2028"},
        told="version 2",
    ),
    *both(
        "DeleteEventType, planned again before it is read again",
        walked(delete),
        before=NO_PLAN,
        after={"plan": "closed after 2028"},
        told="an operation",
    ),
    both(
        "PauseEventType, read again before it is planned again",
        pause,
        before={"events": "2028 SUPPRESSED(PAUSED)", "plan": "closed after 2028", **NOTHING},
        after={},
        told="version 2",
        leaderless=True,
    )[0],
    both(
        "DeleteEventType, read again before it is planned again",
        delete,
        before={"events": "2028 SUPPRESSED(EVENT_TYPE_DELETED)", "plan": "closed after 2028", **NOTHING},
        after={},
        told="an operation",
        leaderless=True,
    )[0],
    *both(
        "tenant's default zone",
        walked(tenant_moves),
        before={"events": "2028 SENT, due 17:00", "moment": NINE_IN_LOS_ANGELES},
        after={},
        zone="",
        plan="2029, due 2029-03-02 17:00",
    ),
]
PAUSE_FIRST: Final = Line("PauseScheduler", OTHER, "paused", "none", "nothing", "2028, due 2028-03-02 14:00")
PAUSE_SECOND: Final = Line(
    "PauseScheduler", DECISION, "paused", "2028 SENT, due 14:00", "1 message", "2029, due 2029-03-02 14:00"
)


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == OTHER], ids=str)
async def test_just_before_the_decision(world: World, race: Race) -> None:
    """A change that commits while a decision waits to begin its transaction counts for it."""
    await race.run_before(world)


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == DECISION], ids=str)
async def test_just_after_the_decision(world: World, race: Race) -> None:
    """A change that commits when a decision is written leaves it: the event names the older version."""
    await race.run_after(world)
    [event] = await world.rows("SELECT event_type_version FROM events WHERE user_id = 'u1'")
    assert event["event_type_version"] == 1


async def paused(arena: Arena) -> str:
    """Pause the scheduler."""
    request = admin_pb.PauseSchedulerRequest(reason="a race")
    status = (await arena.replica.admin.PauseScheduler(request, metadata=OPERATOR)).status
    return "paused" if status.paused else "running"


async def test_the_scheduler_is_paused_just_before_the_decision(world: World) -> None:
    """Locks queue fairly: a decision that comes while a pause waits comes after it, and is made when resumed."""
    async with arena_of(world) as arena:
        before = decisions_made()
        async with arena.holding("LOCK TABLE controls IN ROW SHARE MODE") as us:
            pausing = asyncio.ensure_future(paused(arena))
            [pauser] = await arena.waiting("LOCK TABLE controls IN EXCLUSIVE MODE", behind=us)
            await arena.due()
            await arena.waiting(DECIDER_BEGINS, behind=pauser)
        told = await pausing
        await until(lambda: decisions_made() > before)
        line = await arena.line(PAUSE_FIRST.pair, PAUSE_FIRST.first, told)
        print(line)
        assert line == PAUSE_FIRST
        await arena.replica.admin.ResumeScheduler(admin_pb.ResumeSchedulerRequest(), metadata=OPERATOR)
        await until(lambda: arena.receiver.got("u1") == "1 message")


async def test_the_scheduler_is_paused_just_after_the_decision(world: World) -> None:
    """The pause is answered when the decision under way has committed; that one leaves."""
    async with arena_of(world) as arena:
        async with arena.holding(BEFORE_COMMITTING) as us:
            await arena.due()
            [decider] = await arena.waiting(DECIDER_ENDS, behind=us)
            pausing = asyncio.ensure_future(paused(arena))
            await arena.waiting("LOCK TABLE controls IN EXCLUSIVE MODE", behind=decider)
            assert not pausing.done()
        told = await pausing
        await until(lambda: arena.receiver.got("u1") == "1 message")
        line = await arena.line(PAUSE_SECOND.pair, PAUSE_SECOND.first, told)
        print(line)
        assert line == PAUSE_SECOND
