"""Prometheus: the exposition port and the RED metrics of every gRPC method."""

import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from chassis.ports import PortTaken

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_SECONDS = Histogram(
    "redletter_rpc_duration_seconds",
    "Time from the arrival of a call to its end, by method and status code.",
    ["service", "method", "code"],
    buckets=LATENCY_BUCKETS,
)
RPC_ACTIVE = Gauge("redletter_rpc_active_calls", "Calls that are being served.", ["service"])
CLOCK_SKEW = Gauge("redletter_clock_skew_seconds", "How far this machine's clock is from PostgreSQL's.")
LIFECYCLE = Counter("redletter_lifecycle_events_total", "Starts and stops of this process.", ["event"])


class MetricsPort:
    """Serves /metrics on its own port; port 0 means no exposition."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            PortTaken: it cannot listen there.
        """
        if not self._port:
            return
        try:
            self._server, self._thread = start_http_server(self._port, addr=self._host)
        except OSError as error:
            raise PortTaken(f"cannot listen on {self._host}:{self._port} for metrics: {error}") from error

    async def stop(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
