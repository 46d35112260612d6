"""A webhook receiver for tests: fast, records what it gets, and misbehaves on command.

In a test's own loop: `async with Receiver() as receiver: ... receiver.url("/hook")`. As a process of its
own for measurements: `python -m tests.receiver PORT`; it then answers 200 and GET /count with the number
of POSTs.
"""

import asyncio
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, cast

import httptools
import uvloop


@dataclass(frozen=True)
class Received:
    """One POST as it came in; `time` is time.time() at its last byte."""

    path: str
    headers: dict[str, str]
    body: bytes
    time: float
    client: str = ""
    """Whose certificate was shown, over TLS."""

    @property
    def webhook_id(self) -> str:
        """The event id it carries."""
        return self.headers.get("webhook-id", "")


@dataclass(frozen=True)
class Behaviour:
    """How one POST is answered."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0.0
    close: bool = False  # break the connection off instead of answering
    raw: bytes = b""  # these bytes instead of an answer, then the connection is closed
    hold: asyncio.Event | None = None  # answer only when it is set


OK = Behaviour()
Script = Callable[[Received], Behaviour]


def in_turn(*behaviours: Behaviour) -> Script:
    """Answer each webhook id by one behaviour after the other; the last one stays."""
    seen: dict[str, int] = {}

    def script(received: Received) -> Behaviour:
        number = seen[received.webhook_id] = seen.get(received.webhook_id, -1) + 1
        return behaviours[min(number, len(behaviours) - 1)]

    return script


class Receiver:
    """Listens on a free port of 127.0.0.1; `script` decides how each POST is answered."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        port: int = 0,
        keep: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.tls = tls
        self.keep = keep
        self.received: list[Received] = []
        self.count = 0
        self.connections = 0
        self._port = port
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._open: set[asyncio.BaseTransport] = set()

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self.stop()

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self._port, backlog=1024, ssl=self.tls
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
            for transport in list(self._open):
                transport.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def url(self, path: str = "/hook") -> str:
        """Return the URL of a path."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._port}{path}"

    async def wait_for(self, count: int, *, seconds: float = 10.0) -> list[Received]:
        """Return what was received as soon as it is `count` POSTs or more."""
        async with asyncio.timeout(seconds):
            while self.count < count:
                self._changed.clear()
                await self._changed.wait()
        return self.received

    def accept(self, received: Received) -> Behaviour:
        """Record a POST and decide its answer."""
        self.count += 1
        if self.keep:
            self.received.append(received)
        self._changed.set()
        return self.script(received) if self.script else OK

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Note a connection."""
        self.connections += 1
        self._open.add(transport)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection."""
        self._open.discard(transport)


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; requests are answered in turn."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._reset()

    def _reset(self) -> None:
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's classes
        self._receiver.opened(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._receiver.closed(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._receiver.keep:
            self._headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        received = Received(self._path, self._headers, self._body, time.time(), self._client())
        method = self._parser.get_method()
        self._reset()
        if method == b"GET":
            self._write(Behaviour(body=str(self._receiver.count).encode()))
            return
        behaviour = self._receiver.accept(received)
        if behaviour.hold is not None or behaviour.delay_seconds:
            task = asyncio.get_running_loop().create_task(self._later(behaviour))
            _TASKS.add(task)
            task.add_done_callback(_TASKS.discard)
        else:
            self._write(behaviour)

    def _client(self) -> str:
        shown = self._transport.get_extra_info("peercert") if self._transport and self._receiver.tls else None
        return str(shown["subject"][0][0][1]) if shown else ""

    async def _later(self, behaviour: Behaviour) -> None:
        if behaviour.hold is not None:
            await behaviour.hold.wait()
        await asyncio.sleep(behaviour.delay_seconds)
        self._write(behaviour)

    def _write(self, behaviour: Behaviour) -> None:
        if self._transport is None:
            return
        if behaviour.close:
            self._transport.abort()
        elif behaviour.raw:
            self._transport.write(behaviour.raw)
            self._transport.close()
        else:
            self._transport.write(_rendered(behaviour))


_TASKS: set[asyncio.Task[None]] = set()


def _rendered(behaviour: Behaviour) -> bytes:
    if behaviour is OK:
        return b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    lines = [f"HTTP/1.1 {behaviour.status} Scripted", f"content-length: {len(behaviour.body)}"]
    lines += [f"{name}: {value}" for name, value in behaviour.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + behaviour.body


async def _serve(port: int) -> None:
    receiver = Receiver(port=port, keep=False)
    await receiver.start()
    print(receiver.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
