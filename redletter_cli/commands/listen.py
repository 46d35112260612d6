"""`redletter listen`: a receiver that verifies each message and prints it in one line."""

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from redletter_cli.commands.failure import Failure
from redletter_cli.commands.listen_registration import Registration
from redletter_cli.commands.options import ApiKey, Config, Output, OutputFormat
from redletter_cli.commands.session import configuration, say
from redletter_cli.receiver.message import Arrival, Verdict
from redletter_cli.receiver.server import Receiver
from redletter_cli.receiver.verification import SecretVerification
from redletter_cli.render.plain import plain

DEFAULT_PORT = 7799


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

    Without --secret it registers an endpoint and deletes it when it ends; what still waits for it goes to the inbox.
    Messages are verified with the official standardwebhooks library; a wrong signature is answered 401.
    """
    show = _print_json if output is OutputFormat.JSON else _print_line
    registered: Registration | None = None
    if not secret:
        registered = Registration(configuration(config, api_key), endpoint_id or f"listen-{port}", port)
    asyncio.run(
        _run(port, (lambda: secret or "") if registered is None else registered.begin, registered, show)
    )


async def _run(
    port: int,
    trust: Callable[[], str],
    registered: Registration | None,
    show: Callable[[Arrival], None],
) -> None:
    """Listen until told to stop, with the secret that `trust` returns."""
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
            verification.know(await loop.run_in_executor(None, trust))
        except ValueError as error:
            raise Failure(f"--secret: {error}", exit_code=2) from None
        say(f"listening on http://127.0.0.1:{port}; Ctrl-C ends")
        await stop.wait()
        if registered is not None:
            # Before the port closes: what is on the wire still gets its answer.
            await loop.run_in_executor(None, registered.end)


class _Late:
    """Verifies with a secret that becomes known after the port is open."""

    def __init__(self) -> None:
        self._current = SecretVerification()

    def know(self, secret: str) -> None:
        self._current = SecretVerification(secret)

    def verdict(self, headers: Any, body: bytes) -> tuple[Verdict, str]:
        return self._current.verdict(headers, body)


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
