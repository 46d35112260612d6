"""delivery_service as a process, for tests that kill it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
from redletter.delivery.v1 import intake_service_pb2, intake_service_pb2_grpc

from chassis.rpc.credentials import InternalToken

SECRET = "s" * 32
ROOT = Path(__file__).resolve().parents[3]


class Process:
    """`python -m delivery_service` with its ports; `changes` are variables of its environment."""

    def __init__(self, database_url: str, replica_id: str, **changes: str) -> None:
        self.port, self.public_port, self.metrics_port = _free_ports()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdks/python'}",
            "REDLETTER_DATABASE_URL": database_url,
            "REDLETTER_INTERNAL_SECRET": SECRET,
            "REDLETTER_INTERNAL_PORT": str(self.port),
            "REDLETTER_PUBLIC_PORT": str(self.public_port),
            "REDLETTER_METRICS_PORT": str(self.metrics_port),
            "REDLETTER_REPLICA_ID": replica_id,
            "REDLETTER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "REDLETTER_ALLOW_HTTP": "inside",
            "REDLETTER_ALLOWED_PORTS": "1-65535",
            "REDLETTER_LANE_CONCURRENCY": "8",
            **changes,
        }
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "delivery_service"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rest_of_log(self) -> str:
        """Return the log of a process that ends."""
        return self.popen.communicate(timeout=20)[0]

    def read_until(self, event: str) -> None:
        """Return when the process has logged an event of this name."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            if json.loads(line)["event"] == event:
                return
        raise AssertionError(f"the process ended without {event}")

    async def accept(self, *events: intake_service_pb2.AcceptedEvent) -> None:
        """Offer events as the scheduler does."""
        metadata = (("authorization", InternalToken(SECRET).header()),)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = intake_service_pb2_grpc.IntakeServiceStub(channel)
            request = intake_service_pb2.AcceptEventsRequest(handover_id="h", events=events)
            await stub.AcceptEvents(request, metadata=metadata, timeout=20, wait_for_ready=True)


@contextlib.contextmanager
def process(database_url: str, replica_id: str, **changes: str) -> Iterator[Process]:
    """Run a replica, and kill it at the end if it still runs."""
    started = Process(database_url, replica_id, **changes)
    try:
        yield started
    finally:
        started.popen.kill()
        with contextlib.suppress(ValueError):  # a test that has read everything has closed the pipes
            started.popen.communicate()


def _free_ports() -> tuple[int, int, int]:
    with contextlib.ExitStack() as reserved:
        sockets = [reserved.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        first, second, third = (one.getsockname()[1] for one in sockets)
    return first, second, third
