"""What /metrics of each running process says after one message that was retried once."""

import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redletter.errors import ApiError
from redletter.user.v1 import user_service_pb2

from redletter_cli.dev.services import DELIVERY, SCHEDULER, USER
from redletter_cli.dev.topology import Shape
from tests.e2e.deployed import Deployed, await_that, deployed, receiving


@dataclass(frozen=True)
class Exposition:
    """The samples of every process of one service."""

    processes: tuple[Mapping[tuple[str, frozenset[tuple[str, str]]], float], ...]

    def of(self, name: str, **labels: str) -> list[float]:
        """Return the sample of each process that has it with exactly these labels."""
        key = (name, frozenset(labels.items()))
        return [process[key] for process in self.processes if key in process]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over the processes."""
        return sum(self.of(name, **labels))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Run everything; one message was received, at one of its two endpoints only the second time."""
    with receiving() as sink, deployed(tmp_path_factory.mktemp("metrics"), Shape()) as it:
        it.add_endpoint("sink", sink.port)
        sink.failures = 1
        it.schedule("measured", ["ada"])
        await_that(lambda: len(sink.webhooks) == 2)
        with pytest.raises(ApiError, match="nobody"):
            it.client.users.GetUser(user_service_pb2.GetUserRequest(user_id="nobody"))
        yield it


def _read(running: Deployed, module: str) -> Exposition:
    ports = [s.spec.ports.metrics for s in running.deployment.services if s.spec.module == module]
    return Exposition(tuple(_samples(port) for port in ports))


def _samples(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples}


def _calls(running: Deployed, service: str, method: str, code: str = "OK") -> float:
    exposition = _read(running, service)
    labels = {"service": service, "method": method, "code": code}
    seconds = exposition.total("redletter_rpc_duration_seconds_sum", **labels)
    count = exposition.total("redletter_rpc_duration_seconds_count", **labels)
    assert 0 <= seconds <= count * 5
    return count


def test_calls_are_counted_and_timed_by_method_and_code(running: Deployed) -> None:
    """Rate, errors and duration of every method: public and internal ones, refused ones under their code."""
    assert _calls(running, USER, "/redletter.user.v1.UserService/BatchUpsertUsers") == 1
    assert _calls(running, USER, "/redletter.user.v1.UserService/GetUser", "NOT_FOUND") == 1
    assert _calls(running, USER, "/redletter.user.v1.UserFeedService/PullChanges") > 0
    assert _calls(running, SCHEDULER, "/redletter.scheduler.v1.EventTypeService/CreateEventType") == 1
    assert _calls(running, DELIVERY, "/redletter.delivery.v1.IntakeService/AcceptEvents") == 1
    for module in (USER, SCHEDULER, DELIVERY):
        assert _read(running, module).total("redletter_rpc_active_calls", service=module) >= 0


def test_lateness_is_measured_at_the_decision_and_at_the_receiver(running: Deployed) -> None:
    """One decision and two receptions, none of them early and all within seconds."""
    scheduler = _read(running, SCHEDULER)
    assert scheduler.total("redletter_scheduler_events_decided_total", state="SENT") == 1
    assert scheduler.total("redletter_scheduler_decide_lateness_seconds_count") == 1
    assert 0 <= scheduler.total("redletter_scheduler_decide_lateness_seconds_sum") < 5

    def received() -> float:
        return _read(running, DELIVERY).total("redletter_delivery_lateness_seconds_count")

    await_that(lambda: received() == 2)
    delivery = _read(running, DELIVERY)
    assert 0 < delivery.total("redletter_delivery_lateness_seconds_sum") < 20
    assert delivery.total("redletter_delivery_lateness_seconds_bucket", le="+Inf") == 2


def test_attempts_and_retries_are_counted(running: Deployed) -> None:
    """The failed attempt is a retry, the two others delivered; nothing is left in memory or in flight."""
    name = "redletter_delivery_attempts_total"
    await_that(lambda: _read(running, DELIVERY).total(name, result="delivered") == 2)
    delivery = _read(running, DELIVERY)
    assert delivery.total(name, result="retry") == 1
    assert delivery.total("redletter_delivery_retries_total") == 1
    assert delivery.total("redletter_delivery_lane_inflight") == 0
    assert delivery.total("redletter_delivery_lane_held") == 0
    assert len(delivery.of("redletter_delivery_queue_open")) == 2


def test_one_scheduler_leads_and_all_shards_are_held(running: Deployed) -> None:
    """Exactly one says that it leads, with its term; the replicas' shards add up to 64."""
    held = "redletter_scheduler_shards_held"
    await_that(lambda: sorted(_read(running, SCHEDULER).of(held)) == [32, 32])
    scheduler = _read(running, SCHEDULER)
    assert sorted(scheduler.of("redletter_leader", role="planner")) == [0, 1]
    assert max(scheduler.of("redletter_leader_term", role="planner")) >= 1
    assert scheduler.of("redletter_scheduler_without_redis") == [0, 0]


def test_the_backlog_is_empty_once_everything_is_planned(running: Deployed) -> None:
    """Both ends of the feed say that nothing waits, nothing due is undecided, and what was applied is counted."""
    await_that(lambda: _read(running, SCHEDULER).of("redletter_scheduler_feed_backlog") == [0, 0])
    await_that(lambda: _read(running, USER).of("redletter_user_changes_pending") == [0])
    scheduler = _read(running, SCHEDULER)
    assert scheduler.total("redletter_scheduler_changes_applied_total", kind="user") == 1
    assert scheduler.total("redletter_scheduler_plans_written_total") >= 1
    assert scheduler.total("redletter_scheduler_unplannable_total") == 0
    assert scheduler.total("redletter_scheduler_handovers_offered_total", result="accepted") == 1
    # The next year's.
    await_that(lambda: _read(running, SCHEDULER).total("redletter_scheduler_plans_open") == 1)
    for name in ("backlog_plans", "backlog_age_seconds", "handovers_waiting", "parked_people"):
        assert _read(running, SCHEDULER).of(f"redletter_scheduler_{name}") == [0, 0]


@pytest.mark.parametrize("module", [USER, SCHEDULER, DELIVERY])
def test_every_service_says_how_it_lives(running: Deployed, module: str) -> None:
    """Each process has started once, knows how far its clock is from PostgreSQL's, and had no failing loop."""
    exposition = _read(running, module)
    count = len(exposition.processes)
    assert exposition.of("redletter_lifecycle_events_total", event="started") == [1.0] * count
    assert len(exposition.of("redletter_clock_skew_seconds")) == count
    assert all(abs(skew) < 1 for skew in exposition.of("redletter_clock_skew_seconds"))
