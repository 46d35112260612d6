"""Delivery replicas that come and go under 1,000 events a second: nothing is lost, and what comes twice has its id.

`python -m benchmarks.replicas [--only NAME ...] [--rate N] [--seconds N] [--json FILE]` runs three deliveries as
shipped, with PostgreSQL, Valkey and a receiver that only records, and hands events over as the scheduler does: over
one channel, the same bytes again until they are accepted. One line per scenario:

    steady    nothing happens: what the others are compared with
    rolling   each replica gets SIGTERM in turn, the next one when the new one is ready; repeats must be 0
    killed    kill -9 of each in turn; repeats are what was on the wire, under the same ids
    stopped   a receiver that takes half a second, so that thousands wait: people are deleted and events
              cancelled, and right after the answers a replica is killed; nothing of them may leave later
              than stops take to get round

Exit 1 when anything was lost, stored twice, repeated in a rolling restart, or left after its stop.
"""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.replica import tally
from benchmarks.replica.load import Load
from benchmarks.replica.stage import READY_WITHIN, Sink, Stage, bring_back, kill
from benchmarks.replica.tally import Counted

SETTLED_WITHIN = 60.0
_WARM_SECONDS = 2.0
_SLOW_MS = 500.0


@dataclass(frozen=True)
class Scenario:
    """What is done to the replicas while events come in, and whether a repeat is allowed."""

    name: str
    act: Callable[[Stage, Load], Awaitable[None]]
    repeats_allowed: bool = False
    delay_ms: float = 0.0
    share: float = 1.0
    """Of the events per second: with a slow receiver more would only wait longer."""


async def nothing(_stage: Stage, _load: Load) -> None:
    """Let them work."""


async def restart_each(stage: Stage, _load: Load) -> None:
    """SIGTERM, wait for the end, start, wait until it is ready; then the next one."""
    await asyncio.sleep(_WARM_SECONDS)
    for service in stage.replicas:
        await asyncio.to_thread(service.stop)
        await asyncio.to_thread(bring_back, service)
        await asyncio.sleep(1)


async def kill_each(stage: Stage, _load: Load) -> None:
    """kill -9, start again at once, wait until it is ready; then the next one."""
    await asyncio.sleep(_WARM_SECONDS)
    for service in stage.replicas:
        await asyncio.to_thread(kill, service)
        await asyncio.to_thread(bring_back, service)
        await asyncio.sleep(1)


async def stop_people_and_events(stage: Stage, load: Load) -> None:
    """Delete ten people, cancel 200 events, kill a replica; then again with what has come since."""
    for turn in range(2):
        await asyncio.sleep(_WARM_SECONDS)
        await asyncio.gather(*(load.delete_person(turn * 10 + n) for n in range(10)))
        newest = list(load.offered)[-200:]
        await load.cancel(newest)
        victim = stage.replicas[turn]
        await asyncio.to_thread(kill, victim)
        await asyncio.to_thread(bring_back, victim)


SCENARIOS = (
    Scenario("steady", nothing),
    Scenario("rolling", restart_each),
    Scenario("killed", kill_each, repeats_allowed=True),
    Scenario("stopped", stop_people_and_events, repeats_allowed=True, delay_ms=_SLOW_MS, share=0.5),
)


def main() -> int:
    """Run the scenarios one after the other on one deployment; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("--rate", type=int, default=1000, help="events per second (1000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they come in, at least (20)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    lines, right = [], True
    with tempfile.TemporaryDirectory(prefix="redletter-replicas-", ignore_cleanup_errors=True) as made:
        stage = Stage(Path(made))
        try:
            stage.start()
            for scenario in (s for s in SCENARIOS if not options.only or s.name in options.only):
                found, load = run(stage, scenario, rate=options.rate, seconds=options.seconds)
                right &= found.right and (scenario.repeats_allowed or not found.repeats)
                figures = {**asdict(found), "answers": dict(load.results), "errors": dict(load.errors)}
                lines.append({"scenario": scenario.name, **figures})
                sys.stdout.write(_line(scenario, figures))
                sys.stdout.flush()
        finally:
            stage.deployment.close()
    if options.json:
        options.json.write_text(json.dumps(lines, indent=2) + "\n", encoding="utf-8")
    return 0 if right else 1


def run(stage: Stage, scenario: Scenario, *, rate: int, seconds: float) -> tuple[Counted, Load]:
    """Run one scenario with an endpoint and a receiver of its own."""
    sink = Sink(stage.directory / f"{scenario.name}.jsonl", delay_ms=scenario.delay_ms)
    sink.start()
    try:
        _await_listening(sink.port)  # before that the endpoint's breaker would open
        stage.add_endpoint(scenario.name, sink.port)
        load = asyncio.run(_loaded(stage, scenario, rate=int(rate * scenario.share), seconds=seconds))
        found = _settled(stage, scenario.name)
    finally:
        sink.stop()
    return tally.count(load.offered, sink.arrivals(), load.stops, found), load


def _await_listening(port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN.total_seconds()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


async def _loaded(stage: Stage, scenario: Scenario, *, rate: int, seconds: float) -> Load:
    load = stage.load(scenario.name, rate)
    acting = asyncio.create_task(scenario.act(stage, load))
    try:
        await load.run(seconds, busy=lambda: not acting.done())
        await acting
    finally:
        acting.cancel()
        await load.close()
    return load


def _settled(stage: Stage, endpoint_id: str) -> tally.Stored:
    """Wait until nothing is open any more, and a little: what comes twice comes now."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while (found := tally.stored(stage.store, stage.tenant_id, endpoint_id)).open:
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    time.sleep(1.5)
    return found


def _line(scenario: Scenario, figures: dict[str, object]) -> str:
    said = ", ".join(
        f"{name} {value:,.0f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in figures.items()
    )
    return f"{scenario.name:8} {said}\n"


if __name__ == "__main__":
    sys.exit(main())
