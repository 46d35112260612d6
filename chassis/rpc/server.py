"""A gRPC port: interceptors, health, reflection, and a stop that lets running calls end."""

from collections.abc import Callable, Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chassis.circuits import Circuit
from chassis.ports import PortTaken
from chassis.rpc.boundary import Authenticate, Boundary

MAX_PUBLIC_BYTES = 4 * 1024 * 1024
MAX_INTERNAL_BYTES = 16 * 1024 * 1024

LIVE = "live"
# Clients come back so often, so that a new replica gets its share. Of our own services' channels each that comes
# back looks the name up again; no call fails for it.
CONNECTION_AGE_SECONDS = 60.0

Register = Callable[[grpc.aio.Server], None]


class Port:
    """One listening gRPC server of a service.

    `so_reuseport` is off: otherwise a second server binds the same port silently. With the circuit of the
    `database` no call waits for one that does not answer.
    """

    def __init__(
        self,
        service: str,
        address: str,
        *,
        authenticate: Authenticate,
        register: Sequence[Register],
        names: Sequence[str],
        max_bytes: int = MAX_PUBLIC_BYTES,
        connection_age_seconds: float = CONNECTION_AGE_SECONDS,
        database: Circuit | None = None,
    ) -> None:
        self._address = address
        self.port = 0
        self.health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        self._names = names
        self._server = grpc.aio.server(
            interceptors=[*_tracing(), Boundary(service, authenticate, database)],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_bytes),
                ("grpc.max_send_message_length", max_bytes),
                ("grpc.max_connection_age_ms", int(connection_age_seconds * 1000)),
                # An import may take long: a call under way is never cut for the sake of balance.
                ("grpc.max_connection_age_grace_ms", 3_600_000),
            ],
        )
        for add in register:
            add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        reflection.enable_server_reflection(
            [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
        )

    async def start(self) -> None:
        """Listen; health stays NOT_SERVING until `set_ready(True)`.

        Raises:
            PortTaken: another process listens there.
        """
        await self.set_ready(ready=False)
        # Whoever asks by this name wants to know whether the process is alive, whatever it waits for.
        await self.health.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
        try:
            self.port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise PortTaken(f"cannot listen on {self._address}: the port is taken") from error
        await self._server.start()

    async def set_ready(self, *, ready: bool) -> None:
        """Tell the standard health service whether calls are welcome."""
        serving = health_pb2.HealthCheckResponse
        status = serving.SERVING if ready else serving.NOT_SERVING
        for name in ("", *self._names):
            await self.health.set(name, status)

    async def stop(self, grace: float = 5.0) -> None:
        """Refuse new calls, wait up to `grace` seconds for running ones."""
        await self.health.enter_graceful_shutdown()
        await self._server.stop(grace)


def _tracing() -> list[grpc.aio.ServerInterceptor]:
    from chassis import traces

    return traces.server_interceptors()
