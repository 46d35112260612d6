"""Traces of the processes as shipped: one from the decision to the webhook, none without a collector."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from redletter_cli.embedded import free_port
from tests.e2e.collector import Collector, Span, collecting
from tests.e2e.deployed import Deployed, Sink, Webhook, await_that, deployed, receiving

_ACCEPT = "/redletter.delivery.v1.IntakeService/AcceptEvents"
_PULL = "/redletter.user.v1.UserFeedService/PullChanges"
_ACK = "/redletter.user.v1.UserFeedService/AckChanges"
_SERVER, _CLIENT = 2, 3  # of OTLP's SpanKind

# Far below the grace time of eight seconds; the exporter gives up after two.
_STOPPED_WITHIN = 6.0


@dataclass(frozen=True)
class Traced:
    """A deployment that exports to a collector, and an endpoint whose headers can be read."""

    deployed: Deployed
    collector: Collector
    sink: Sink


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """Give the environment that services start in, for as long as this file runs."""
    with pytest.MonkeyPatch.context() as patch:
        # Spans go out after 0.2 s instead of 5; the OpenTelemetry SDK's own variable.
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        yield patch


@pytest.fixture(scope="module")
def traced(environment: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Run everything with a collector."""
    with collecting() as collector, receiving() as sink:
        environment.setenv("REDLETTER_OTLP_ENDPOINT", collector.endpoint)
        with deployed(tmp_path_factory.mktemp("traces")) as it:
            it.add_endpoint("sink", sink.port)
            yield Traced(it, collector, sink)


def _send(traced: Traced, event_type_id: str, *user_ids: str) -> list[Webhook]:
    """Have these people's messages due and return their webhooks."""
    before = len(traced.sink.webhooks)
    traced.deployed.schedule(event_type_id, user_ids)
    await_that(lambda: len(traced.sink.webhooks) >= before + len(user_ids))
    return traced.sink.webhooks[before:]


def _trace_id(webhook: Webhook) -> str:
    version, trace_id, _, flags = webhook.headers["traceparent"].split("-")
    assert version == "00"
    assert int(flags, 16) & 1, "not sampled"
    return trace_id


def _ours(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.scope == "redletter"]


def _one(spans: list[Span], service: str, name: str, kind: int | None = None) -> Span:
    [found] = [s for s in spans if (s.service, s.name) == (service, name) and kind in (None, s.kind)]
    return found


def test_a_webhook_carries_the_trace_of_its_decision(traced: Traced) -> None:
    """From the decision over the call to delivery until it is stored: one trace, whose id the webhook carries."""
    [webhook] = _send(traced, "traced", "ada")
    trace_id = _trace_id(webhook)
    # Both processes export on their own time; the client's span and the one of the recorder end last.
    ended = {("scheduler_service", "decide"), ("scheduler_service", _ACCEPT), ("delivery_service", _ACCEPT)}
    await_that(lambda: ended <= {(s.service, s.name) for s in traced.collector.traces()[trace_id]})
    recorded = await_that(lambda: [s for s in traced.collector.spans() if trace_id in s.links])
    spans = traced.collector.traces()[trace_id]

    decide = _one(spans, "scheduler_service", "decide")
    client = _one(spans, "scheduler_service", _ACCEPT, _CLIENT)
    server = _one(spans, "delivery_service", _ACCEPT, _SERVER)
    accept = _one(spans, "delivery_service", "events.accept")
    assert decide.parent_id == ""
    assert (client.parent_id, server.parent_id) == (decide.span_id, client.span_id)
    assert accept.parent_id == server.span_id
    assert webhook.headers["traceparent"].split("-")[2] == decide.span_id
    # Outcomes of several traces are written together: a span of its own, linked to each.
    assert {(s.service, s.name) for s in recorded} == {("delivery_service", "deliveries.record")}


def test_the_feed_is_traced_from_the_scheduler_to_user_service(traced: Traced) -> None:
    """A pull and an acknowledgement each have their client and server span in one trace; the planning is around the latter."""

    def crossing(path: str) -> list[Span]:
        for spans in traced.collector.traces().values():
            sides = {(s.service, s.kind) for s in spans if s.name == path}
            if sides == {("scheduler_service", _CLIENT), ("user_service", _SERVER)}:
                return spans
        return []

    await_that(lambda: crossing(_PULL))
    planning = await_that(lambda: crossing(_ACK))
    plan = _one(planning, "scheduler_service", "plan")
    assert _one(planning, "scheduler_service", _ACK).parent_id == plan.span_id
    assert _one(planning, "user_service", _ACK).trace_id == plan.trace_id


def test_spans_are_per_batch(traced: Traced) -> None:
    """Fifty people due in one instant make a handful of spans of ours, and statements by the batch."""
    webhooks = _send(traced, "fifty", *(f"person-{number}" for number in range(50)))
    trace_ids = {_trace_id(webhook) for webhook in webhooks}

    def ours() -> list[Span]:
        return [
            span
            for span in traced.collector.spans()
            if span.trace_id in trace_ids or trace_ids & set(span.links)
        ]

    def decided() -> int:
        return sum(int(s.attributes["redletter.plans"]) for s in ours() if s.name == "decide")

    # Each process sends its spans when it likes: those of the decision may come after delivery's.
    await_that(lambda: trace_ids <= {trace for span in ours() for trace in span.links})
    await_that(lambda: decided() >= 50)
    spans = ours()
    assert decided() == 50
    assert sum(int(s.attributes["redletter.events"]) for s in spans if s.name == "events.accept") == 50
    assert len(trace_ids) <= 4
    assert len(_ours(spans)) <= 15
    assert len(spans) < 50 * len(trace_ids)


def test_polling_makes_no_traces(traced: Traced) -> None:
    """No trace begins with an SQL statement: the loops ask hundreds of times a second whether there is work."""
    roots = Counter(span.name for span in traced.collector.spans() if not span.parent_id)
    known = {"decide", "plan", "deliveries.record"}
    assert [name for name in roots if name not in known and not name.startswith("/")] == []


def test_a_dead_collector_holds_up_neither_a_message_nor_the_end(
    traced: Traced, environment: pytest.MonkeyPatch
) -> None:
    """Where nobody listens for spans the message arrives all the same, and every process ends in time with 0."""
    environment.setenv("REDLETTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    traced.deployed.restart()
    [webhook] = _send(traced, "unheard", "ada")
    _trace_id(webhook)
    for service in reversed(traced.deployed.deployment.services):
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < _STOPPED_WITHIN
        assert service.poll() == 0
