"""The breaker of internal dependencies: when it opens, whom it lets through, what callers get meanwhile."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis.circuits import (
    Circuit,
    CircuitOpen,
    CircuitPolicy,
    CircuitState,
    Record,
    admitted,
    answered,
    failed,
)

POLICY = CircuitPolicy(failures=3)


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def circuit_of(clock: Clock, *, draw: float = 1.0) -> Circuit:
    """Return a circuit for which OSError means that nobody answers."""
    return Circuit(
        "thing", counts=lambda e: isinstance(e, OSError), policy=POLICY, clock=clock, draw=lambda: draw
    )


async def away() -> str:
    """Be a dependency that is gone."""
    raise OSError("refused")


async def there() -> str:
    """Be a dependency that answers."""
    return "answer"


async def instead() -> str:
    """Be a fallback."""
    return "fallback"


async def opened(clock: Clock, *, draw: float = 1.0) -> Circuit:
    """Return a circuit that has just opened."""
    circuit = circuit_of(clock, draw=draw)
    for _ in range(POLICY.failures):
        with pytest.raises(OSError, match="refused"):
            await circuit.call(away)
    assert circuit.state is CircuitState.OPEN
    return circuit


async def test_failures_in_a_row_open_it_and_an_answer_begins_anew() -> None:
    """Two failures, an answer, two failures leave it closed; the third in a row opens it."""
    circuit = circuit_of(Clock())
    for attempt in (away, away, there, away, away):
        await circuit.call_or(attempt, instead)
        assert circuit.state is CircuitState.CLOSED
    await circuit.call_or(away, instead)
    assert circuit.state is CircuitState.OPEN


async def test_errors_that_are_answers_do_not_open_it() -> None:
    """A dependency that refuses a request is there, however often it does."""
    circuit = circuit_of(Clock())

    async def refuses() -> str:
        raise ValueError("no")

    for _ in range(10):
        with pytest.raises(ValueError, match="no"):
            await circuit.call_or(refuses, instead)
    assert circuit.state is CircuitState.CLOSED


async def test_while_it_is_open_callers_get_their_fallback_or_when_to_come_back() -> None:
    """Nothing is attempted; without a fallback the error says how long the circuit stays open."""
    circuit = await opened(Clock())
    asked: list[str] = []

    async def counted() -> str:
        asked.append("x")
        return "answer"

    assert await circuit.call_or(counted, instead) == "fallback"
    with pytest.raises(CircuitOpen, match=r"thing does not answer; try again in 0\.50 seconds") as refused:
        await circuit.call(counted)
    assert refused.value.retry_after.total_seconds() == pytest.approx(0.5)
    assert refused.value.reason == "DEPENDENCY_UNAVAILABLE"
    assert asked == []


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 0.25), (1.0, 0.5)])
async def test_it_stays_open_for_half_a_second_at_most(draw: float, seconds: float) -> None:
    """The jitter takes up to half of the time off, and it does not grow from probe to probe."""
    clock = Clock()
    circuit = await opened(clock, draw=draw)
    for _ in range(4):
        clock.now += seconds - 0.01
        assert await circuit.call_or(there, instead) == "fallback"
        clock.now += 0.02
        with pytest.raises(OSError, match="refused"):
            await circuit.call(away)
    clock.now += 0.51
    assert await circuit.call(there) == "answer"
    assert circuit.state is CircuitState.CLOSED


async def test_one_probe_at_a_time_and_its_answer_closes() -> None:
    """While the probe is under way everybody else gets the fallback."""
    clock = Clock()
    circuit = await opened(clock)
    clock.now += 1
    hold, begun = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        begun.set()
        await hold.wait()
        return "answer"

    probe = asyncio.create_task(circuit.call(slow))
    await begun.wait()
    assert [await circuit.call_or(there, instead) for _ in range(3)] == ["fallback"] * 3
    hold.set()
    assert await probe == "answer"
    assert await circuit.call(there) == "answer"


async def test_a_cancelled_probe_leaves_its_turn_to_the_next_call() -> None:
    """Its caller went away: nobody knows whether it would have been answered, and nobody need wait."""
    clock = Clock()
    circuit = await opened(clock)
    clock.now += 1
    probe = asyncio.create_task(circuit.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await circuit.call(there) == "answer"
    assert circuit.state is CircuitState.CLOSED


async def test_one_line_per_outage_and_a_gauge() -> None:
    """Opened once, closed once, however many probes failed in between."""
    clock = Clock()
    with capture_logs() as lines:
        circuit = await opened(clock)
        for _ in range(3):
            clock.now += 1
            await circuit.call_or(away, instead)
        assert REGISTRY.get_sample_value("redletter_circuit_open", {"dependency": "thing"}) == 1
        clock.now += 1
        await circuit.call(there)
    told = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert told == ["circuit.opened", "circuit.closed"]
    assert REGISTRY.get_sample_value("redletter_circuit_open", {"dependency": "thing"}) == 0


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"open_for": CircuitPolicy().open_for * 0}])
def test_a_policy_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    """No failure at all opens nothing, and no time is no opening."""
    with pytest.raises(ValueError, match="1 failure or more"):
        CircuitPolicy(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(["call", "answer", "fail", "wait"]), max_size=60))
def test_whatever_happens_one_probe_is_out_at_most(happened: list[str]) -> None:
    """Of any history: open circuits admit nobody before their time, and one caller after it."""
    record, now = Record(), 0.0
    for what in happened:
        now += 0.3 if what == "wait" else 0.0
        if what == "call":
            entered = admitted(record, now=now)
            assert (entered is not None) == (
                record.state is CircuitState.CLOSED
                or (record.state is CircuitState.OPEN and now >= record.until)
            )
            record = entered or record
            if record.state is CircuitState.HALF_OPEN:
                assert admitted(record, now=now + 1e6) is None
        elif what == "answer":
            record = answered(record)
        elif what == "fail":
            record = failed(record, POLICY, now=now, draw=0.5)
            assert record.state is not CircuitState.HALF_OPEN
        assert record.until <= now + 0.5
