"""Every process of every service replaced under 500 events a second: lost 0, repeats 0, errors at callers 0.

`python -m benchmarks.rolling [--rate 500] [--seconds 60] [--drain 5] [--json]` runs two processes of each service
as the chart does. Four fifths of the events are plans in the store, one fifth is created by BatchCreateEvents
meanwhile; they are due one after another. Callers never pause: users, events, endpoints, and an open inbox
stream whose messages are acknowledged. One process after the other is replaced: a new one up, a wait as the
chart's preStop, SIGTERM to the old one. Every exception that leaves the SDK counts. Exit 1 when anything
was lost, came twice, or failed at a caller, or a process did not end with 0.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.scheduler.v1 import event_service_pb2, event_type_pb2, event_type_service_pb2

from benchmarks.burst import Sink
from benchmarks.roll.callers import INBOX_TYPE, Callers
from benchmarks.roll.stage import Replacement, Stage
from scheduler_service.domain.ids import event_id

CREATED_SHARE = 0.2
_TYPE = "roll"
_CYCLE = "2026"
_BEFORE_SECONDS = 4.0
_AHEAD_SECONDS = 4.0
_SETTLED_SECONDS = 30.0

_MADE = """
    SELECT 'roll' || n, decode(md5('roll' || n), 'hex'), to_timestamp({begin}) + n * interval '{step} microseconds'
    FROM generate_series(0, {count} - 1) AS n
"""
_PEOPLE = """
    INSERT INTO scheduler_service.recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name,
        family_name, occasions, attributes)
    SELECT '{tenant}', made.name, f.epoch, 1, 'UTC', 'en', 'Ada', '',
        jsonb_build_array(jsonb_build_object('id', 'roll', 'kind', 'roll', 'month', 2, 'day', 1, 'year', NULL,
            'leap_day_rule', NULL, 'enrol_time', '2026-01-01T00:00:00Z', 'on_enrol', 'NEXT')), '{{}}'
    FROM ({made}) AS made (name, plan_id, due_time), scheduler_service.feed f
"""
_PLANS = """
    INSERT INTO scheduler_service.plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard,
        version, cycle, occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT plan_id, '{tenant}', name, 'roll', 'roll', '', get_byte(plan_id, 0) >> 2, 1, '2026',
        due_time::date, due_time, due_time, due_time + interval '1 hour', '2026-01-01Z', 1, e.timing_version,
        z.version, '', false
    FROM ({made}) AS made (name, plan_id, due_time), scheduler_service.tzdata z, scheduler_service.event_types e
    WHERE e.tenant_id = '{tenant}' AND e.event_type_id = 'roll'
"""


@dataclass(frozen=True)
class Lateness:
    """Milliseconds from due to received, of the events due in one part of the run."""

    events: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True)
class Result:
    """What one run showed; `errors` and `slowest_seconds` are by method, `lateness` by part of the run."""

    events: int
    lost: int
    repeats: int
    unexpected: int
    calls: Mapping[str, int]
    errors: Mapping[str, int]
    words: Mapping[str, str]
    slowest_seconds: Mapping[str, float]
    inbox_created: int
    inbox_unread: int
    inbox_repeats: int
    lateness: Mapping[str, Lateness]
    replacements: Sequence[Replacement]
    ended_unasked: Sequence[str]

    @property
    def right(self) -> bool:
        """Whether the run showed what it claims."""
        unclean = [one for one in self.replacements if one.exit_code != 0]
        wrong = self.lost or self.repeats or self.unexpected or self.inbox_unread or self.inbox_repeats
        return not (wrong or self.errors or unclean or self.ended_unasked)


def main() -> int:
    """Run once and print the result; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=int, default=500, help="events per second (500)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they are due (60)")
    parser.add_argument("--drain", type=float, default=5.0, help="seconds before SIGTERM (5, as the chart)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-rolling-", ignore_cleanup_errors=True) as made:
        result = run(Path(made), rate=options.rate, seconds=options.seconds, drain=options.drain)
    sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n" if options.json else _table(result))
    return 0 if result.right else 1


