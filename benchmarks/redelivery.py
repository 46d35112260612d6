"""Live traffic beside a redelivery of many dead letters to the same endpoint: how late it is before and during.

`python -m benchmarks.redelivery [--dead N] [--rate R] [--live L] [--json]`. One deployment as it is shipped, one
tenant, one endpoint. First L messages per second alone; then the same while all N dead letters are redelivered at R
per second, through the API. People, plans and dead letters are written into the store. Due to received at the
receiver, side by side; every dead letter must arrive once, under its id, and no faster than it was asked for.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.common.v1 import operation_pb2, operation_service_pb2
from redletter.delivery.v1 import delivery_filter_pb2, delivery_service_pb2, endpoint_service_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2
from whenever import Instant

from benchmarks.burst import Sink
from benchmarks.fairness import (
    Lateness,
    Small,
    _await,
    _lateness,
    _literal,
    _say,
    _spread,
    _stages,
    _write,
)
from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.dev.migrations import DATABASE
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import Postgres
from redletter_cli.embedded.databases import execute

TARGET_MS = 50.0
_WRITTEN_AT_ONCE = 1000
_SETTLING_SECONDS = 3.0

_MESSAGES = """
    INSERT INTO delivery_service.messages (event_id, occurrence_date, tenant_id, user_id, event_type_id, due_time,
        decide_time, deliver_by, priority, body, metadata, traceparent, accept_time)
    SELECT 'evt_' || left(md5('dead' || n), 26) || '_2026', current_date, '{tenant}', 'd' || n, 'fair',
        now(), now(), now(), 2, convert_to('{{"type":"fair","data":{{}}}}', 'UTF8'), '', '', now()
    FROM generate_series(1, {count}) AS n
"""
_DEAD = """
    INSERT INTO delivery_service.deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause,
        attempts, accept_time, deliver_by, end_time, status_code)
    SELECT 'evt_' || left(md5('dead' || n), 26) || '_2026', 'sink', 1, current_date, '{tenant}', 3, 1, 1, now(),
        now(), now() - n * interval '1 ms', 400
    FROM generate_series(1, {count}) AS n
"""


@dataclass(frozen=True)
class Result:
    """Both runs of the live traffic, and what became of the dead letters."""

    dead: int
    rate: int
    live_per_second: float
    arrived: int
    repeated: int
    succeeded: int
    per_second: float
    before: Lateness
    during: Lateness

    @property
    def delay_ms(self) -> float:
        """How much later the live p99 is during the redelivery."""
        return self.during.arrived.p99_ms - self.before.arrived.p99_ms

    @property
    def good(self) -> bool:
        """Whether live traffic is hardly later, and each dead letter came once at the asked rate."""
        complete = self.arrived == self.dead == self.succeeded and not self.repeated
        received = self.before.received == self.before.events and self.during.received == self.during.events
        return complete and received and self.delay_ms <= TARGET_MS and self.per_second <= self.rate * 1.05


def main() -> int:
    """Run once and print the result; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dead", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--live", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="of live traffic alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-redelivery-", ignore_cleanup_errors=True) as made:
        result = run(
            Path(made), dead=options.dead, rate=options.rate, live=options.live, seconds=options.seconds
        )
    sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n" if options.json else _table(result))
    return 0 if result.good else 1


def run(directory: Path, *, dead: int, rate: int, live: int, seconds: float) -> Result:
    """Start everything and measure live traffic alone, then beside the redelivery."""
    deployment = Deployment(directory / "data", ports=Ports(free_base()), shape=Shape(), say=_say)
    sink = Sink(directory / "sink.jsonl", delay_ms=0.0)
    try:
        sink.start()
        deployment.start_servers()
        deployment.start_services(Clock())
        deployment.ensure_accounts()
        return _measure(deployment, sink, dead=dead, rate=rate, live=live, seconds=seconds)
    finally:
        sink.stop()
        deployment.close()


