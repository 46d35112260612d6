"""Fifty endpoints of which five hang and five answer 500: how much later the others get their messages.

`python -m benchmarks.lanes [--seconds 20] [--rate 1000] [--rounds 2] [--without-breaker] [--json FILE]`. Three deliveries
as shipped, with PostgreSQL and Valkey; events are handed over as the scheduler does, evenly over the fifty. In each
round first all fifty answer, then ten of them are the bad ones, at the same rate: due to received of the forty healthy
ones, side by side. Exit 1 when the median of their p99 is more than 50 ms above that without the bad ones, or when a
message of a healthy one is missing.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from redletter.client import Client
from redletter.common.v1.priority_pb2 import PRIORITY_NORMAL
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2
from redletter.delivery.v1 import intake_service_pb2 as wire

from benchmarks.burst import Sink
from benchmarks.replica.load import Load, Offered
from benchmarks.replica.stage import Stage
from redletter_cli.dev.services import addresses
from redletter_cli.embedded import Command

TARGET_MS = 50.0
HEALTHY, HANGING, BROKEN = 40, 5, 5
_NEVER_MS = 3_600_000.0
_LANDED_WITHIN = 20.0
_BODY = b'{"type":"birthday","data":{"message":{"title":"Happy birthday","body":"%s"}}}' % (b"x" * 400)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


class LanesStage(Stage):
    """The stage of the replicas, whose tenant can also be spoken for."""

    def client(self) -> Client:
        """Return a client that calls as the tenant."""
        accounts = self.deployment.accounts
        named = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
        return Client(named, self._key)

    def spread(self, endpoint_ids: Sequence[str], rate: int) -> "SpreadLoad":
        """Return a load over these endpoints, over a channel to all replicas."""
        intakes = addresses([s.spec.ports.internal for s in self.replicas])
        return SpreadLoad(
            intakes, self._secret, tenant_id=self.tenant_id, endpoint_ids=endpoint_ids, rate=rate
        )


class SpreadLoad(Load):
    """Events for each of several endpoints in turn; `healthy` are those whose arrival is measured."""

    def __init__(
        self, intakes: str, secret: str, *, tenant_id: str, endpoint_ids: Sequence[str], rate: int
    ) -> None:
        super().__init__(intakes, secret, tenant_id=tenant_id, endpoint_id="", rate=rate)
        self._endpoint_ids = endpoint_ids
        self.healthy: dict[str, int] = {}

    def _offer(self, count: int, *, first: int) -> None:
        now = datetime.now(UTC)
        made = []
        for number in range(first, first + count):
            event_id = f"evt_{''.join(secrets.choice(_ALPHABET) for _ in range(26))}_2027"
            endpoint_id = self._endpoint_ids[number % len(self._endpoint_ids)]
            due_ns = time.time_ns()
            self.offered[event_id] = Offered(event_id, "u", due_ns)
            if endpoint_id.startswith("healthy"):
                self.healthy[event_id] = due_ns
            made.append(
                wire.AcceptedEvent(
                    event_id=event_id,
                    tenant_id=self._tenant_id,
                    user_id=f"u{number % 50}",
                    event_type_id="birthday",
                    occurrence_date=Date(year=now.year, month=now.month, day=now.day),
                    due_time=_stamp(now),
                    decide_time=_stamp(now),
                    deliver_by=_stamp(now + timedelta(hours=1)),
                    priority=PRIORITY_NORMAL,
                    body=_BODY,
                    endpoint_id=endpoint_id,
                )
            )
        task = asyncio.create_task(self._until_accepted(made))
        self._offers.add(task)
        task.add_done_callback(self._offers.discard)


class AnsweringSink(Sink):
    """A receiver that answers every request with one status."""

    def __init__(self, record: Path, status: int) -> None:
        super().__init__(record, delay_ms=0.0)
        argv = (*self._command.argv, "--answer", str(status))
        self._command = Command(name="broken", argv=argv, log=record.with_suffix(".log"))


@dataclass(frozen=True)
class Phase:
    """One phase of one round: the healthy endpoints' messages, milliseconds from due to received."""

    name: str
    offered: int
    healthy: int
    received: int
    bad_requests: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    def line(self) -> str:
        """Return the row of the table."""
        return (
            f"{self.name:12} {self.offered:>8,} {self.healthy:>8,} {self.received:>9,} {self.bad_requests:>13,}"
            f" {self.p50_ms:>9.1f} {self.p99_ms:>9.1f} {self.worst_ms:>9.1f}"
        )


