"""Receivers that misbehave, each as its own small server; used by tests and by benchmarks/receivers.py.

`BEHAVIOURS` has them by name. `async with Misbehaving(behaviour).listening() as port:` serves one of them on
127.0.0.1. `python -m tests.misbehaving` serves all of them and prints their ports as JSON.
"""

import asyncio
import gzip
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Final

from tests.tls import self_signed, server_context

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_MIB: Final = b"x" * (1 << 20)
_SLOWLY: Final = 0.05
"""Seconds between two bytes of those that drip."""


async def _request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))


async def _send(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    for part in parts:
        writer.write(part)
        await writer.drain()


async def _for_ever(writer: asyncio.StreamWriter, part: bytes, *, wait: float = 0.0) -> None:
    while not writer.is_closing():
        await _send(writer, part)
        await asyncio.sleep(wait)


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


def raw(*parts: bytes, close: bool = True) -> Behaviour:
    """Answer with exactly these bytes, then close or wait for the other side to."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        await _send(writer, *parts)
        if not close:
            await reader.read()

    return answer


def endless(first: bytes, again: bytes, *, wait: float = 0.0) -> Behaviour:
    """Answer with `first` and then `again` until the other side has had enough."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        await _send(writer, first)
        await _for_ever(writer, again, wait=wait)

    return answer


async def _never(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(16)
    _reset(writer)


async def _reset_mid_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    await _send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
    # A reset overtakes what is still in flight; the first bytes shall arrive.
    await asyncio.sleep(_SLOWLY)
    _reset(writer)


async def _gigabyte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    await _send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
    await _send(writer, *([_MIB] * 1024))


async def _answered_before_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(1)
    await _send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await _request(reader)


_OK: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _OK + b"transfer-encoding: chunked\r\n\r\n"

BEHAVIOURS: Final[dict[str, Behaviour]] = {
    "never answers": _never,
    "one byte at a time, headers": endless(_OK, b"x", wait=_SLOWLY),
    "one byte at a time, body": endless(_OK + b"content-length: 100000\r\n\r\n", b"x", wait=_SLOWLY),
    "one byte at a time, status": endless(b"", b"H", wait=_SLOWLY),
    "a body of 1 GB": _gigabyte,
    "a body without end": endless(_OK + b"\r\n", _MIB),
    "a gzip bomb": raw(
        _OK + b"content-encoding: gzip\r\nconnection: close\r\n\r\n", gzip.compress(_MIB * 32)
    ),
    "a gzip bomb as transfer encoding": raw(
        _OK + b"transfer-encoding: gzip\r\n\r\n", gzip.compress(_MIB * 32)
    ),
    "10,000 headers": raw(
        _OK + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + b"content-length: 0\r\n\r\n"
    ),
    "a header of 1 MB": raw(_OK + b"x: " + _MIB + b"\r\ncontent-length: 0\r\n\r\n"),
    "headers without end": endless(_OK, b"x: y\r\n" * 1000),
    "a header without end": endless(_OK + b"x: ", _MIB),
    "a status line without end": endless(b"HTTP/1.1 200 ", _MIB),
    "100 Continue without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "103 Early Hints without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 1000),
    "100 Continue, then nothing": raw(b"HTTP/1.1 100 Continue\r\n\r\n", close=False),
    "101 Switching Protocols": raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", close=False),
    "HTTP/0.9": raw(b"hello, this is no status line\r\n"),
    "an SSH banner": raw(b"SSH-2.0-OpenSSH_9.2\r\n", close=False),
    "zeros without end": endless(b"", bytes(1 << 20)),
    "HTTP/2 preface": raw(b"\0\0\x12\4\0\0\0\0\0" + bytes(18)),
    "a status of 999": raw(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n"),
    "a status of 0": raw(b"HTTP/1.1 000 What\r\ncontent-length: 0\r\n\r\n"),
    "a status without number": raw(b"HTTP/1.1 OK\r\ncontent-length: 0\r\n\r\n"),
    "a body shorter than said": raw(_OK + b"content-length: 100\r\n\r\nabc"),
    "a body longer than said": raw(_OK + b"content-length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n"),
    "a negative content-length": raw(_OK + b"content-length: -5\r\n\r\nabc"),
    "a content-length beyond 64 bits": raw(_OK + b"content-length: 99999999999999999999999\r\n\r\nabc"),
    "two content-lengths": raw(_OK + b"content-length: 3\r\ncontent-length: 7\r\n\r\nabc"),
    "garbage for chunks": raw(_CHUNKED + b"zz\r\nnot a chunk\r\n"),
    "a chunk beyond 64 bits": raw(_CHUNKED + b"fffffffffffffffffff\r\nx"),
    "chunks cut off": raw(_CHUNKED + b"5\r\nab"),
    "a chunk extension without end": endless(_CHUNKED + b"5;", _MIB),
    "trailers without end": endless(_CHUNKED + b"1\r\nx\r\n0\r\n", b"t: y\r\n" * 1000),
    "204 with a body": raw(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello"),
    "a header with a NUL": raw(_OK + b"x: a\0b\r\ncontent-length: 0\r\n\r\n"),
    "closes at once": raw(),
    "resets while we send": _unread,
    "resets in the middle of the body": _reset_mid_body,
    "answers before it was asked": _answered_before_asked,
    "redirects to a private address": raw(
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n"
    ),
}


TLS: Final = "a self-signed certificate"
"""Beside the behaviours, when this module runs as a process."""


class Misbehaving:
    """Serves one behaviour on a free port of 127.0.0.1; `tls` makes it speak TLS."""

    def __init__(self, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self._behaviour = behaviour
        self._tls = tls
        self.connections = 0
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Misbehave towards one connection until it ends."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._behaviour(reader, writer)
        self._running.discard(task)
        with suppress(OSError):
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen, give the port, and end every connection at the end."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self._tls)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in list(self._running):
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)


async def _serve() -> None:
    async with AsyncExitStack() as stack:
        ports = {
            name: await stack.enter_async_context(Misbehaving(behaviour).listening())
            for name, behaviour in BEHAVIOURS.items()
        }
        with tempfile.TemporaryDirectory() as directory:
            tls = server_context(self_signed(Path(directory), "127.0.0.1"))
        ports[TLS] = await stack.enter_async_context(Misbehaving(raw(_OK + b"\r\n"), tls=tls).listening())
        print(json.dumps(ports), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
