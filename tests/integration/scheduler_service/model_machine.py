"""The machine of the model-based test: steps by weight, some of them at once, and a look when it is quiet.

A step is a name and a number from which it draws everything else, so that a failing walk can be walked again
with fewer steps.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random

import grpc
from whenever import Instant

from tests.integration.scheduler_service.model import Person, Truth
from tests.integration.scheduler_service.model_world import Stage

FIRST_PEOPLE = 12
Run = Callable[["Machine", Random], Awaitable[str]]
STEPS: dict[str, "Kind"] = {}


@dataclass(frozen=True)
class Kind:
    """A kind of step; of those with the same `turn` only one is made at a time.

    Otherwise nobody would know which of two acknowledged changes of one thing was the later one.
    """

    weight: float
    run: Run
    turn: str


def step(weight: float, turn: str = "") -> Callable[[Run], Run]:
    """Make a function a step that is drawn by this weight; it answers what it did, or nothing."""

    def register(run: Run) -> Run:
        STEPS[run.__name__] = Kind(weight, run, turn)
        return run

    return register


@dataclass(frozen=True)
class Step:
    """One step; `calm`: afterwards the machine waits until nothing is under way, and looks.

    Steps with the same `group` are made at the same time.
    """

    name: str
    number: int
    calm: bool
    group: int


def walk(seed: int, length: int) -> list[Step]:
    """Return the steps of a seed."""
    rng = Random(seed)
    names = sorted(STEPS)
    weights = [STEPS[name].weight for name in names]
    steps = [Step("add_person", rng.getrandbits(32), calm=False, group=0) for _ in range(FIRST_PEOPLE)]
    group = 0
    while len(steps) < length:
        group += 1
        together = rng.choice((2, 3, 4)) if rng.random() < 0.12 else 1
        calm = rng.random() < 0.6
        for name in rng.choices(names, weights, k=together):
            steps.append(Step(name, rng.getrandbits(32), calm, group))
    return steps[:length]


@dataclass
class Machine:
    """The model, the stage, and what was done."""

    stage: Stage
    begin: Instant
    truth: Truth = field(default_factory=Truth)
    open: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The planned events of the last look: who, by which rule."""
    ended: set[str] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)
    trace: list[str] = field(default_factory=list)
    turns: dict[str, asyncio.Lock] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    taken: int = 0
    looks: int = 0
    ledgers: int = 0
    states: "Counter[str]" = field(default_factory=Counter)

    def somebody(self, rng: Random) -> Person | None:
        """Return somebody who is there."""
        living = self.truth.living()
        return rng.choice(living) if living else None

    async def take(self, steps: list[Step]) -> None:
        """Make these steps at the same time."""
        done = await asyncio.gather(*(self._take(one) for one in steps), return_exceptions=True)
        self.taken += len(steps)
        for one, said in zip(steps, done, strict=True):
            failed = isinstance(said, BaseException)
            stamp = f"{time.monotonic() - self.began:6.1f} s {self.stage.now():%Y-%m-%d %H:%M:%S.%f}"
            self.trace.append(f"{stamp} {one.name}: {said}")
            if failed:
                assert isinstance(said, BaseException)
                raise said

    async def _take(self, one: Step) -> str:
        kind = STEPS[one.name]
        try:
            async with self.turns.setdefault(kind.turn or one.name + str(one.number), asyncio.Lock()):
                return await kind.run(self, Random(one.number))
        except grpc.aio.AioRpcError as error:
            raise AssertionError(f"{one.name} was refused: {error.code()} {error.details()}") from error