def run(directory: Path, *, rate: int, seconds: float, drain: float) -> Result:
    """Start everything, replace every process while events are due, and count."""
    stage = Stage(directory)
    sink = Sink(directory / "arrivals.jsonl", delay_ms=0.0)
    try:
        sink.start()
        stage.start()
        tenant_id, key = stage.tenant()
        with Client(stage.addresses(), key) as client:
            _prepare(client, sink.port)
            begin = float(int(time.time()) + 8)
            planned = _plan(stage, tenant_id, begin, rate=rate * (1 - CREATED_SHARE), seconds=seconds)
            callers = Callers(client)
            creating = _Creating(client, callers, begin, rate=rate * CREATED_SHARE, seconds=seconds)
            callers.start()
            creating.start()
            _sleep_until(begin + _BEFORE_SECONDS)
            replacements = [_told(one) for one in stage.roll(drain_seconds=drain)]
            creating.join()
            due = planned | creating.due
            _await_arrivals(sink, len(due), begin + seconds + _SETTLED_SECONDS)
            callers.stop()
            return _result(due, sink.arrivals(), callers, replacements, stage.ended())
    finally:
        stage.close()
        sink.stop()


class _Creating(threading.Thread):
    """Creates events by BatchCreateEvents, a second's worth at a time, a few seconds before they are due."""

    def __init__(
        self, client: Client, callers: Callers, begin: float, *, rate: float, seconds: float
    ) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._callers = callers
        self._begin = begin
        self._count = int(rate)
        self._seconds = int(seconds)
        self.due: dict[str, float] = {}

    def run(self) -> None:
        """Create every second's events."""
        for second in range(self._seconds):
            _sleep_until(self._begin + second - _AHEAD_SECONDS)
            self._callers.noted("BatchCreateEvents", partial(self._create, second))

    def _create(self, second: int) -> None:
        dues = [round(self._begin + second + n / self._count, 6) for n in range(self._count)]
        request = event_service_pb2.BatchCreateEventsRequest(
            events=[
                event_service_pb2.CreateEventRequest(
                    instance=f"{second}-{n}",
                    user_id=f"roll{n}",
                    event_type_id=_TYPE,
                    due_time=_timestamp(due),
                )
                for n, due in enumerate(dues)
            ]
        )
        answer = self._client.events.BatchCreateEvents(request)
        for due, result, name in zip(dues, answer.results, answer.event_ids, strict=True):
            if result.status.code:
                self._callers.failed("BatchCreateEvents item", result.status.message)
            else:
                self.due[name] = due


def _timestamp(at: float) -> Timestamp:
    return Timestamp(seconds=int(at), nanos=round(at % 1 * 1e6) * 1000)


def _prepare(client: Client, port: int) -> None:
    """Make the endpoint, which does not want the inbox's messages, and the event types."""
    client.endpoints.CreateEndpoint(
        endpoint_service_pb2.CreateEndpointRequest(
            endpoint_id="sink", url=f"http://127.0.0.1:{port}/", event_type_filters=[_TYPE]
        )
    )
    while not client.event_types.ListEventTypes(event_type_service_pb2.ListEventTypesRequest()).event_types:
        time.sleep(0.1)
    for name in (_TYPE, INBOX_TYPE):
        kind = event_type_pb2.EventType(
            event_type_id=name,
            occasion_kind=name,
            local_time=TimeOfDay(hours=9),
            templates=[event_type_pb2.Template(title="Hello", body="It is {{ occurrence_date }}.")],
        )
        client.event_types.CreateEventType(event_type_service_pb2.CreateEventTypeRequest(event_type=kind))


