"""HTTP/1.1 on one connection, as much of it as a receiver of webhooks needs: keep-alive, pipelining, POST."""

import asyncio
import time
from typing import Protocol, cast

import httptools

MAX_BODY = 1024 * 1024
"""Larger bodies are answered 413 and the connection is closed; webhooks have at most 20 KB."""
_MAX_HEADERS = 100

_REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Answering(Protocol):
    """Decides the answer to a POST: `headers` have lower-case names; returns the status."""

    def __call__(self, headers: dict[str, str], body: bytes, arrival_ns: int) -> int:
        """Return the status to answer with."""


class Connection(asyncio.Protocol):
    """Reads requests and answers each in its turn; whatever is not a POST is answered 405."""

    def __init__(self, answer: Answering, opened: set["Connection"], delay: float = 0.0) -> None:
        self._answer = answer
        self._opened = opened
        self._delay = delay
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._arrival_ns = 0
        self._last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._opened.add(self)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Forget the connection; a request that was under way is not answered."""
        self._opened.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that `data` completes, by one write."""
        self._arrival_ns = time.time_ns()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, _TooLargeError) as error:
            large = isinstance(error, _TooLargeError) or isinstance(error.__context__, _TooLargeError)
            self._out.append(_response(413 if large else 400))
            self._last = True
        self._flush()

    def close(self) -> None:
        """Close the connection once what is written has left."""
        if self._transport:
            self._transport.close()

    def on_message_begin(self) -> None:
        """Start a request (called by the parser)."""
        self._headers = {}
        self._body = bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header (called by the parser)."""
        if len(self._headers) >= _MAX_HEADERS:
            raise _TooLargeError
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        """Take a part of the body (called by the parser)."""
        if len(self._body) + len(data) > MAX_BODY:
            raise _TooLargeError
        self._body += data

    def on_message_complete(self) -> None:
        """Answer the request (called by the parser)."""
        self._last = self._last or not self._parser.should_keep_alive()
        if self._parser.get_method() != b"POST":
            self._out.append(_response(405))
            return
        self._out.append(_response(self._answer(self._headers, bytes(self._body), self._arrival_ns)))

    def _flush(self) -> None:
        if not self._out:
            return
        out, self._out = b"".join(self._out), []
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._write, out)
        else:
            self._write(out)

    def _write(self, out: bytes) -> None:
        if self._transport is None:
            return
        self._transport.write(out)
        if self._last:
            self._transport.close()


class _TooLargeError(Exception):
    """The request is larger than any webhook."""


def _make_response(status: int) -> bytes:
    length = "" if status == 204 else "content-length: 0\r\n"
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}\r\n{length}\r\n".encode()


_responses: dict[int, bytes] = {}


def _response(status: int) -> bytes:
    known = _responses.get(status)
    if known is None:
        known = _responses[status] = _make_response(status)
    return known
