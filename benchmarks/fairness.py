"""A small tenant beside a large one: how much later its messages arrive while the other has a million due.

`python -m benchmarks.fairness [--large N] [--small N] [--seconds S] [--json]`. One deployment as it is
shipped. First the small tenant alone: its messages are due one by one over S seconds. Then the same while
all N of the large tenant are due in one instant. People and plans are written into the store, because what
is measured begins at the due instant. Due to received at a receiver of its own, by stage, side by side.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2
from whenever import Instant, TimeDelta

from benchmarks.burst import Sink
from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.dev.migrations import DATABASE
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import Postgres
from redletter_cli.embedded.databases import execute
from scheduler_service.domain.ids import event_id

TARGET_MS = 100.0
_CYCLE = "2026"

_PEOPLE = """
    INSERT INTO scheduler_service.recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name,
        family_name, occasions, attributes)
    SELECT '{tenant}', made.name, f.epoch, 1, 'UTC', 'en', 'Ada', '',
        jsonb_build_array(jsonb_build_object('id', 'fair', 'kind', 'fair', 'month', 2, 'day', 1, 'year', NULL,
            'leap_day_rule', NULL, 'enrol_time', '2026-01-01T00:00:00Z', 'on_enrol', 'NEXT')), '{{}}'
    FROM ({source}) AS made (name, plan_id, due_time), scheduler_service.feed f
"""
_PLANS = """
    INSERT INTO scheduler_service.plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard,
        version, cycle, occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT plan_id, '{tenant}', name, 'fair', 'fair', '', get_byte(plan_id, 0) >> 2, 1, '{cycle}',
        due_time::date, due_time, due_time, due_time + interval '1 hour', '2026-01-01Z', 1, e.timing_version,
        z.version, '', false
    FROM ({source}) AS made (name, plan_id, due_time), scheduler_service.tzdata z,
        scheduler_service.event_types e
    WHERE e.tenant_id = '{tenant}' AND e.event_type_id = 'fair'
"""
_STAGES = """
    SELECT e.event_id, extract(epoch FROM e.decide_time), extract(epoch FROM m.accept_time)
    FROM scheduler_service.events e JOIN delivery_service.messages m USING (event_id)
    WHERE e.tenant_id = '{tenant}'
"""


@dataclass(frozen=True)
class Stage:
    """Milliseconds after the due instant, of all messages of the small tenant."""

    p50_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True)
class Lateness:
    """When the small tenant's messages were decided, accepted by delivery, and received."""

    events: int
    received: int
    decided: Stage
    accepted: Stage
    arrived: Stage


@dataclass(frozen=True)
class Result:
    """Both runs; `beside` counts messages of the small tenant that came before the large one was done."""

    large: int
    large_received: int
    large_per_second: float
    beside: int
    alone: Lateness
    with_large: Lateness

    @property
    def delay_ms(self) -> float:
        """How much later the small tenant's p99 is beside the large one."""
        return self.with_large.arrived.p99_ms - self.alone.arrived.p99_ms


@dataclass(frozen=True)
class Small:
    """One message of the small tenant."""

    name: str
    plan_id: bytes
    due: Instant

    @property
    def event_id(self) -> str:
        """Its id."""
        return event_id(self.plan_id, _CYCLE)


