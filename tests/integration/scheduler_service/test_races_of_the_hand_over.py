"""A decision to send is on its way to delivery when its event is cancelled or its person deleted."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.integration.scheduler_service.barriers import Act, Arena, Line, arena_of, cancelled, deleted
from tests.integration.scheduler_service.conftest import World, until

SENT: Final = "2028 SENT, due 14:00"
STOPPED: Final = "nothing: stopped in delivery"
NEXT: Final = {cancelled: "2029, due 2029-03-02 14:00", deleted: "closed after 2028"}
PAIR: Final = {cancelled: "CancelEvent", deleted: "DeleteUser"}

AT_THE_DOOR: Final = "decided, not accepted"
ACCEPTED: Final = "accepted"
ON_THE_WIRE: Final = "on the wire"
RECEIVED: Final = "received"
DOWN_STOP_FIRST: Final = "decided, delivery down; then the stop is the first to arrive"
DOWN_STOP_LAST: Final = "decided, delivery down; then the hand-over is the first to arrive"


def _lines(first: str, told: str, got: str) -> list[tuple[Act, Line]]:
    return [
        (act, Line(PAIR[act], first, told if act is cancelled else "-", SENT, got, NEXT[act]))
        for act in (cancelled, deleted)
    ]


RACES: Final = [
    *_lines(AT_THE_DOOR, "CANCELLED", STOPPED),
    *_lines(ACCEPTED, "CANCELLED", STOPPED),
    *_lines(ON_THE_WIRE, "TOO_LATE", "1 message"),
    *_lines(RECEIVED, "TOO_LATE", "1 message"),
    *_lines(DOWN_STOP_FIRST, "CANCELLING", STOPPED),
    *_lines(DOWN_STOP_LAST, "CANCELLING", STOPPED),
]


def _of(*stages: str) -> pytest.MarkDecorator:
    chosen = [(act, line) for act, line in RACES if line.first in stages]
    return pytest.mark.parametrize(
        ("act", "line"), chosen, ids=[f"{line.pair}, {line.first}".replace(" ", "_") for _, line in chosen]
    )


@pytest.fixture
async def arena(world: World) -> AsyncIterator[Arena]:
    """A scheduler at work."""
    async with arena_of(world) as made:
        yield made


async def _drawn(arena: Arena, expected: Line, told: str) -> None:
    line = await arena.line(expected.pair, expected.first, told)
    print(line)
    assert line == expected
    assert len({bytes(offer) for offer in arena.receiver.offers if b"u1" in offer}) == 1


@_of(AT_THE_DOOR)
async def test_the_stop_overtakes_the_hand_over(arena: Arena, act: Act, line: Line) -> None:
    """The hand-over waits at delivery's door while the stop is stored; what is accepted after it is stopped."""
    arena.receiver.door.clear()
    name = await arena.due()
    await until(lambda: arena.receiver.at_the_door == 1)
    told = await act(arena, name)
    await until(lambda: len(arena.receiver.cancelled) == 1)
    assert not arena.receiver.accepted
    arena.receiver.door.set()
    await until(lambda: name in arena.receiver.accepted)
    await _drawn(arena, line, told)


@_of(ACCEPTED, ON_THE_WIRE, RECEIVED)
async def test_delivery_has_accepted_it(arena: Arena, act: Act, line: Line) -> None:
    """Delivery is told once, and says whether the message was still there to stop."""
    name = await arena.due()
    await until(lambda: name in arena.receiver.accepted)
    if line.first == ON_THE_WIRE:
        arena.receiver.on_the_wire.add(name)
    elif line.first == RECEIVED:
        arena.receiver.received.add(name)
    told = await act(arena, name)
    await until(lambda: len(arena.receiver.cancelled) == 1)
    await _drawn(arena, line, told)
    assert len(arena.receiver.cancelled) == 1


@_of(DOWN_STOP_FIRST)
async def test_delivery_is_down_and_hears_the_stop_first(arena: Arena, act: Act, line: Line) -> None:
    """Neither is answered; both are told again, the stop before the hand-over, which it then finds stopped."""
    name, told = await _while_down(arena, act)
    arena.receiver.door.clear()
    arena.receiver.down = False
    await until(lambda: len(arena.receiver.cancelled) == 1)
    assert not arena.receiver.accepted
    arena.receiver.door.set()
    await until(lambda: name in arena.receiver.accepted)
    await _drawn(arena, line, told)


@_of(DOWN_STOP_LAST)
async def test_delivery_is_down_and_hears_the_stop_last(arena: Arena, act: Act, line: Line) -> None:
    """Neither is answered; both are told again, the hand-over before the stop, which ends its delivery."""
    name, told = await _while_down(arena, act)
    arena.receiver.cancels_answer = False
    arena.receiver.down = False
    await until(lambda: name in arena.receiver.accepted)
    assert not arena.receiver.cancelled
    arena.receiver.cancels_answer = True
    await arena.world.rows("UPDATE cancellations SET offered_until = 'epoch'")
    await until(lambda: len(arena.receiver.cancelled) == 1)
    await _drawn(arena, line, told)


async def _while_down(arena: Arena, act: Act) -> tuple[str, str]:
    """Let u1's event be decided, and stopped, while delivery answers nothing; return its id and what was told."""
    arena.receiver.down = True
    name = await arena.due()
    await until(lambda: arena.receiver.at_the_door >= 1)
    told = await act(arena, name)
    assert await arena.world.rows("SELECT 1 FROM cancellations")
    await arena.world.rows("UPDATE cancellations SET offered_until = 'epoch'")
    return name, told
