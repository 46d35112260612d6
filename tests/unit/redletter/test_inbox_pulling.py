"""`redletter.inbox.pull`: one stream for the caller, however many the server ended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redletter.delivery.v1 import inbox_service_pb2 as wire
from redletter.delivery.v1 import inbox_service_pb2_grpc
from redletter.errors import ApiError
from redletter.inbox import pull
from redletter.retries import Retries

from tests.unit.redletter.sdk_examples import abort, client, status

QUICK = Retries(attempts=3, base=timedelta(milliseconds=1), cap=timedelta(milliseconds=2))


class Inbox(inbox_service_pb2_grpc.InboxServiceServicer):
    """Each call gives what the test wrote down for it: messages, then its end."""

    def __init__(self, *streams: tuple[list[str], grpc.StatusCode | None]) -> None:
        self.streams = list(streams)
        self.keys: list[str] = []

    def PullInbox(self, _request: Any, context: Any) -> Iterator[wire.PullInboxResponse]:
        """Give the next stream."""
        self.keys.append(dict(context.invocation_metadata())["authorization"])
        ids, end = self.streams.pop(0)
        for event_id in ids:
            response = wire.PullInboxResponse()
            response.message.event_id = event_id
            yield response
        if end is not None:
            info = error_details_pb2.ErrorInfo(reason="DEPENDENCY_UNAVAILABLE", domain="redletter")
            abort(context, status(end, "this replica is stopping; call again", info))


@contextmanager
def serving(inbox: Inbox) -> Iterator[str]:
    """Serve on loopback; yields the address."""
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(inbox, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def pulled(inbox: Inbox) -> list[str]:
    """Return what one iteration gives."""
    with serving(inbox) as address, client(address) as api:
        request = wire.PullInboxRequest(end_when_empty=True)
        return [one.message.event_id for one in pull(api, request, retries=QUICK)]


def test_a_stream_goes_on_when_its_replica_stops() -> None:
    """Two streams that end with UNAVAILABLE and a third that ends well are one; each carries the key."""
    away = grpc.StatusCode.UNAVAILABLE
    inbox = Inbox((["a", "b"], away), ([], away), (["c"], None))
    assert pulled(inbox) == ["a", "b", "c"]
    assert inbox.keys == ["Bearer key"] * 3


def test_a_refusal_ends_it() -> None:
    """What the service refuses is raised at once, in its words; so is being away too often in a row."""
    refused = Inbox((["a"], grpc.StatusCode.PERMISSION_DENIED))
    with pytest.raises(ApiError) as found:
        pulled(refused)
    assert found.value.code == "PERMISSION_DENIED"
    away = Inbox(*[([], grpc.StatusCode.UNAVAILABLE)] * 5)
    with pytest.raises(ApiError, match="stopping"):
        pulled(away)
    assert len(away.streams) == 2
