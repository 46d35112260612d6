"""Two replicas that have the same decision in mind: without Redis nobody keeps them apart but PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

import pytest
from redletter.delivery.v1.intake_service_pb2 import AcceptEventsRequest

from tests.integration.scheduler_service.barriers import (
    BEFORE_COMMITTING,
    BEFORE_DECIDING,
    DECIDER_BEGINS,
    DECIDER_ENDS,
    START,
    Arena,
    Line,
    arena_of,
    decisions_made,
)
from tests.integration.scheduler_service.conftest import World, until

SENT: Final = ("2028 SENT, due 14:00", "1 message", "2029, due 2029-03-02 14:00")
AT_ONCE: Final = Line("two replicas", "one, not committed yet", "-", *SENT)
ONE_AFTER_THE_OTHER: Final = Line("two replicas", "one, committed", "-", *SENT)


@pytest.fixture
async def arena(world: World) -> AsyncIterator[Arena]:
    """A scheduler without Redis."""
    async with arena_of(world, redis=False) as made:
        yield made


async def _drawn(arena: Arena, expected: Line) -> None:
    await arena.caught_up()
    line = await arena.line(expected.pair, expected.first, "-")
    print(line)
    assert line == expected
    offered = [e for offer in arena.receiver.offers for e in AcceptEventsRequest.FromString(offer).events]
    assert len([event for event in offered if event.user_id == "u1"]) == 1


async def test_the_second_meets_a_decision_that_is_not_committed(arena: Arena) -> None:
    """It does not wait for it, records nothing and offers nothing."""
    await arena.world.start(START, redis=False)
    async with AsyncExitStack() as held:
        async with arena.holding(BEFORE_DECIDING) as us:
            await arena.due()
            await arena.waiting(DECIDER_BEGINS, behind=us, count=2)
            before = decisions_made()
            us = await held.enter_async_context(arena.holding(BEFORE_COMMITTING))
        await arena.waiting(DECIDER_ENDS, behind=us)
        await until(lambda: decisions_made() > before)
        assert not arena.receiver.accepted
    await _drawn(arena, AT_ONCE)


async def test_the_second_meets_a_decision_that_is_committed(arena: Arena) -> None:
    """It has read the plan before, and finds that its version is another by now."""
    async with AsyncExitStack() as later:
        async with arena.holding(BEFORE_DECIDING) as us:
            name = await arena.due()
            [first] = await arena.waiting(DECIDER_BEGINS, behind=us)
            queued = asyncio.ensure_future(later.enter_async_context(arena.holding(BEFORE_DECIDING)))
            [between] = await arena.waiting(BEFORE_DECIDING, behind=first)
            await arena.world.start(START, redis=False)
            await arena.waiting(DECIDER_BEGINS, behind=between)
        await queued
        await until(lambda: name in arena.receiver.accepted)
        before = decisions_made()
    await until(lambda: decisions_made() > before)
    await _drawn(arena, ONE_AFTER_THE_OTHER)
