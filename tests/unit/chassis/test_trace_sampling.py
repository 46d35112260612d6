"""Which traces are recorded, and what the lines and spans of others refer to."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import SpanKind

from chassis import logs, traces
from chassis.traces import WithoutPolls


@pytest.mark.parametrize(
    ("name", "kind", "recorded"),
    [
        ("SELECT", SpanKind.CLIENT, False),
        ("BEGIN;", SpanKind.CLIENT, False),
        ("/redletter.user.v1.UserFeedService/PullChanges", SpanKind.CLIENT, True),
        ("/redletter.user.v1.UserService/GetUser", SpanKind.SERVER, True),
        ("decide", SpanKind.INTERNAL, True),
    ],
)
def test_a_trace_does_not_begin_with_a_statement(name: str, kind: SpanKind, recorded: bool) -> None:
    """Calls and batches begin traces; a statement is recorded only below one of them."""
    tracer = TracerProvider(sampler=WithoutPolls(ALWAYS_ON)).get_tracer("test")
    assert tracer.start_span(name, kind=kind).is_recording() is recorded
    with tracer.start_as_current_span("decide"):
        assert tracer.start_span(name, kind=kind).is_recording()


def test_the_sampler_that_was_configured_still_decides() -> None:
    """What OTEL_TRACES_SAMPLER drops stays dropped."""
    tracer = TracerProvider(sampler=WithoutPolls(ALWAYS_OFF)).get_tracer("test")
    assert not tracer.start_span("decide").is_recording()


def test_no_links_while_traces_are_off() -> None:
    """Contexts that came along from elsewhere are not linked by a process that does not trace."""
    assert traces.links(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]) == []


def test_a_line_within_a_span_carries_its_trace() -> None:
    """`trace_id` is the one of the traceparent; outside of a span there is none."""
    line = {"event": "events.decided"}
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("decide") as span:
        within = logs.traced(None, "info", dict(line))
    assert within == {**line, "trace_id": trace.format_trace_id(span.get_span_context().trace_id)}
    assert logs.traced(None, "info", dict(line)) == line
