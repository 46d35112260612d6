"""OpenTelemetry: off without a collector, and a dead collector never holds up work or shutdown."""

import asyncio
import threading
from typing import Any

import grpc
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

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
