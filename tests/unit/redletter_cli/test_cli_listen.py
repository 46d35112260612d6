"""`redletter listen` as a process: what it prints, what it registers, what it keeps."""

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2, endpoint_service_pb2_grpc
from standardwebhooks import Webhook

from redletter_cli.commands.configuration import FILE
from redletter_cli.embedded import free_port
from tests.unit.redletter.sdk_examples import abort, status

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of some bytes").decode()
BODY = json.dumps(
    {
        "type": "birthday",
        "timestamp": "2027-02-28T14:00:00Z",
        "data": {
            "user": {"id": "zoë"},
            "message": {"title": "Happy birthday\x1b[2J", "body": "b", "locale": "en"},
        },
    }
)


class Endpoints(endpoint_service_pb2_grpc.EndpointServiceServicer):
    """Keeps endpoints by id; each gets the same secret, shown once."""

    def __init__(self) -> None:
        self.kept: dict[str, endpoint_pb2.Endpoint] = {}
        self.created = 0
        self.away = False

    @property
    def urls(self) -> dict[str, str]:
        """The URLs by id."""
        return {name: one.url for name, one in self.kept.items()}

    def CreateEndpoint(self, request: Any, context: Any) -> Any:
        """Create, or refuse an id that is taken."""
        if request.endpoint_id in self.kept:
            info = error_details_pb2.ErrorInfo(reason="ALREADY_EXISTS_DIFFERENT", domain="redletter")
            abort(context, status(grpc.StatusCode.ALREADY_EXISTS, "the id is taken", info))
        made = endpoint_pb2.Endpoint(
            endpoint_id=request.endpoint_id, url=request.url, state="STATE_ENABLED", metadata=request.metadata
        )
        self.kept[request.endpoint_id] = made
        self.created += 1
        return endpoint_service_pb2.CreateEndpointResponse(endpoint=made, secret=SECRET)

    def GetEndpoint(self, request: Any, context: Any) -> Any:
        """Return an endpoint."""
        return endpoint_service_pb2.GetEndpointResponse(endpoint=self.kept[request.endpoint_id])

    def EnableEndpoint(self, request: Any, context: Any) -> Any:
        """Enable an endpoint."""
        self.kept[request.endpoint_id].state = endpoint_pb2.Endpoint.STATE_ENABLED
        return endpoint_service_pb2.EnableEndpointResponse(endpoint=self.kept[request.endpoint_id])

    def DeleteEndpoint(self, request: Any, context: Any) -> Any:
        """Forget an endpoint, or refuse while away."""
        if self.away:
            info = error_details_pb2.ErrorInfo(reason="FORBIDDEN", domain="redletter")
            abort(context, status(grpc.StatusCode.PERMISSION_DENIED, "not today", info))
        if self.kept.pop(request.endpoint_id, None) is None:
            info = error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="redletter")
            abort(context, status(grpc.StatusCode.NOT_FOUND, "there is none", info))
        return endpoint_service_pb2.DeleteEndpointResponse()


@pytest.fixture
def endpoints(tmp_path: Path) -> Iterator[Endpoints]:
    """Serve an EndpointService and write a configuration for it."""
    service = Endpoints()
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    endpoint_service_pb2_grpc.add_EndpointServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    (tmp_path / FILE).parent.mkdir()
    content = {"user": address, "scheduler": address, "delivery": address, "api_key": "rl_x"}
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    server.start()
    yield service
    server.stop(None).wait()