def main() -> int:
    """Run all rounds; 1 when the healthy ones were delayed or lost something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without-breaker", action="store_true", help="the bad ones are asked on and on")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-lanes-", ignore_cleanup_errors=True) as made:
        phases = asyncio.run(
            _run(
                Path(made),
                seconds=options.seconds,
                rate=options.rate,
                rounds=options.rounds,
                breaker=not options.without_breaker,
            )
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in phases], indent=2))
    delay = _delay(phases)
    _say(
        f"delay of the healthy ones' p99: {delay:.1f} ms (median of {options.rounds}; target {TARGET_MS:.0f})"
    )
    complete = all(one.received == one.healthy for one in phases)
    return 0 if delay <= TARGET_MS and complete else 1


def _delay(phases: Sequence[Phase]) -> float:
    pairs = zip(phases[::2], phases[1::2], strict=True)
    return statistics.median(bad.p99_ms - good.p99_ms for good, bad in pairs)


async def _run(directory: Path, *, seconds: float, rate: int, rounds: int, breaker: bool) -> list[Phase]:
    stage = LanesStage(directory)
    sinks = [
        Sink(directory / "healthy.jsonl", delay_ms=0.0),
        Sink(directory / "hanging.jsonl", delay_ms=_NEVER_MS),
        AnsweringSink(directory / "broken.jsonl", 500),
    ]
    phases = []
    try:
        await asyncio.to_thread(stage.start)
        for sink in sinks:
            sink.start()
        _say(
            f"{rate} events/s over {HEALTHY + HANGING + BROKEN} endpoints for {seconds:.0f} s each, 3 replicas"
        )
        _say("phase         offered  healthy  received  bad requests    p50 ms    p99 ms  worst ms")
        for number in range(rounds):
            for bad in (False, True):
                phases.append(
                    await _phase(stage, sinks, number, bad=bad, breaker=breaker, seconds=seconds, rate=rate)
                )
                _say(phases[-1].line())
    finally:
        for sink in sinks:
            await asyncio.to_thread(sink.stop)
        await asyncio.to_thread(stage.deployment.close)
    return phases


async def _phase(
    stage: LanesStage,
    sinks: Sequence[Sink],
    number: int,
    *,
    bad: bool,
    breaker: bool,
    seconds: float,
    rate: int,
) -> Phase:
    healthy, hanging, broken = sinks
    name = f"{'bad' if bad else 'good'}{number}"
    ports = {
        **{f"healthy-{name}-{n}": healthy.port for n in range(HEALTHY)},
        **{f"hanging-{name}-{n}": (hanging if bad else healthy).port for n in range(HANGING)},
        **{f"broken-{name}-{n}": (broken if bad else healthy).port for n in range(BROKEN)},
    }
    before = hanging.lines() + broken.lines()
    _create(stage, ports, breaker=breaker)
    load = stage.spread(list(ports), rate)
    await load.run(seconds, busy=lambda: False)
    arrivals = await _landed(healthy, load)
    await load.close()
    _delete(stage, list(ports))
    late = sorted((arrivals[one] - due) / 1e6 for one, due in load.healthy.items() if one in arrivals) or [
        0.0
    ]
    return Phase(
        name=name,
        offered=len(load.offered),
        healthy=len(load.healthy),
        received=sum(one in arrivals for one in load.healthy),
        bad_requests=hanging.lines() + broken.lines() - before,
        p50_ms=late[len(late) // 2],
        p99_ms=late[int(len(late) * 0.99)],
        worst_ms=late[-1],
    )


async def _landed(sink: Sink, load: SpreadLoad) -> dict[str, int]:
    """Return when each message first arrived, as soon as all of the healthy ones have or time is up."""
    deadline = time.monotonic() + _LANDED_WITHIN
    while True:
        arrivals = dict(reversed(await asyncio.to_thread(sink.arrivals)))
        if load.healthy.keys() <= arrivals.keys() or time.monotonic() > deadline:
            return arrivals
        await asyncio.sleep(0.5)


def _create(stage: LanesStage, ports: dict[str, int], *, breaker: bool) -> None:
    with stage.client() as client:
        for endpoint_id, port in ports.items():
            client.endpoints.CreateEndpoint(
                endpoint_service_pb2.CreateEndpointRequest(
                    endpoint_id=endpoint_id,
                    url=f"http://127.0.0.1:{port}/",
                    breaker_policy=endpoint_pb2.BreakerPolicy(disabled=not breaker),
                )
            )


def _delete(stage: LanesStage, endpoint_ids: Sequence[str]) -> None:
    with stage.client() as client:
        for endpoint_id in endpoint_ids:
            client.endpoints.DeleteEndpoint(
                endpoint_service_pb2.DeleteEndpointRequest(endpoint_id=endpoint_id)
            )


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
