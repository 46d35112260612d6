"""`redletter listen`: a receiver that verifies each message and prints it in one line."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.errors import ApiError

from redletter_cli.commands.configuration import Configuration
from redletter_cli.commands.failure import Failure
from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat
from redletter_cli.commands.session import configuration, connect_with, say
from redletter_cli.receiver.message import Arrival, Verdict
from redletter_cli.receiver.server import Receiver
from redletter_cli.receiver.verification import SecretVerification
from redletter_cli.render.plain import plain

DEFAULT_PORT = 7799


@dataclass(frozen=True)
class _Trust:
    """The secret to verify with, and the endpoint it belongs to unless the caller gave it."""

    secret: str
    endpoint_id: str | None


def listen(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = DEFAULT_PORT,
    secret: Annotated[
        str | None, typer.Option(help="whsec_...: verify with this; no endpoint is registered.")
    ] = None,
    endpoint_id: Annotated[
        str | None, typer.Option(metavar="NAME", help="The endpoint to register. Default: listen-PORT.")
    ] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Receive webhooks on this machine; verifies and prints each message, until Ctrl-C.

    Without --secret it registers an endpoint and keeps its secret beside the configuration for the next time.
    Messages are verified with the official standardwebhooks library; a wrong signature is answered 401.
    """
    show = _print_json if output is OutputFormat.JSON else _print_line

    def trust() -> _Trust:
        if secret:
            return _Trust(secret, None)
        name = endpoint_id or f"listen-{port}"
        return _Trust(_registered(configuration(config, api_key), name, port), name)

    stays = asyncio.run(_run(port, trust, show))
    if stays:
        again = f"--port {port}" + (f" --endpoint-id {stays}" if endpoint_id else "")
        say(
            f"endpoint {stays} stays: messages to it are retried until their deliver_by, and the next "
            f"`redletter listen {again}` takes it up again"
        )


async def _run(port: int, trust: Callable[[], _Trust], show: Callable[[Arrival], None]) -> str | None:
    """Listen until told to stop; returns the endpoint that stays behind, if there is one."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    verification = _Late()
    receiver = Receiver(verification, show)
    try:
        # First the port, then the endpoint: what cannot listen must not be sent anything.
        await receiver.start(port)
    except OSError as error:
        raise Failure(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port") from None
    async with receiver:
        try:
            trusted = await loop.run_in_executor(None, trust)
            verification.know(trusted.secret)
        except ValueError as error:
            raise Failure(f"--secret: {error}", exit_code=2) from None
        say(f"listening on http://127.0.0.1:{port}; Ctrl-C ends")
        await stop.wait()
    return trusted.endpoint_id


class _Late:
    """Verifies with a secret that becomes known after the port is open."""

    def __init__(self) -> None:
        self._current = SecretVerification()

    def know(self, secret: str) -> None:
        self._current = SecretVerification(secret)

    def verdict(self, headers: Any, body: bytes) -> tuple[Verdict, str]:
        return self._current.verdict(headers, body)


def _registered(found: Configuration, endpoint_id: str, port: int) -> str:
    kept = found.directory / "endpoints" / f"{endpoint_id}.secret"
    url = f"http://127.0.0.1:{port}/"
    with closing(connect_with(found, found.require_api_key())) as client:
        try:
            answer = client.endpoints.CreateEndpoint(
                endpoint_service_pb2.CreateEndpointRequest(
                    endpoint_id=endpoint_id, url=url, description="redletter listen"
                )
            )
        except ApiError as error:
            if error.code != "ALREADY_EXISTS":
                raise
            existing = client.endpoints.GetEndpoint(
                endpoint_service_pb2.GetEndpointRequest(endpoint_id=endpoint_id)
            ).endpoint
            return _kept_secret(kept, endpoint_id, existing.url, url)
    _keep(kept, answer.secret)
    say(f"registered endpoint {endpoint_id} for {url}; its secret is kept in {kept}")
    return answer.secret


def _kept_secret(kept: Path, endpoint_id: str, registered_url: str, url: str) -> str:
    if registered_url != url:
        raise Failure(
            f"the endpoint {endpoint_id} exists and goes to {registered_url}, not to {url}; choose another --endpoint-id"
        )
    try:
        secret = kept.read_text(encoding="utf-8").strip()
    except OSError:
        raise Failure(
            f"the endpoint {endpoint_id} exists, and its secret was shown only when it was made; give the "
            "secret by --secret, or choose another --port or --endpoint-id"
        ) from None
    say(f"using endpoint {endpoint_id} for {url}")
    return secret


def _keep(path: Path, secret: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(secret + "\n")


def _print_line(arrival: Arrival) -> None:
    moment = datetime.fromtimestamp(arrival.arrival_ns / 1e9, UTC).astimezone().strftime("%H:%M:%S")
    # What is not verified is not repeated: whoever sent it chose the words.
    if arrival.verdict is Verdict.VERIFIED:
        line = f"{moment} verified {_told(arrival.body)}"
    else:
        line = f"{moment} REFUSED  {plain(arrival.webhook_id[:80]) or 'without webhook-id'}: {plain(arrival.reason)}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _print_json(arrival: Arrival) -> None:
    row = {
        "arrival_time": datetime.fromtimestamp(arrival.arrival_ns / 1e9, UTC).isoformat(),
        "webhook_id": arrival.webhook_id,
        "verdict": arrival.verdict.value,
        "reason": arrival.reason or None,
        "message": _json(arrival.body) if arrival.verdict is Verdict.VERIFIED else None,
    }
    sys.stdout.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode())
    sys.stdout.flush()


def _told(body: bytes) -> str:
    message = _json(body)
    try:
        data = message["data"]
        due, kind, user = message["timestamp"], message["type"], data["user"]["id"]
        words = data["message"]["title"] or data["message"]["body"]
    except (KeyError, TypeError):
        return plain(body.decode("utf-8", "replace"))[:200]
    return plain(f"{kind} due {due} for {user}: {words}")


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return None
