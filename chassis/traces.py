"""OpenTelemetry: off without a collector, and a dead collector never holds up work or shutdown."""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

tracer = trace.get_tracer("redletter")

# With a dead collector the exporter would wait half a minute; the pod's grace time is shorter.
_SHUTDOWN_SECONDS = 2.0


class Traces:
    """The trace pipeline of one process; does nothing when `endpoint` is empty."""

    def __init__(self, service: str, replica_id: str, endpoint: str) -> None:
        self._service = service
        self._replica_id = replica_id
        self._endpoint = endpoint
        self._provider: TracerProvider | None = None

    def install(self) -> None:
        """Send spans to the collector from now on; to be called before any channel or engine is made."""
        if not self._endpoint:
            return
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

        resource = Resource.create({"service.name": self._service, "service.instance.id": self._replica_id})
        self._provider = TracerProvider(resource=resource)
        self._provider.sampler = WithoutPolls(self._provider.sampler)
        exporter = OTLPSpanExporter(endpoint=self._endpoint, insecure=True, timeout=2)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4096))
        trace.set_tracer_provider(self._provider)
        AsyncPGInstrumentor(capture_parameters=False).instrument()

    async def start(self) -> None:
        """Nothing to do: `install` ran before the parts were built."""

    async def stop(self) -> None:
        """Flush what is left, for at most two seconds."""
        provider = self._provider
        if provider is None:
            return
        thread = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, _SHUTDOWN_SECONDS)


class WithoutPolls(Sampler):
    """Drops traces that would begin with an SQL statement; of all others `sampler` decides.

    The loops ask PostgreSQL hundreds of times a second whether there is work. A statement that belongs to a
    call or to a batch is below the span of that.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return whether the span is recorded."""
        begins = not trace.get_current_span(parent_context).get_span_context().is_valid
        # The only other spans of kind CLIENT are calls, named by their path; an attribute is not there yet.
        if begins and kind is SpanKind.CLIENT and not name.startswith("/"):
            return SamplingResult(Decision.DROP)
        return self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return what a trace's reader sees of it."""
        return f"WithoutPolls{{{self._sampler.get_description()}}}"


def links(traceparents: Iterable[str]) -> list[Link]:
    """Return a link to each of these W3C contexts; none while traces are off, and none to what is no context."""
    if not _on():
        return []
    found = (
        trace.get_current_span(propagate.extract({"traceparent": value}, Context())).get_span_context()
        for value in traceparents
    )
    return [Link(context) for context in found if context.is_valid]


def traceparent() -> str:
    """Return the W3C traceparent of the current span, or an empty string."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")


def server_interceptors() -> list[grpc.aio.ServerInterceptor]:
    """Return the stock gRPC server instrumentation, if traces are on."""
    return [_instrumentation().aio_server_interceptor()] if _on() else []


def client_interceptors() -> list[grpc.aio.ClientInterceptor]:
    """Return the stock gRPC client instrumentation, if traces are on."""
    return list(_instrumentation().aio_client_interceptors()) if _on() else []


def _on() -> bool:
    return isinstance(trace.get_tracer_provider(), TracerProvider)


def _instrumentation() -> Any:
    from opentelemetry.instrumentation import grpc as instrumentation

    return instrumentation
