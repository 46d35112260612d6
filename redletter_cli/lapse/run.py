"""One lapse: start held, import, wait until planned, let time run to the end of the window, take stock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import timeofday_pb2
from redletter.client import Client
from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2
from redletter.errors import ApiError
from redletter.scheduler.v1 import (
    event_type_pb2,
    event_type_service_pb2,
    scheduler_admin_service_pb2,
    scheduler_status_pb2,
)
from whenever import Instant, TimeDelta

from redletter_cli.dev.accounts import ENDPOINT
from redletter_cli.dev.arrivals import ArrivalLog
from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.embedded import StartFailed
from redletter_cli.lapse.expected import LOCAL_TIME, Census, Expected, Layout, expect, take_census
from redletter_cli.lapse.received import Inbound
from redletter_cli.lapse.verdict import Verdict, compare
from redletter_cli.lapse.window import Window
from redletter_cli.people import Mapping, Note, Rejection, Summary, import_people

BUILT_IN = frozenset({"birthday", "anniversary"})

_TICK_SECONDS = 0.05
_LOOK_SECONDS = 1.0
_STALLED_SECONDS = 120.0
_SETTLE_SECONDS = 1.0
# Nothing is worth sending for longer than this after its due time (a local day, whatever the zone does).
_LONGEST_DUTY = timedelta(hours=50)


@dataclass(frozen=True, kw_only=True)
class Lapse:
    """What to run: whose list, how it is read for the import and for the independent count, which dates, how fast."""

    file: Path
    mapping: Mapping
    layout: Layout
    window: Window
    speed: float


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Who wants to know what happens: `stage` once per step, `progress` share of the window that has passed."""

    stage: Callable[[str], None]
    progress: Callable[[float, int], None]
    rejected: Callable[[Rejection], None]
    noted: Callable[[Note], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a lapse came to: the import, the count, the comparison, and what happened on the way."""

    summary: Summary
    census: Census
    disagreements: tuple[str, ...]
    verdict: Verdict
    crashes: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everything is exactly as the independent count says."""
        return not self.disagreements and self.verdict.is_clean(crashes=self.crashes)


def run_lapse(lapse: Lapse, deployment: Deployment, hooks: Hooks) -> Outcome:
    """Run it on `deployment`, of which nothing is started yet; the caller closes it.

    Raises:
        EmbeddedError: something does not start, or the planning does not get on.
        ApiError: a service refused.
    """
    began = time.monotonic()
    held = Clock(start=Instant(lapse.window.begin), speed=lapse.speed)
    hooks.stage("starting everything, business time held")
    deployment.start_servers()
    starting = time.monotonic()
    deployment.start_services(held)
    start_up = time.monotonic() - starting
    deployment.ensure_accounts()
    rejections: list[Rejection] = []

    def rejected(rejection: Rejection) -> None:
        rejections.append(rejection)
        hooks.rejected(rejection)

    with deployment.accounts.as_tenant() as client:
        _ensure_event_types(client, lapse.layout)
        hooks.stage(f"importing {lapse.file.name}")
        summary = import_people(client, lapse.file, lapse.mapping, rejected=rejected, noted=hooks.noted)
    hooks.stage(f"{summary.accepted:,} people imported, {summary.rejected:,} rejected; planning")
    _wait_planned(deployment, since=time.time())
    census, disagreements = _count(lapse, rejections)
    expected = expect(census, lapse.window)
    hooks.stage(f"{len(expected):,} messages expected; letting time run")
    deployment.stop_services()
    clock = held.anchored(Instant.now() + TimeDelta(seconds=2 + 1.5 * start_up))
    deployment.start_services(clock)
    inbound = _pass_time(deployment, clock, lapse.window, expected, hooks)
    return Outcome(
        summary=summary,
        census=census,
        disagreements=disagreements,
        verdict=compare(expected, inbound, lapse.window),
        crashes=deployment.crashes,
        seconds=time.monotonic() - began,
    )


def _count(lapse: Lapse, rejections: list[Rejection]) -> tuple[Census, tuple[str, ...]]:
    """Take the census and say where it and the import judge a row differently.

    A row that is refused for what the census does not look at (a name, a locale, an id that is there twice within a
    chunk of the import) does not count for either.
    """
    layout = lapse.layout
    judged = {layout.user_id, layout.time_zone, *(column for _, column in layout.occasions), "row"}
    elsewhere = frozenset(
        r.line for r in rejections if r.field not in judged or (r.field == layout.user_id and r.user_id)
    )
    census = take_census(lapse.file, layout, without_lines=elsewhere)
    refused = {r.line: r for r in rejections if r.line not in elsewhere}
    unfit = set(census.unfit_lines) - elsewhere
    return census, (
        *(
            f"the count passes over line {line}, the import took it"
            for line in sorted(unfit - refused.keys())
        ),
        *(f"the count takes {refused[line].sentence()}" for line in sorted(refused.keys() - unfit)),
    )


def _ensure_event_types(client: Client, layout: Layout) -> None:
    """Make a rule for every kind that comes without one: at nine o'clock, as the built-in ones."""
    for kind in sorted({kind for kind, _ in layout.occasions} - BUILT_IN):
        rule = event_type_pb2.EventType(
            event_type_id=kind,
            occasion_kind=kind,
            local_time=timeofday_pb2.TimeOfDay(hours=LOCAL_TIME.hour),
            templates=[event_type_pb2.Template(title=kind, body="Today is the day.")],
        )
        client.event_types.CreateEventType(event_type_service_pb2.CreateEventTypeRequest(event_type=rule))


def _wait_planned(deployment: Deployment, *, since: float) -> None:
    """Return when everything written before the real time `since` is planned.

    Raises:
        StartFailed: nothing has moved for two minutes.
    """
    moved, last = time.monotonic(), -1
    first_empty = 0.0
    with deployment.accounts.as_operator() as operator:
        while True:
            deployment.tick()
            status = _status(operator)
            if status and status.feed_backlog == 0 and (pulled := _seconds(status.feed_pull_time)) > since:
                # The time is noted when a page has been applied, so the page itself may have been asked for
                # before `since`; the next one was not.
                if first_empty and pulled > first_empty:
                    return
                first_empty = first_empty or pulled
            backlog = status.feed_backlog if status else last
            if backlog != last:
                moved, last = time.monotonic(), backlog
            if time.monotonic() - moved > _STALLED_SECONDS:
                raise StartFailed(
                    f"the scheduler has planned nothing for {_STALLED_SECONDS:.0f} s; "
                    f"{max(0, last):,} changes wait (logs: {deployment.places.root / 'logs'})"
                )
            time.sleep(_TICK_SECONDS)


def _pass_time(
    deployment: Deployment, clock: Clock, window: Window, expected: list[Expected], hooks: Hooks
) -> Inbound:
    inbound = Inbound(clock)
    log = ArrivalLog(deployment.places.arrivals, from_end=False)
    begin, end = Instant(window.begin), Instant(window.end)
    length = (end - begin).total("seconds")
    looked = 0.0
    with deployment.accounts.as_operator() as operator, deployment.accounts.as_tenant() as tenant:
        while True:
            deployment.tick()
            inbound.take(log.new())
            now = clock.now()
            hooks.progress(min(1.0, (now - begin).total("seconds") / length), len(inbound.messages))
            if now >= end and time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                if _is_over(inbound, expected, window, now) or _nothing_open(operator, tenant, window):
                    break
            time.sleep(_TICK_SECONDS)
    # A second message under another id would come at once, if ever.
    end_of_wait = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < end_of_wait:
        deployment.tick()
        time.sleep(_TICK_SECONDS)
    inbound.take(log.new())
    return inbound


def _is_over(inbound: Inbound, expected: list[Expected], window: Window, now: Instant) -> bool:
    """Whether all that was expected is here, or can no longer come."""
    wanted = {(e.user_id, e.event_type, e.occurrence_date) for e in expected}
    got: set[tuple[str, str, date]] = {
        (m.user_id, m.event_type, m.occurrence_date) for m in inbound.messages.values()
    }
    return wanted <= got or now > Instant(window.end + _LONGEST_DUTY)


def _nothing_open(operator: Client, tenant: Client, window: Window) -> bool:
    """Whether neither the scheduler nor the deliveries hold anything that was due within the window."""
    status = _status(operator)
    if status is None or status.open_handovers:
        return False
    if status.backlog:
        oldest = status.business_time.ToNanoseconds() - status.oldest_due_age.ToNanoseconds()
        if oldest < Instant(window.end).timestamp(unit="nanosecond"):
            return False
    request = delivery_service_pb2.ListDeliveriesRequest(
        endpoint_id=ENDPOINT, states=[delivery_pb2.Delivery.STATE_PENDING], page_size=1000
    )
    try:
        pending = tenant.deliveries.ListDeliveries(request).deliveries
    except ApiError:
        return False
    return all(_seconds(delivery.create_time) > window.end.timestamp() for delivery in pending)


def _status(operator: Client) -> scheduler_status_pb2.SchedulerStatus | None:
    """Ask the scheduler; None while it cannot answer, which a crash on purpose may cause."""
    try:
        request = scheduler_admin_service_pb2.GetSchedulerStatusRequest()
        return operator.scheduler_admin.GetSchedulerStatus(request).status
    except ApiError as error:
        if error.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            raise
        return None


def _seconds(stamp: Timestamp) -> float:
    return stamp.ToNanoseconds() / 1e9
