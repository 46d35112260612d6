"""The services as `redletter dev` runs them, for tests that look at more than the command's lines."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.common.v1 import on_enrol_pb2
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2
from redletter.user.v1 import user_pb2, user_service_pb2
from whenever import Instant, TimeDelta

from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment, Shape
from redletter_cli.dev.ports import Ports, free_base

ONE_OF_EACH = Shape(schedulers=1, deliveries=1)
_WITHIN = 20.0

Found = TypeVar("Found")


class Deployed:
    """A running deployment, and a client that calls as its tenant."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.client = self._connected()

    def schedule(self, event_type_id: str, user_ids: Sequence[str], *, seconds: float = 2.0) -> Instant:
        """Have one message for each of these people due in so many seconds, rounded up; return the instant.

        The event type has an occasion kind of its own name, the people have that occasion today.
        """
        due = (Instant.now() + TimeDelta(seconds=seconds)).round("second", mode="ceil")
        at = due.to_tz("UTC")
        self.client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(
                event_type=event_type_pb2.EventType(
                    event_type_id=event_type_id,
                    occasion_kind=event_type_id,
                    local_time=TimeOfDay(hours=at.hour, minutes=at.minute, seconds=at.second),
                    deliver_within={"seconds": 3600},
                    templates=[
                        event_type_pb2.Template(
                            title="Hello {{ user.given_name | default('you') }}", body="Hello."
                        )
                    ],
                )
            )
        )
        occasion = user_pb2.Occasion(kind=event_type_id, date=Date(month=at.month, day=at.day))
        request = user_service_pb2.BatchUpsertUsersRequest(
            users=[
                user_pb2.User(user_id=user_id, time_zone="UTC", given_name="Ada", occasions=[occasion])
                for user_id in user_ids
            ],
            on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY,
        )
        refused = [r for r in self.client.users.BatchUpsertUsers(request).results if r.HasField("status")]
        assert [r for r in refused if r.status.code] == []
        return due

    def restart(self) -> None:
        """Start all services again, with the environment as it is now."""
        # Before: its connections would wait longer and longer before they try again, and be the next client's too.
        self.client.close()
        self.deployment.restart_services(Clock())
        self.client = self._connected()

    def add_endpoint(self, endpoint_id: str, port: int) -> None:
        """Send every message to this port as well."""
        self.client.endpoints.CreateEndpoint(
            endpoint_service_pb2.CreateEndpointRequest(
                endpoint_id=endpoint_id, url=f"http://127.0.0.1:{port}/"
            )
        )

    def _connected(self) -> Client:
        client = self.deployment.accounts.as_tenant()
        request = event_type_service_pb2.ListEventTypesRequest()
        await_that(lambda: client.event_types.ListEventTypes(request).event_types)
        return client


@dataclass(frozen=True)
class Webhook:
    """One POST; header names in lower case."""

    headers: dict[str, str]


class Sink(ThreadingHTTPServer):
    """A receiver in the test's own process that keeps headers and answers 200, after a failure if told to."""

    request_queue_size = 256  # of connections at once; the default of 5 costs retransmissions

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.webhooks: list[Webhook] = []
        self.failures = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name is http.server's
        self.rfile.read(int(self.headers["content-length"]))
        sink = self.server
        assert isinstance(sink, Sink)
        status = 503 if sink.failures > 0 else 200
        sink.failures -= status == 503
        sink.webhooks.append(Webhook({name.lower(): value for name, value in self.headers.items()}))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Sink]:
    """Run a sink on a free port."""
    with Sink() as sink:
        threading.Thread(target=sink.serve_forever, args=(0.05,), daemon=True).start()
        yield sink
        sink.shutdown()


@contextmanager
def deployed(directory: Path, shape: Shape = ONE_OF_EACH) -> Iterator[Deployed]:
    """Run everything until the block ends; it begins when the scheduler knows the tenant."""
    deployment = Deployment(directory / "data", ports=Ports(free_base()), shape=shape, say=lambda _said: None)
    try:
        deployment.start_servers()
        deployment.start_services(Clock())
        deployment.ensure_accounts()
        it = Deployed(deployment)
        yield it
        it.client.close()
    finally:
        deployment.close()


def await_that(found: Callable[[], Found], *, within: float = _WITHIN) -> Found:
    """Ask until the answer is true in a boolean sense, and return it."""
    deadline = time.monotonic() + within
    while not (answer := found()):
        assert time.monotonic() < deadline, f"still {answer!r} after {within:g} s"
        time.sleep(0.05)
    return answer
