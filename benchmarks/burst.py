"""20,000 messages due in one instant, through the whole system as it is shipped.

`make bench` or `python -m benchmarks.burst [--events N] [--json]`. It starts everything in a
temporary directory (two schedulers, two deliveries, PostgreSQL, Valkey, a receiver that only
records), imports N people whose occasion is today, lets them be planned, and reads at the receiver
what arrived when. CPU is taken from half a second before the due instant until the last arrival.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import psutil
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2, scheduler_admin_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2, user_pb2, user_service_pb2
from whenever import Instant, TimeDelta

from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment, Shape
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.embedded import Child, Command, free_port

CHUNK = 500
PLANNED_WITHIN = 120.0
DELIVERED_WITHIN = 180.0
STAGES = {
    "who (feed)": ("user",),
    "when (decide)": ("scheduler",),
    "how (send)": ("delivery",),
    "store": ("postgres", "valkey"),
    "receiver": ("sink", "receiver"),
}


@dataclass(frozen=True)
class Result:
    """What one run showed; lateness in milliseconds after the due instant, CPU in microseconds per event."""

    events: int
    delivered: int
    lost: int
    doubled: int
    early: int
    per_second: float
    first_ms: float
    p50_ms: float
    p99_ms: float
    last_ms: float
    imported_per_second: float
    planned_per_second: float
    cpu_us_per_event: dict[str, float]


def main() -> int:
    """Run once and print the result; exit 1 when anything was lost or early."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="time the receiver takes to answer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-burst-", ignore_cleanup_errors=True) as made:
        result = run(Path(made), events=options.events, delay_ms=options.delay_ms)
    sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n" if options.json else _table(result))
    return 1 if result.lost or result.early else 0


def run(directory: Path, *, events: int, delay_ms: float = 0.0) -> Result:
    """Start everything, let `events` be due at once, and return what arrived."""
    deployment = Deployment(directory / "data", ports=Ports(free_base()), shape=Shape(), say=_say)
    sink = Sink(directory / "arrivals.jsonl", delay_ms=delay_ms)
    try:
        deployment.start_servers()
        deployment.start_services(Clock())
        deployment.ensure_accounts()
        sink.start()
        with _tenant(deployment, sink.port) as client:
            due, imported = _enrol(client, events)
            planned = _await_planned(deployment, events, since=imported[1])
            before = _wait_for(deployment, sink, due)
            arrivals = _await_arrivals(sink, events)
            after = _cpu(deployment, sink)
    finally:
        sink.stop()
        deployment.close()
    return _result(events, due, arrivals, imported=imported[0], planned=planned, cpu=_spent(before, after))