def _measure(
    deployment: Deployment, sink: Sink, *, dead: int, rate: int, live: int, seconds: float
) -> Result:
    postgres = Postgres(deployment.places.postgres, port=deployment.ports.postgres)
    tenant, client = _tenant(deployment, sink.port)
    for statement in (_MESSAGES, _DEAD):
        execute(postgres, statement.format(tenant=tenant, count=dead), database=DATABASE)
    begun: list[str] = []
    with client:
        before = _live(deployment, postgres, tenant, "before", per_second=live, seconds=seconds)
        during = _live(
            deployment,
            postgres,
            tenant,
            "during",
            per_second=live,
            seconds=dead / rate,
            begin=lambda: begun.append(_redeliver(client, rate)),
        )
        operation = _over(deployment, client, begun[0])
    _await(deployment, Instant.now().add(seconds=_SETTLING_SECONDS))
    arrivals = sink.arrivals()
    names = {one.event_id for one in (*before, *during)}
    again = [(name, at) for name, at in arrivals if name not in names]
    stages, times = _stages(postgres, tenant), dict(reversed(arrivals))
    span = (again[-1][1] - again[0][1]) / 1e9 if len(again) > 1 else 1.0
    counted = Counter(name for name, _ in again)
    return Result(
        dead=dead,
        rate=rate,
        live_per_second=live,
        arrived=len(counted),
        repeated=len(again) - len(counted),
        succeeded=operation.succeeded,
        per_second=len(again) / span,
        before=_lateness(before, stages, times),
        during=_lateness(during, stages, times),
    )


def _live(
    deployment: Deployment,
    postgres: Postgres,
    tenant: str,
    name: str,
    *,
    per_second: int,
    seconds: float,
    begin: Callable[[], None] | None = None,
) -> list[Small]:
    """Let messages be due one by one for so long; `begin` is called once they are on their way."""
    count = round(per_second * seconds)
    first = Instant.now().add(seconds=8 + count / 1_000)
    people = _spread(name, first, count, seconds)
    for some in batched(people):
        _write(postgres, tenant, _literal(some))
    if Instant.now() > first.subtract(seconds=2):
        raise TimeoutError("writing the plans took longer than expected; use fewer")
    _await(deployment, first)
    if begin is not None:
        begin()
    _await(deployment, first.add(seconds=seconds + 1))
    return people


def batched(people: Sequence[Small]) -> Iterator[list[Small]]:
    """Yield people a thousand at a time."""
    left = iter(people)
    while some := list(islice(left, _WRITTEN_AT_ONCE)):
        yield some


def _redeliver(client: Client, rate: int) -> str:
    request = delivery_service_pb2.RedeliverDeliveriesRequest(
        filter=delivery_filter_pb2.DeliveryFilter(endpoint_id="sink"), max_per_second=rate
    )
    return client.deliveries.RedeliverDeliveries(request).operation_id


def _over(deployment: Deployment, client: Client, name: str) -> operation_pb2.Operation:
    request = operation_service_pb2.GetOperationRequest(operation_id=name)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        operation = client.operations.GetOperation(request).operation
        if operation.HasField("end_time"):
            return operation
        deployment.tick()
        time.sleep(0.2)
    raise TimeoutError(f"the redelivery is not over: {operation.done:,} of {operation.total:,} done")


def _tenant(deployment: Deployment, port: int) -> tuple[str, Client]:
    accounts = deployment.accounts
    addresses = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
    with Client(addresses, accounts.operator_key) as operator:
        tenant = tenant_pb2.Tenant(name="tenant", time_zone="UTC", locale="en")
        made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
    client = Client(addresses, made.secret)
    endpoint = endpoint_service_pb2.CreateEndpointRequest(endpoint_id="sink", url=f"http://127.0.0.1:{port}/")
    client.endpoints.CreateEndpoint(endpoint)
    rule = event_type_pb2.EventType(
        event_type_id="fair",
        occasion_kind="fair",
        local_time=TimeOfDay(hours=9),
        templates=[event_type_pb2.Template(title="Hello", body="It is {{ occurrence_date }}.")],
    )
    while not client.event_types.ListEventTypes(event_type_service_pb2.ListEventTypesRequest()).event_types:
        time.sleep(0.1)
    client.event_types.CreateEventType(event_type_service_pb2.CreateEventTypeRequest(event_type=rule))
    return str(made.tenant.tenant_id), client


def _table(result: Result) -> str:
    lines = [f"{'live, ms after due':28} {'before':>24} {'during':>24}"]
    for name in ("decided", "accepted", "arrived"):
        cells = [getattr(side, name) for side in (result.before, result.during)]
        lines.append(
            f"{name + '  p50 / p99 / worst':28} "
            + " ".join(f"{c.p50_ms:8.1f} {c.p99_ms:8.1f} {c.worst_ms:6.1f}" for c in cells)
        )
    lines += [
        f"{'received':28} {result.before.received:>24} {result.during.received:>24}",
        f"{'of':28} {result.before.events:>24} {result.during.events:>24}",
        f"redelivered: {result.arrived:,} of {result.dead:,}, {result.repeated} repeated",
        f"{result.per_second:,.0f} redelivered per second, asked for at most {result.rate:,}",
        f"delay of the live p99: {result.delay_ms:.1f} ms (target {TARGET_MS:.0f})",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