def _plan(stage: Stage, tenant: str, begin: float, *, rate: float, seconds: float) -> dict[str, float]:
    """Write people and plans into the store; return when each event is due, by id."""
    count, step = int(rate * seconds), int(1e6 / rate)
    made = _MADE.format(begin=begin, step=step, count=count)
    for statement in (_PEOPLE, _PLANS):
        stage.execute(statement.format(tenant=tenant, made=made))
    stage.execute("ANALYZE scheduler_service.plans; ANALYZE scheduler_service.recipients")
    if time.time() > begin - 1:
        raise TimeoutError("writing the plans took longer than expected; use fewer")
    ids = (hashlib.md5(f"roll{n}".encode(), usedforsecurity=False).digest() for n in range(count))
    return {event_id(one, _CYCLE): begin + n * step / 1e6 for n, one in enumerate(ids)}


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))


def _await_arrivals(sink: Sink, count: int, deadline: float) -> None:
    while sink.lines() < count and time.time() < deadline:
        time.sleep(0.25)
    time.sleep(2.0)  # what comes twice comes now


def _result(
    due: Mapping[str, float],
    arrivals: Sequence[tuple[str, int]],
    callers: Callers,
    replacements: Sequence[Replacement],
    ended: Sequence[str],
) -> Result:
    counts = Counter(name for name, _ in arrivals)
    first = dict(reversed(arrivals))
    began, over = replacements[0].began, replacements[-1].ended
    parts: dict[str, list[float]] = {"before": [], "during": [], "after": []}
    for name, at in due.items():
        if name in first:
            part = "before" if at < began else "during" if at < over else "after"
            parts[part].append(first[name] / 1e6 - at * 1000)
    return Result(
        events=len(due),
        lost=len(due.keys() - counts.keys()),
        repeats=sum(counts.values()) - len(counts),
        unexpected=len(counts.keys() - due.keys()),
        calls=dict(sorted(callers.calls.items())),
        errors=dict(callers.errors),
        words=callers.words,
        slowest_seconds=callers.slowest,
        inbox_created=len(callers.created),
        inbox_unread=callers.unread,
        inbox_repeats=sum(callers.pulled.values()) - len(callers.pulled),
        lateness={part: _lateness(late) for part, late in parts.items()},
        replacements=replacements,
        ended_unasked=ended,
    )


def _lateness(late: list[float]) -> Lateness:
    ordered = sorted(late) or [0.0]
    return Lateness(len(late), ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])


def _told(one: Replacement) -> Replacement:
    sys.stderr.write(_replacement(one))
    return one


def _replacement(one: Replacement) -> str:
    return (
        f"  {one.replaced:14} new one ready in {one.ready_seconds:5.2f} s, "
        f"old one stopped in {one.stop_seconds:5.2f} s, exit {one.exit_code}\n"
    )


def _table(result: Result) -> str:
    inbox = f"{result.inbox_created} created, {result.inbox_unread} unread, {result.inbox_repeats} repeats"
    failed = sum(result.errors.values())
    said = f"lost {result.lost}, repeats {result.repeats}, errors at callers {failed}"
    lines = [
        f"events {result.events:,}: {said}, unexpected {result.unexpected}; inbox: {inbox}",
        f"{'due to received, ms':20} {'events':>8} {'p50':>8} {'p99':>8} {'worst':>8}",
        *(
            f"{part:20} {late.events:8,} {late.p50_ms:8.1f} {late.p99_ms:8.1f} {late.worst_ms:8.1f}"
            for part, late in result.lateness.items()
        ),
        f"{'calls':20} {'number':>8} {'slowest, s':>12}",
        *(f"{name:20} {n:8,} {result.slowest_seconds[name]:12.2f}" for name, n in result.calls.items()),
        *(f"error: {name} x {n}: {result.words.get(name, '')}" for name, n in result.errors.items()),
        *(f"ended unasked: {name}" for name in result.ended_unasked),
        "replacements:",
    ]
    return "\n".join(lines) + "\n" + "".join(map(_replacement, result.replacements))


if __name__ == "__main__":
    sys.exit(main())