def main() -> int:
    """Run once and print the result; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--small", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-fairness-", ignore_cleanup_errors=True) as made:
        result = run(Path(made), large=options.large, small=options.small, seconds=options.seconds)
    sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n" if options.json else _table(result))
    return 0 if result.delay_ms <= TARGET_MS else 1


def run(directory: Path, *, large: int, small: int, seconds: float) -> Result:
    """Start everything and measure the small tenant alone, then beside the large one."""
    deployment = Deployment(directory / "data", ports=Ports(free_base()), shape=Shape(), say=_say)
    sinks: dict[str, Sink] = {}
    try:
        for name in ("small", "large"):
            sinks[name] = Sink(directory / f"{name}.jsonl", delay_ms=0.0)
            sinks[name].start()
        deployment.start_servers()
        deployment.start_services(Clock())
        deployment.ensure_accounts()
        postgres = Postgres(deployment.places.postgres, port=deployment.ports.postgres)
        tenants = {name: _tenant(deployment, name, sink.port) for name, sink in sinks.items()}
        return _measure(deployment, postgres, tenants, sinks, large=large, small=small, seconds=seconds)
    finally:
        for sink in sinks.values():
            sink.stop()
        deployment.close()


def _measure(
    deployment: Deployment,
    postgres: Postgres,
    tenants: dict[str, str],
    sinks: dict[str, Sink],
    *,
    large: int,
    small: int,
    seconds: float,
) -> Result:
    begin = Instant.now().add(seconds=5)
    alone = _spread("alone", begin, small, seconds)
    _write(postgres, tenants["small"], _literal(alone))
    _await(deployment, begin.add(seconds=seconds + 2))
    # A plan that is far enough away is not looked at while the others are written.
    begin = Instant.now().add(seconds=10 + large / 8_000)
    beside = _spread("beside", begin.add(seconds=1), small, seconds)
    _write(postgres, tenants["small"], _literal(beside))
    _write(postgres, tenants["large"], _generated(large, begin))
    execute(
        postgres, "ANALYZE scheduler_service.plans; ANALYZE scheduler_service.recipients", database=DATABASE
    )
    if Instant.now() > begin.subtract(seconds=3):
        raise TimeoutError("writing the plans took longer than expected; use fewer")
    _await(deployment, begin)
    _await_all(deployment, sinks["large"], large)
    times = [arrived for _, arrived in sinks["large"].arrivals()]
    ended = max(times, default=0)
    stages = _stages(postgres, tenants["small"])
    arrivals = dict(reversed(sinks["small"].arrivals()))
    return Result(
        large=large,
        large_received=len(times),
        large_per_second=len(times) / max(0.001, ended / 1e9 - begin.timestamp(unit="nanosecond") / 1e9),
        beside=sum(arrivals.get(one.event_id, ended) < ended for one in beside),
        alone=_lateness(alone, stages, arrivals),
        with_large=_lateness(beside, stages, arrivals),
    )


def _tenant(deployment: Deployment, name: str, port: int) -> str:
    accounts = deployment.accounts
    addresses = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
    with Client(addresses, accounts.operator_key) as operator:
        tenant = tenant_pb2.Tenant(name=name, time_zone="UTC", locale="en")
        made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
    with Client(addresses, made.secret) as client:
        client.endpoints.CreateEndpoint(
            endpoint_service_pb2.CreateEndpointRequest(endpoint_id="sink", url=f"http://127.0.0.1:{port}/")
        )
        while not client.event_types.ListEventTypes(
            event_type_service_pb2.ListEventTypesRequest()
        ).event_types:
            time.sleep(0.1)
        client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(
                event_type=event_type_pb2.EventType(
                    event_type_id="fair",
                    occasion_kind="fair",
                    local_time=TimeOfDay(hours=9),
                    templates=[
                        event_type_pb2.Template(
                            title="Hello {{ user.given_name | default('you') }}",
                            body="It is {{ occurrence_date }}.",
                        )
                    ],
                )
            )
        )
    return str(made.tenant.tenant_id)


def _spread(name: str, begin: Instant, count: int, seconds: float) -> list[Small]:
    return [
        Small(
            f"{name}{n}",
            hashlib.md5(f"{name}{n}".encode(), usedforsecurity=False).digest(),
            begin.add(microseconds=round(n * seconds / count * 1e6)),
        )
        for n in range(count)
    ]


def _literal(people: Sequence[Small]) -> str:
    rows = (
        f"('{one.name}', '\\x{one.plan_id.hex()}'::bytea, '{one.due.format_iso()}'::timestamptz)"
        for one in people
    )
    return f"VALUES {', '.join(rows)}"


def _generated(count: int, due: Instant) -> str:
    return (
        f"SELECT 'p' || n, decode(md5('large' || n), 'hex'), '{due.format_iso()}'::timestamptz"
        f" FROM generate_series(1, {count}) AS n"
    )


def _write(postgres: Postgres, tenant: str, source: str) -> None:
    for statement in (_PEOPLE, _PLANS):
        execute(postgres, statement.format(tenant=tenant, source=source, cycle=_CYCLE), database=DATABASE)


def _await(deployment: Deployment, instant: Instant) -> None:
    while Instant.now() < instant:
        deployment.tick()
        time.sleep(0.1)


def _await_all(deployment: Deployment, sink: Sink, count: int) -> None:
    deadline = Instant.now() + TimeDelta(seconds=30 + count / 500)
    while sink.lines() < count and Instant.now() < deadline:
        deployment.tick()
        time.sleep(0.25)
    time.sleep(1.0)


def _stages(postgres: Postgres, tenant: str) -> dict[str, tuple[float, float]]:
    lines = execute(postgres, _STAGES.format(tenant=tenant), database=DATABASE).splitlines()
    rows = (line.split("|") for line in lines)
    return {name: (float(decided), float(accepted)) for name, decided, accepted in rows}


def _lateness(
    people: Sequence[Small], stages: dict[str, tuple[float, float]], arrivals: dict[str, int]
) -> Lateness:
    decided, accepted, arrived = [], [], []
    for one in people:
        due = one.due.timestamp(unit="nanosecond") / 1e9
        if one.event_id in arrivals:
            decided.append(stages[one.event_id][0] - due)
            accepted.append(stages[one.event_id][1] - due)
            arrived.append(arrivals[one.event_id] / 1e9 - due)
    return Lateness(len(people), len(arrived), _stage(decided), _stage(accepted), _stage(arrived))


def _stage(seconds: list[float]) -> Stage:
    late = sorted(1000 * value for value in seconds) or [0.0]
    return Stage(late[len(late) // 2], late[int(len(late) * 0.99)], late[-1])


def _table(result: Result) -> str:
    lines = [f"{'ms after due':28} {'alone':>24} {'beside the large one':>24}"]
    for name in ("decided", "accepted", "arrived"):
        cells = [getattr(side, name) for side in (result.alone, result.with_large)]
        lines.append(
            f"{name + '  p50 / p99 / worst':28} "
            + " ".join(f"{c.p50_ms:8.1f} {c.p99_ms:8.1f} {c.worst_ms:6.1f}" for c in cells)
        )
    lines += [
        f"{'received':28} {result.alone.received:>24} {result.with_large.received:>24}",
        f"{'of':28} {result.alone.events:>24} {result.with_large.events:>24}",
        f"large tenant: {result.large_received:,} of {result.large:,}, {result.large_per_second:,.0f}/s",
        f"{result.beside} messages of the small one came before it was done",
        f"delay of the small one's p99: {result.delay_ms:.1f} ms (target {TARGET_MS:.0f})",
    ]
    return "\n".join(lines) + "\n"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