class Sink:
    """The receiver: a process of its own that records and does not verify."""

    def __init__(self, record: Path, *, delay_ms: float) -> None:
        self.record = record
        self.port = free_port()
        argv = [
            sys.executable, "-m", "redletter_cli.receiver", "--port", str(self.port),
            "--no-verification", "--record", str(record), "--delay-ms", str(delay_ms),
        ]  # fmt: skip
        self._command = Command(name="sink", argv=tuple(argv), log=record.with_suffix(".log"))
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it; it listens before anything is due."""
        self._child = Child(self._command)

    def stop(self) -> None:
        """Stop it."""
        if self._child is not None:
            self._child.stop(timedelta(seconds=5))

    def lines(self) -> int:
        """Return how many requests have arrived."""
        if not self.record.exists():
            return 0
        with self.record.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))

    def arrivals(self) -> list[tuple[str, int]]:
        """Return (webhook id, nanoseconds since the epoch) of every request."""
        with self.record.open("rb") as file:
            read = (json.loads(line) for line in file)
            return [(line["webhook_id"], line["arrival_ns"]) for line in read]


def _tenant(deployment: Deployment, port: int) -> Client:
    accounts = deployment.accounts
    addresses = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
    with Client(addresses, accounts.operator_key) as operator:
        tenant = tenant_pb2.Tenant(name="burst", time_zone="UTC", locale="en")
        made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
    client = Client(addresses, made.secret)
    client.endpoints.CreateEndpoint(
        endpoint_service_pb2.CreateEndpointRequest(endpoint_id="sink", url=f"http://127.0.0.1:{port}/")
    )
    return client


def _enrol(client: Client, events: int) -> tuple[Instant, tuple[float, float]]:
    """Create the event type and import the people; return the due instant, (people/s, when it ended)."""
    seconds = 15 + events / 1_500
    due = Instant.from_timestamp(math.ceil(time.time() + seconds))
    at = due.to_tz("UTC")
    _await_tenant(client)
    client.event_types.CreateEventType(
        event_type_service_pb2.CreateEventTypeRequest(
            event_type=event_type_pb2.EventType(
                event_type_id="burst",
                occasion_kind="burst",
                local_time=TimeOfDay(hours=at.hour, minutes=at.minute, seconds=at.second),
                deliver_within={"seconds": 3600},
                templates=[
                    event_type_pb2.Template(
                        title="Hello {{ user.given_name | default('you') }}",
                        body="Dear {{ user.given_name | default('you') }}, it is {{ occurrence_date }}.",
                    )
                ],
            )
        )
    )
    began = time.monotonic()
    date = Date(month=at.month, day=at.day)
    for _ in client.import_users(_chunks(events, date)):
        pass
    ended = time.monotonic()
    return due, (events / (ended - began), ended)


def _await_tenant(client: Client) -> None:
    """Wait until the scheduler knows the tenant: it comes with the feed."""
    deadline = time.monotonic() + 10
    request = event_type_service_pb2.ListEventTypesRequest()
    while not client.event_types.ListEventTypes(request).event_types:
        if time.monotonic() > deadline:
            raise TimeoutError("the scheduler does not know the tenant after 10 s")
        time.sleep(0.1)


def _chunks(events: int, date: Date) -> Iterator[user_service_pb2.ImportUsersRequest]:
    for start in range(0, events, CHUNK):
        yield user_service_pb2.ImportUsersRequest(
            rows=[
                user_service_pb2.ImportUsersRequest.Row(
                    line=number + 1,
                    user=user_pb2.User(
                        user_id=f"p{number:07d}",
                        time_zone="UTC",
                        given_name=f"Ada {number}",
                        occasions=[user_pb2.Occasion(kind="burst", date=date)],
                    ),
                )
                for number in range(start, min(start + CHUNK, events))
            ]
        )


def _await_planned(deployment: Deployment, events: int, *, since: float) -> float:
    """Wait until the feed is empty; return people planned per second since the import ended."""
    deadline = time.monotonic() + PLANNED_WITHIN
    with deployment.accounts.as_operator() as operator:
        asked = Instant.now()
        while True:
            request = scheduler_admin_service_pb2.GetSchedulerStatusRequest()
            status = operator.scheduler_admin.GetSchedulerStatus(request).status
            pulled = Instant.from_timestamp(status.feed_pull_time.seconds)
            if status.feed_backlog == 0 and pulled >= asked:
                return events / max(0.001, time.monotonic() - since)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{status.feed_backlog} changes are not planned yet")
            deployment.tick()
            time.sleep(0.1)


def _wait_for(deployment: Deployment, sink: Sink, due: Instant) -> dict[str, float]:
    """Wait until half a second before the due instant; return the CPU seconds spent until then."""
    ahead = (due - TimeDelta(seconds=0.5) - Instant.now()).total("seconds")
    if ahead < 0:
        raise TimeoutError(f"planning ended {-ahead:.1f} s too late for the due instant; use fewer events")
    time.sleep(ahead)
    return _cpu(deployment, sink)


def _await_arrivals(sink: Sink, events: int) -> list[tuple[str, int]]:
    deadline = time.monotonic() + DELIVERED_WITHIN
    while sink.lines() < events and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)  # what comes twice comes now
    return sink.arrivals()


def _cpu(deployment: Deployment, sink: Sink) -> dict[str, float]:
    pids = dict(deployment.pids())
    if sink.pid is not None:
        pids["sink"] = sink.pid
    spent: dict[str, float] = {}
    for name, pid in pids.items():
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            times = process.cpu_times()
            spent[name] = spent.get(name, 0.0) + times.user + times.system
        # A back end that has ended gave its time to its parent.
        ended = parent.cpu_times()
        spent[name] += ended.children_user + ended.children_system
    return spent


def _spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def _result(
    events: int,
    due: Instant,
    arrivals: list[tuple[str, int]],
    *,
    imported: float,
    planned: float,
    cpu: dict[str, float],
) -> Result:
    due_ns = due.timestamp(unit="nanosecond")
    first: dict[str, int] = {}
    for name, arrived in arrivals:
        first[name] = min(arrived, first.get(name, arrived))
    late = sorted((arrived - due_ns) / 1e6 for arrived in first.values()) or [0.0]
    counts = Counter(name for name, _ in arrivals)
    return Result(
        events=events,
        delivered=len(first),
        lost=events - len(first),
        doubled=sum(count - 1 for count in counts.values()),
        early=sum(value < 0 for value in late),
        per_second=len(first) / max(0.001, late[-1] / 1000),
        first_ms=late[0],
        p50_ms=late[len(late) // 2],
        p99_ms=late[int(len(late) * 0.99)],
        last_ms=late[-1],
        imported_per_second=imported,
        planned_per_second=planned,
        cpu_us_per_event={name: seconds * 1e6 / events for name, seconds in sorted(cpu.items())},
    )


def _table(result: Result) -> str:
    rows = [(name, value) for name, value in asdict(result).items() if name != "cpu_us_per_event"]
    lines = [
        f"{name:22} {value:>12,.1f}" if isinstance(value, float) else f"{name:22} {value:>12,}"
        for name, value in rows
    ]
    lines.append("CPU, microseconds per event:")
    lines += [f"  {name:20} {value:>12,.1f}" for name, value in result.cpu_us_per_event.items()]
    lines.append("and by stage:")
    for stage, prefixes in STAGES.items():
        spent = sum(v for name, v in result.cpu_us_per_event.items() if name.startswith(prefixes))
        lines.append(f"  {stage:20} {spent:>12,.1f}")
    lines.append(f"  {'all':20} {sum(result.cpu_us_per_event.values()):>12,.1f}")
    return "\n".join(lines) + "\n"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
