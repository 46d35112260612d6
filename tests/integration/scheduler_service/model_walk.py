"""A walk of the model-based test, and the search for a shorter one that goes wrong as well."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from whenever import Instant

from tests.integration.scheduler_service import model_faults, model_people, model_rules
from tests.integration.scheduler_service.model_checks import look
from tests.integration.scheduler_service.model_machine import Machine, Step
from tests.integration.scheduler_service.model_world import stage

__all__ = ["BEGINS", "Outcome", "model_faults", "shorter", "walked"]

BEGINS = (
    Instant.from_utc(2027, 2, 25, 6),
    Instant.from_utc(2027, 3, 11, 6),  # clocks go forward in New York on the 14th, in Berlin on the 28th
    Instant.from_utc(2027, 10, 29, 20),  # they go back in Berlin on the 31st, in New York on 7 November
    Instant.from_utc(2028, 2, 26, 1),  # a leap year
)


@dataclass
class Outcome:
    """What came of a walk; `wrong` is empty when everything was as it should be."""

    steps: int = 0
    looks: int = 0
    ledgers: int = 0
    events: "Counter[str]" = field(default_factory=Counter)
    kinds: "Counter[str]" = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    wrong: str = ""

    def __str__(self) -> str:
        events = ", ".join(f"{state} {count}" for state, count in sorted(self.events.items()))
        return (
            f"{self.steps} steps, {self.looks} looks, {self.ledgers} ledgers, "
            f"{sum(self.events.values())} events ({events})"
        )


async def walked(database_url: str, redis_url: str, *, begin: Instant, steps: Sequence[Step]) -> Outcome:
    """Make these steps on an empty store and look whenever it is calm, and at the end at everything."""
    outcome = Outcome()
    async with stage(database_url, redis_url, begin) as made:
        machine = Machine(made, begin)
        try:
            model_people.put_tenant(machine, "UTC")
            await made.quiet(paused=False)
            await model_rules.first_rules(machine)
            await look(machine)
            for _, group in groupby(steps, key=lambda one: one.group):
                together = list(group)
                await machine.take(together)
                if together[0].calm:
                    await look(machine)
            await _ended(machine)
        except AssertionError as error:
            outcome.wrong = str(error) or "an assertion without words"
        outcome.steps, outcome.looks, outcome.ledgers = machine.taken, machine.looks, machine.ledgers
        outcome.events, outcome.trace = machine.states, machine.trace
        outcome.kinds = Counter(one.name for one in steps[: machine.taken])
    return outcome


async def _ended(machine: Machine) -> None:
    """Let everything go on, and a few days pass, so that all of it is over."""
    machine.stage.lanes.down = False
    machine.stage.orphans = True
    machine.stage.lanes.prompt = True
    if machine.truth.paused:
        await machine.take([Step("resume_scheduler", 0, calm=True, group=0)])
    await look(machine)
    machine.stage.lanes.send()
    await machine.stage.set_ahead(4 * 86_400)
    await look(machine, whole=True)


def shorter(steps: Sequence[Step], goes_wrong: Callable[[Sequence[Step]], bool], *, tries: int) -> list[Step]:
    """Return a shorter walk that goes wrong as well: ever smaller pieces are left out, at most `tries` times."""
    left = list(steps)
    size = max(1, len(left) // 2)
    start = 0
    for _ in range(tries):
        fewer = left[:start] + left[start + size :]
        if fewer and goes_wrong(fewer):
            left = fewer
        else:
            start += size
        if start >= len(left):
            if size == 1:
                break
            start, size = 0, max(1, size // 2)
    return left
