"""One service process: what it is told, how it is started, when it is ready."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from redletter_cli.dev.ports import ServicePorts
from redletter_cli.embedded import Child, Command, StartFailed

USER, SCHEDULER, DELIVERY = "user_service", "scheduler_service", "delivery_service"

GRACE_SECONDS = 8.0
_STOP_WITHIN = timedelta(seconds=GRACE_SECONDS + 2)
_ANSWER_SECONDS = 0.5

# What a person may set for all processes from outside; every other setting of ours is decided here.
_PASSED_ON = frozenset({"REDLETTER_LOG_LEVEL", "REDLETTER_OTLP_ENDPOINT"})


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """Which service, under which name, on which ports, with which settings beyond those that all share."""

    name: str
    module: str
    ports: ServicePorts
    settings: Mapping[str, str]

    def environment(self, shared: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of the process."""
        return {
            **inherited(os.environ),
            **shared,
            **self.settings,
            "REDLETTER_REPLICA_ID": self.name,
            "REDLETTER_PUBLIC_PORT": str(self.ports.public),
            "REDLETTER_INTERNAL_PORT": str(self.ports.internal),
            "REDLETTER_METRICS_PORT": str(self.ports.metrics),
            "REDLETTER_GRACE_SECONDS": f"{GRACE_SECONDS:g}",
        }


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a service inherits: everything but our own settings, of those only what may be passed on."""
    kept = {k: v for k, v in environment.items() if not k.startswith("REDLETTER_") or k in _PASSED_ON}
    return {**kept, "PYTHONUNBUFFERED": "1"}


class Service:
    """A service process that can be started again; it has the shape of the embedded servers."""

    def __init__(self, spec: ServiceSpec, shared: Mapping[str, str], *, log: Path, cwd: Path) -> None:
        self.name = spec.name
        self.spec = spec
        self._command = Command(
            name=spec.name,
            argv=(sys.executable, "-m", spec.module),
            log=log,
            env=spec.environment(shared),
            cwd=cwd,
        )
        self._child: Child | None = None
        self._channel: grpc.Channel | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process and return at once; `is_ready` says when it serves."""
        self._child = Child(self._command)

    def poll(self) -> int | None:
        """Return None while it runs or was never started, else the exit code."""
        return self._child.poll() if self._child else None

    def stop(self) -> None:
        """Ask it to stop, kill it when it takes longer than its grace time; nothing happens when it does not run."""
        if self._channel:
            self._channel.close()
            self._channel = None
        if self._child:
            self._child.stop(_STOP_WITHIN)

    def is_ready(self) -> bool:
        """Return whether its health service says SERVING right now."""
        if self._channel is None:
            # Reconnect quickly: the process is expected any moment.
            options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.min_reconnect_backoff_ms", 50)]
            self._channel = grpc.insecure_channel(f"127.0.0.1:{self.spec.ports.public}", options=options)
        stub = health_pb2_grpc.HealthStub(self._channel)
        try:
            answer = stub.Check(
                health_pb2.HealthCheckRequest(), timeout=_ANSWER_SECONDS, wait_for_ready=False
            )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def last_words(self) -> str:
        """Return the last line that the current process wrote, empty when it wrote none."""
        lines = self._child.output().strip().splitlines() if self._child else []
        return lines[-1] if lines else ""

    def wait_ready(self, within: timedelta) -> None:
        """Return when it is ready.

        Raises:
            StartFailed: it ended, or `within` passed; carries its last words.
        """
        if self._child is None:
            raise StartFailed(f"{self.name} was not started")
        self._child.wait_until(self.is_ready, within=within)


def run_to_end(module: str, command: str, *, env: Mapping[str, str], log: Path, cwd: Path) -> Child:
    """Start `python -m module command`, one that ends by itself; call `finish` on what is returned."""
    return Child(
        Command(
            name=f"{module} {command}",
            argv=(sys.executable, "-m", module, command),
            log=log,
            env=env,
            cwd=cwd,
        )
    )


def addresses(ports: Sequence[int]) -> str:
    """Return the setting that names several replicas: `127.0.0.1:7720,127.0.0.1:7723`."""
    return ",".join(f"127.0.0.1:{port}" for port in ports)
