"""A dead endpoint under 200 events a second and three delivery replicas: what it costs with a breaker, and without.

`python -m benchmarks.breaker [--seconds 60] [--rate 200] [--json FILE]` runs three deliveries as shipped, with
PostgreSQL, Valkey and a receiver that answers 500 to everything, and hands events over as the scheduler does. One
line per scenario:

    breaker   the default policy
    flushed   the same, and FLUSHALL each second
    none      a policy without breaker: every delivery spends its attempts

A half-open period goes from one opening to the next; the receiver must get exactly one request in each: the probe.
Exit 1 when it got another number in any of them.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis
from redletter.client import Client
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2

from benchmarks.fault.stage import Receiver
from benchmarks.replicas import Stage
from redletter_cli.embedded import Command

# What was on the wire when it opened is answered by then; the shortest open time is four seconds.
_LANDED_NS = 1_500_000_000
_OPENINGS = ("breaker.opened", "breaker.reopened")


class BreakerStage(Stage):
    """The stage of the replicas, whose tenant can also be spoken for."""

    def client(self) -> Client:
        """Return a client that calls as the tenant."""
        accounts = self.deployment.accounts
        named = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
        return Client(named, self._key)


class DeadReceiver(Receiver):
    """Answers 500 to everything, and records when it was asked."""

    def __init__(self, record: Path) -> None:
        super().__init__(record)
        argv = (*self._command.argv, "--answer", "500")
        self._command = Command(name="sink", argv=argv, log=record.with_suffix(".log"))


@dataclass(frozen=True)
class Scenario:
    """Whether there is a breaker, and whether Redis forgets everything each second."""

    name: str
    breaker: bool = True
    flush: bool = False


SCENARIOS = (Scenario("breaker"), Scenario("flushed", flush=True), Scenario("none", breaker=False))


@dataclass(frozen=True)
class Counted:
    """One scenario: requests that the dead endpoint got, and how many of them in each half-open period."""

    name: str
    seconds: float
    offered: int
    requests: int
    before_opening: int
    periods: list[int]

    @property
    def right(self) -> bool:
        """Whether every period had exactly one probe."""
        return all(count == 1 for count in self.periods)

    def line(self) -> str:
        """Return the row of the table."""
        probes = f"{min(self.periods)} to {max(self.periods)}" if self.periods else "-"
        return (
            f"{self.name:8} {self.offered:>8,} {self.requests:>9,} {self.before_opening:>14,}"
            f" {len(self.periods):>8} {probes:>17}"
        )


def main() -> int:
    """Run every scenario; 1 when a period had not exactly one probe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-breaker-", ignore_cleanup_errors=True) as made:
        counted = asyncio.run(_run(Path(made), seconds=options.seconds, rate=options.rate))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in counted], indent=2))
    return 0 if all(one.right for one in counted) else 1


async def _run(directory: Path, *, seconds: float, rate: int) -> list[Counted]:
    stage = BreakerStage(directory)
    counted = []
    try:
        await asyncio.to_thread(stage.start)
        _say(f"{rate} events/s for {seconds:.0f} s to an endpoint that answers 500, 3 replicas")
        _say("scenario  offered  requests  until it opened  periods  probes per period")
        for scenario in SCENARIOS:
            counted.append(await _act(stage, scenario, seconds=seconds, rate=rate))
            _say(counted[-1].line())
    finally:
        await asyncio.to_thread(stage.deployment.close)
    return counted


async def _act(stage: BreakerStage, scenario: Scenario, *, seconds: float, rate: int) -> Counted:
    sink = DeadReceiver(stage.directory / f"{scenario.name}.jsonl")
    await asyncio.to_thread(sink.start)
    try:
        _add_endpoint(stage, scenario, sink.port)
        load = stage.load(scenario.name, rate)
        tasks: list[Awaitable[None]] = [load.run(seconds, busy=lambda: False)]
        if scenario.flush:
            tasks.append(_flush(stage, time.monotonic() + seconds))
        await asyncio.gather(*tasks)
        ended_ns = time.time_ns()
        await load.close()
        arrivals = [arrived for _, arrived in sink.arrivals() if arrived <= ended_ns]
        _delete(stage, scenario)
    finally:
        await asyncio.to_thread(sink.stop)
    openings = [moment for moment in _openings(stage, scenario.name) if moment <= ended_ns]
    return Counted(
        name=scenario.name,
        seconds=seconds,
        offered=len(load.offered),
        requests=len(arrivals),
        before_opening=sum(not openings or at < openings[0] + _LANDED_NS for at in arrivals),
        periods=_periods(arrivals, openings),
    )


def _periods(arrivals: list[int], openings: list[int]) -> list[int]:
    """Return how many requests arrived between each opening and the next; of the first what was under way is left out."""
    starts = [moment + (_LANDED_NS if number == 0 else 0) for number, moment in enumerate(openings)]
    return [sum(start <= at < end for at in arrivals) for start, end in pairwise(starts)]


def _openings(stage: BreakerStage, endpoint_id: str) -> list[int]:
    """Return when the breaker opened, as the one replica that did it has logged."""
    found = []
    for replica in stage.replicas:
        for line in stage.deployment.places.log(replica.name).read_text().splitlines():
            said = _read(line)
            if said.get("event") in _OPENINGS and said.get("endpoint_id") == endpoint_id:
                found.append(int(datetime.fromisoformat(said["time"]).timestamp() * 1e9))
    return sorted(found)


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _add_endpoint(stage: BreakerStage, scenario: Scenario, port: int) -> None:
    endpoint = endpoint_service_pb2.CreateEndpointRequest(
        endpoint_id=scenario.name,
        url=f"http://127.0.0.1:{port}/",
        breaker_policy=endpoint_pb2.BreakerPolicy(disabled=not scenario.breaker),
    )
    with stage.client() as client:
        client.endpoints.CreateEndpoint(endpoint)


def _delete(stage: BreakerStage, scenario: Scenario) -> None:
    with stage.client() as client:
        client.endpoints.DeleteEndpoint(endpoint_service_pb2.DeleteEndpointRequest(endpoint_id=scenario.name))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _flush(stage: BreakerStage, until: float) -> None:
    redis = Redis.from_url(psutil.Process(stage.replicas[0].pid).environ()["REDLETTER_REDIS_URL"])
    while time.monotonic() < until:
        await redis.flushall()
        await asyncio.sleep(1)
    await redis.aclose()


if __name__ == "__main__":
    sys.exit(main())
