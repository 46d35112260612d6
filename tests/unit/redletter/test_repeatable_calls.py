"""Which calls the client sends again while nobody answers: what may be repeated, and nothing else."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from redletter.client import Client
from redletter.errors import ApiError
from redletter.retries import IDEMPOTENT, repeatable
from redletter.scheduler.v1 import (
    event_service_pb2,
    event_service_pb2_grpc,
    event_type_service_pb2,
    event_type_service_pb2_grpc,
)

from tests.unit.redletter.sdk_examples import abort, client, status


class Events(event_service_pb2_grpc.EventServiceServicer):
    """Is away for every call, and counts them."""

    def __init__(self) -> None:
        self.calls = 0

    def _away(self, _: Any, context: Any) -> None:
        self.calls += 1
        info = error_details_pb2.ErrorInfo(reason="DEPENDENCY_UNAVAILABLE", domain="redletter")
        abort(context, status(grpc.StatusCode.UNAVAILABLE, "the database does not answer", info))

    CreateEvent = TriggerEvent = ReissueEvent = ReissueEvents = SkipEvent = _away


class EventTypes(event_type_service_pb2_grpc.EventTypeServiceServicer):
    """Is away, and counts on the account of the events."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def TestEventType(self, request: Any, context: Any) -> Any:
        """Be away."""
        self._events._away(request, context)


@pytest.mark.parametrize(
    ("stub", "method", "request_", "tries"),
    [
        ("events", "CreateEvent", event_service_pb2.CreateEventRequest(instance="o-1"), 4),
        ("events", "TriggerEvent", event_service_pb2.TriggerEventRequest(instance="t-1"), 4),
        ("events", "TriggerEvent", event_service_pb2.TriggerEventRequest(), 1),
        ("events", "ReissueEvent", event_service_pb2.ReissueEventRequest(instance="r-1"), 4),
        ("events", "ReissueEvent", event_service_pb2.ReissueEventRequest(), 1),
        ("events", "ReissueEvents", event_service_pb2.ReissueEventsRequest(dry_run=True), 4),
        ("events", "ReissueEvents", event_service_pb2.ReissueEventsRequest(), 1),
        ("events", "SkipEvent", event_service_pb2.SkipEventRequest(), 1),
        ("event_types", "TestEventType", event_type_service_pb2.TestEventTypeRequest(), 1),
    ],
)
def test_only_what_makes_nothing_twice_is_sent_again(
    stub: str, method: str, request_: Message, tries: int
) -> None:
    """A call that makes an event is repeated only under an instance of the caller's."""
    events = Events()
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    event_service_pb2_grpc.add_EventServiceServicer_to_server(events, server)  # type: ignore[no-untyped-call]
    event_type_service_pb2_grpc.add_EventTypeServiceServicer_to_server(EventTypes(events), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with client(f"127.0.0.1:{port}") as api, pytest.raises(ApiError, match="the database"):
            getattr(getattr(api, stub), method)(request_)
    finally:
        server.stop(None).wait()
    assert events.calls == tries


def test_every_read_is_repeatable() -> None:
    """Get, List, Explain, Preview and Forecast change nothing; the client repeats each that it can call."""
    for method in _public_methods():
        if re.match("(Get|List|Explain|Preview|Forecast)", method.rpartition("/")[2]):
            assert repeatable(method, event_service_pb2.GetEventRequest()), method


def test_every_repeatable_method_exists() -> None:
    """No name in the list is misspelt."""
    assert set(IDEMPOTENT) <= _public_methods()


def _public_methods() -> set[str]:
    """Return the full names of all methods of the client's stubs."""
    addresses = dict.fromkeys(("user", "scheduler", "delivery"), "127.0.0.1:1")
    with Client(addresses, "key") as api:
        stubs = [*vars(api).values(), *vars(api.operations).values()]
        names = [type(stub).__name__ for stub in stubs if type(stub).__name__.endswith("Stub")]
    found = set()
    for name in names:
        for package in ("common", "user", "scheduler", "delivery"):
            try:
                service = descriptor_pool.Default().FindServiceByName(
                    f"redletter.{package}.v1.{name.removesuffix('Stub')}"
                )
            except KeyError:
                continue
            found |= {f"/{service.full_name}/{method.name}" for method in service.methods}
    return found
