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
from redletter.delivery.v1 import endpoint_service_pb2, endpoint_service_pb2_grpc
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
        self.urls: dict[str, str] = {}

    def CreateEndpoint(self, request: Any, context: Any) -> Any:
        """Create, or refuse an id that is taken."""
        if request.endpoint_id in self.urls:
            info = error_details_pb2.ErrorInfo(reason="ALREADY_EXISTS_DIFFERENT", domain="redletter")
            abort(context, status(grpc.StatusCode.ALREADY_EXISTS, "the id is taken", info))
        self.urls[request.endpoint_id] = request.url
        answer = endpoint_service_pb2.CreateEndpointResponse(secret=SECRET)
        answer.endpoint.endpoint_id = request.endpoint_id
        return answer

    def GetEndpoint(self, request: Any, context: Any) -> Any:
        """Return an endpoint."""
        answer = endpoint_service_pb2.GetEndpointResponse()
        answer.endpoint.url = self.urls[request.endpoint_id]
        return answer


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

    def interrupt(self) -> str:
        """Press Ctrl-C and return what is said at the end; the exit status must be 0."""
        self.process.send_signal(signal.SIGINT)
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


def test_endpoint_that_stays_behind_is_named_at_the_end(tmp_path: Path, endpoints: Endpoints) -> None:
    """Ctrl-C says that the endpoint is still sent to, and which call takes it up again; that call does."""
    with listening(tmp_path, "--endpoint-id", "mine") as running:
        running.said()
        port = running.port
        assert running.interrupt() == (
            "endpoint mine stays: messages to it are retried until their deliver_by, and the next "
            f"`redletter listen --port {port} --endpoint-id mine` takes it up again\n"
        )
    assert list(endpoints.urls) == ["mine"]
    with listening(tmp_path, "--endpoint-id", "mine", port=port) as running:
        assert "using endpoint mine" in running.said()


def test_json_is_one_document_a_line(tmp_path: Path) -> None:
    """For programs each message is a line of JSON; the words of a refused one are not repeated."""
    with listening(tmp_path, "--secret", SECRET, "--output", "json") as running:
        running.said()
        running.post()
        running.post(secret=OTHER)
        verified, refused = json.loads(running.line()), json.loads(running.line())
    assert (verified["verdict"], verified["message"]) == ("verified", json.loads(BODY))
    assert (refused["verdict"], refused["message"]) == ("refused", None)


def test_endpoint_is_registered_once_and_its_secret_kept(tmp_path: Path, endpoints: Endpoints) -> None:
    """The first start registers and says so; the next one on that port uses the kept secret."""
    with listening(tmp_path) as running:
        port = running.port
        assert f"registered endpoint listen-{port} for http://127.0.0.1:{port}/" in running.said()
        assert running.post() == 200
    assert endpoints.urls == {f"listen-{port}": f"http://127.0.0.1:{port}/"}
    kept = tmp_path / ".redletter" / "endpoints" / f"listen-{port}.secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with listening(tmp_path, port=port) as running:
        assert f"using endpoint listen-{port}" in running.said()
        assert running.post() == 200
    kept.unlink()
    with listening(tmp_path, port=port) as running:
        assert "its secret was shown only when it was made; give the secret by --secret" in running.said()
        assert running.process.wait(10) == 1


def test_name_that_is_taken_for_another_url_is_refused(tmp_path: Path, endpoints: Endpoints) -> None:
    """An endpoint of that name which goes elsewhere is not mistaken for ours."""
    endpoints.urls["mine"] = "https://example.com/hook"
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