class Listening:
    """A running `redletter listen`."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.port = port

    def line(self) -> str:
        """Return the next line of standard output."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def said(self) -> str:
        """Return standard error up to the line that says it listens, or its end."""
        assert self.process.stderr
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            if line.startswith("listening"):
                break
        return "".join(lines)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> str:
        """Press Ctrl-C and return what is said at the end; the exit status must be 0."""
        self.process.send_signal(number)
        assert self.process.wait(10) == 0
        assert self.process.stderr
        return self.process.stderr.read()

    def post(self, *, secret: str = SECRET, webhook_id: str = "evt_1") -> int:
        """Send a signed message and return the status of the answer."""
        now = datetime.now(UTC)
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(webhook_id, now, BODY),
        }
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", BODY.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextmanager
def listening(directory: Path, *arguments: str, port: int | None = None) -> Iterator[Listening]:
    """Run `redletter listen` in `directory` until the block ends."""
    port = port or free_port()
    command = [sys.executable, "-m", "redletter_cli", "listen", "--port", str(port), *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Listening(process, port)
        finally:
            process.kill()


def test_verified_message_is_one_line_and_a_refused_one_is_visible(tmp_path: Path) -> None:
    """With a secret no configuration is needed; Ctrl-C ends with 0."""
    with listening(tmp_path, "--secret", SECRET) as running:
        assert running.said() == f"listening on http://127.0.0.1:{running.port}; Ctrl-C ends\n"
        assert running.post() == 200
        line = running.line()
        assert "verified birthday due 2027-02-28T14:00:00Z for zoë: Happy birthday\\x1b[2J\n" in line
        assert running.post(secret=OTHER, webhook_id="evt_2") == 401
        assert "REFUSED  evt_2: No matching signature found\n" in running.line()
        assert running.interrupt() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_endpoint_is_deleted_when_it_ends(
    tmp_path: Path, endpoints: Endpoints, number: signal.Signals
) -> None:
    """Ctrl-C and a polite kill take the endpoint and its kept secret away, say so and end with 0."""
    with listening(tmp_path, "--endpoint-id", "mine") as running:
        assert (
            f"registered endpoint mine for http://127.0.0.1:{running.port}/, until this ends\n"
            in running.said()
        )
        assert list(endpoints.urls) == ["mine"]
        said = running.interrupt(number)
    assert said == "endpoint mine is deleted; what still waited for it goes to the inbox\n"
    assert endpoints.urls == {}
    assert not list((tmp_path / ".redletter" / "endpoints").iterdir())


def test_an_endpoint_that_somebody_else_deleted_is_no_error(tmp_path: Path, endpoints: Endpoints) -> None:
    """What is gone already needs no deletion."""
    with listening(tmp_path, "--endpoint-id", "mine") as running:
        running.said()
        endpoints.kept.clear()
        assert "endpoint mine is deleted" in running.interrupt()


def test_an_endpoint_that_cannot_be_deleted_is_named(tmp_path: Path, endpoints: Endpoints) -> None:
    """A deletion that fails says how to do it by hand; the secret is kept for the next start."""
    with listening(tmp_path, "--endpoint-id", "mine") as running:
        running.said()
        endpoints.away = True
        assert "could not be deleted (not today)" in running.interrupt()
    assert (tmp_path / ".redletter" / "endpoints" / "mine.secret").exists()


def test_json_is_one_document_a_line(tmp_path: Path) -> None:
    """For programs each message is a line of JSON; the words of a refused one are not repeated."""
    with listening(tmp_path, "--secret", SECRET, "--output", "json") as running:
        running.said()
        running.post()
        running.post(secret=OTHER)
        verified, refused = json.loads(running.line()), json.loads(running.line())
    assert (verified["verdict"], verified["message"]) == ("verified", json.loads(BODY))
    assert (refused["verdict"], refused["message"]) == ("refused", None)


def test_what_a_crash_left_behind_is_taken_up_again(tmp_path: Path, endpoints: Endpoints) -> None:
    """After a crash the next start on that port uses the same endpoint with the kept secret, enabled, and deletes it."""
    with listening(tmp_path) as running:
        port = running.port
        running.said()
        running.process.kill()
        running.process.wait(10)
    name = f"listen-{port}"
    kept = tmp_path / ".redletter" / "endpoints" / f"{name}.secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    endpoints.kept[name].state = endpoint_pb2.Endpoint.STATE_DISABLED
    with listening(tmp_path, port=port) as running:
        assert f"using endpoint {name} for http://127.0.0.1:{port}/ again" in running.said()
        assert running.post() == 200
        assert endpoints.kept[name].state == endpoint_pb2.Endpoint.STATE_ENABLED
        running.interrupt()
    assert (endpoints.created, endpoints.urls) == (1, {})


def test_a_leftover_whose_secret_is_lost_is_made_anew(tmp_path: Path, endpoints: Endpoints) -> None:
    """Without its secret nobody could verify: the leftover is replaced by a new endpoint of the same name."""
    with listening(tmp_path) as running:
        port = running.port
        running.said()
        running.process.kill()
        running.process.wait(10)
    (tmp_path / ".redletter" / "endpoints" / f"listen-{port}.secret").unlink()
    with listening(tmp_path, port=port) as running:
        assert f"registered endpoint listen-{port}" in running.said()
        assert running.post() == 200
    assert endpoints.created == 2


def test_an_endpoint_that_was_not_made_here_is_never_touched(tmp_path: Path, endpoints: Endpoints) -> None:
    """One of that name and URL made by other means is neither used nor deleted."""
    port = free_port()
    endpoints.kept["mine"] = endpoint_pb2.Endpoint(endpoint_id="mine", url=f"http://127.0.0.1:{port}/")
    with listening(tmp_path, "--endpoint-id", "mine", port=port) as running:
        assert "the endpoint mine exists and was not made by `redletter listen`" in running.said()
        assert running.process.wait(10) == 1
    assert list(endpoints.urls) == ["mine"]


def test_name_that_is_taken_for_another_url_is_refused(tmp_path: Path, endpoints: Endpoints) -> None:
    """An endpoint of that name which goes elsewhere is not mistaken for ours."""
    endpoints.kept["mine"] = endpoint_pb2.Endpoint(url="https://example.com/hook")
    with listening(tmp_path, "--endpoint-id", "mine") as running:
        assert "the endpoint mine exists and goes to https://example.com/hook" in running.said()
        assert running.process.wait(10) == 1


def test_taken_port_is_a_sentence_and_registers_nothing(tmp_path: Path, endpoints: Endpoints) -> None:
    """What cannot listen does not ask to be sent anything."""
    with listening(tmp_path, "--secret", SECRET) as first:
        first.said()
        with listening(tmp_path, port=first.port) as second:
            assert f"cannot listen on 127.0.0.1:{first.port}" in second.said()
            assert second.process.wait(10) == 1
    assert endpoints.urls == {}


def test_malformed_secret_ends_with_2(tmp_path: Path) -> None:
    """A secret that is none is a wrong call."""
    with listening(tmp_path, "--secret", "sesame!") as running:
        assert "redletter: --secret: the secret is not of the form whsec_..." in running.said()
        assert running.process.wait(10) == 2
