"""Lists that are empty: said beside the answer, and an endpoint that does not exist is not an empty one."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redletter.delivery.v1 import (
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    endpoint_service_pb2,
    endpoint_service_pb2_grpc,
)
from redletter.scheduler.v1 import event_service_pb2, event_service_pb2_grpc

from redletter_cli.__main__ import app, run
from redletter_cli.commands.configuration import FILE
from tests.unit.redletter.sdk_examples import abort, status

Run = Callable[..., tuple[int, str, str]]


class Endpoints(endpoint_service_pb2_grpc.EndpointServiceServicer):
    """Knows the endpoint `shop` and no other."""

    def GetEndpoint(self, request: Any, context: Any) -> Any:
        """Return it, or say that there is none."""
        if request.endpoint_id != "shop":
            info = error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="redletter")
            message = f'there is no endpoint "{request.endpoint_id}"'
            abort(context, status(grpc.StatusCode.NOT_FOUND, message, info))
        return endpoint_service_pb2.GetEndpointResponse()


class Deliveries(delivery_service_pb2_grpc.DeliveryServiceServicer):
    """Has none, except to `deleted`."""

    def ListDeliveries(self, request: Any, context: Any) -> Any:
        """Return what there is."""
        answer = delivery_service_pb2.ListDeliveriesResponse()
        if request.endpoint_id == "deleted":
            answer.deliveries.add(event_id="evt_1", endpoint_id="deleted")
        return answer


class Events(event_service_pb2_grpc.EventServiceServicer):
    """Has none."""

    def ListEvents(self, request: Any, context: Any) -> Any:
        """Return nothing."""
        return event_service_pb2.ListEventsResponse()


@pytest.fixture
def terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    """Serve empty lists and return how to run a verb: exit status, standard output, standard error."""
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    endpoint_service_pb2_grpc.add_EndpointServiceServicer_to_server(Endpoints(), server)  # type: ignore[no-untyped-call]
    delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(Deliveries(), server)  # type: ignore[no-untyped-call]
    event_service_pb2_grpc.add_EventServiceServicer_to_server(Events(), server)  # type: ignore[no-untyped-call]
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    (tmp_path / FILE).parent.mkdir()
    content = {"user": address, "scheduler": address, "delivery": address, "api_key": "rl_x"}
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    server.start()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(lambda: app(args=list(arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield call
    server.stop(None).wait()


def test_empty_table_is_said_to_be_empty(terminal: Run) -> None:
    """Nobody's events are a heading, a word beside it, and 0."""
    code, out, err = terminal("events", "list", "--user", "nobody")
    assert (code, err) == (0, "nothing found\n")
    assert out.startswith("EVENT")
    assert out.count("\n") == 1


def test_empty_document_stays_a_document(terminal: Run) -> None:
    """A program gets an empty array; the word is not in its way."""
    assert terminal("events", "list", "-o", "json") == (0, "[]\n", "nothing found\n")


@pytest.mark.parametrize("endpoint", ["shop", "inbox"])
def test_endpoint_without_deliveries_is_no_failure(terminal: Run, endpoint: str) -> None:
    """An endpoint that was never sent anything, and the inbox, which is no endpoint to get, end with 0."""
    code, _, err = terminal("deliveries", "list", "--endpoint", endpoint)
    assert (code, err) == (0, "nothing found\n")


def test_endpoint_that_does_not_exist_is_a_failure(terminal: Run) -> None:
    """A misspelt name is not an empty list."""
    assert terminal("deliveries", "list", "--endpoint", "nope") == (
        1,
        "",
        'redletter: there is no endpoint "nope"\n',
    )


def test_deliveries_to_an_endpoint_that_is_gone_are_listed(terminal: Run) -> None:
    """What was sent is shown, whether or not the endpoint is still there."""
    code, out, err = terminal("deliveries", "list", "--endpoint", "deleted")
    assert (code, err) == (0, "")
    assert "evt_1" in out
