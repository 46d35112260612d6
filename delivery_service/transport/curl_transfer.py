"""One libcurl easy handle: what it is told once, what each request tells it, and what came back."""

import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.dialling import REFUSED, Dialler
from delivery_service.transport.failures import CAPPED, cause_of
from delivery_service.transport.libcurl import curl
from delivery_service.transport.requests import Answer, ClientIdentity, Request

BODY_CAP: Final = 64 * 1024
"""Of an answer's body, in bytes; beyond it the connection is closed."""
ANSWER_KEPT: Final = 4096
HEADERS_KEPT: Final = 100
HEADER_BYTES_KEPT: Final = 16 * 1024

Option = tuple[int, Any]


def fixed_options(*, connect_ms: int, ca_file: str, resolve: Sequence[str]) -> list[Option]:
    """Return what is the same for every request of a sender."""
    options: list[Option] = [
        (curl.POST, 1),
        (curl.NOSIGNAL, 1),
        (curl.FOLLOWLOCATION, 0),
        (curl.PROXY, ""),  # otherwise the environment's http_proxy is honoured
        (curl.NETRC, 0),
        (curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1),
        (curl.HTTP09_ALLOWED, 0),
        (curl.HTTP_CONTENT_DECODING, 0),  # a few KB of gzip are gigabytes of zeros
        (curl.PROTOCOLS, curl.PROTO_HTTP | curl.PROTO_HTTPS),
        (curl.SSL_VERIFYPEER, 1),
        (curl.SSL_VERIFYHOST, 2),
        (curl.SSLVERSION, curl.SSLVERSION_TLSv1_2),
        (curl.CONNECTTIMEOUT_MS, connect_ms),
        (curl.TCP_NODELAY, 1),
    ]
    if ca_file:  # otherwise the distribution's bundle, which the wheel looked for when it was imported
        options.append((curl.CAINFO, ca_file))
    if resolve:
        options.append((curl.RESOLVE, list(resolve)))
    return options


class Transfer:
    """A handle and what its current request has received; reused as long as it holds no identity."""

    def __init__(self, dialler: Dialler, options: Sequence[Option]) -> None:
        self.handle = curl.Curl()
        self.done: Callable[[Answer], None] = _nobody
        self._plain = True
        self._dialler = dialler
        self._url = ""
        self._secure = True
        self._timeout_ms = 0
        self._answer = b""
        self._received = 0
        self._refused = self._dialled = False
        self._headers: list[tuple[str, str]] = []
        self._header_bytes = 0
        for option, value in options:
            self.handle.setopt(option, value)
        self.handle.setopt(curl.WRITEFUNCTION, self._receive)
        self.handle.setopt(curl.OPENSOCKETFUNCTION, self._open_socket)

    def begin(self, request: Request, done: Callable[[Answer], None]) -> None:
        """Take a request over.

        Raises:
            ValueError: its URL or its headers are not ASCII, or contain a NUL.
            pycurl.error: its identity is empty.
        """
        self.done = done
        self._answer = b""
        self._received = 0
        self._refused = self._dialled = False
        setopt = self.handle.setopt
        if request.url != self._url:  # most often a handle goes where it went before
            setopt(curl.URL, request.url)
            self._url = request.url
            self._secure = request.url[:6].lower() == "https:"
        setopt(curl.HTTPHEADER, request.headers)
        setopt(curl.POSTFIELDS, request.body)
        if request.timeout_ms != self._timeout_ms:
            setopt(curl.TIMEOUT_MS, request.timeout_ms)
            self._timeout_ms = request.timeout_ms
        if request.identity is not None:
            self._show(request.identity)
        if request.keep_headers:
            self._plain = False
            setopt(curl.HEADERFUNCTION, self._keep_header)

    def reusable(self) -> bool:
        """Return whether it may serve another request: it has shown no identity and holds little of the last answer."""
        # libcurl keeps the headers of an answer, up to 300 KB of them, until the handle is used again.
        return self._plain and self.handle.getinfo(curl.HEADER_SIZE) <= HEADER_BYTES_KEPT

    def close(self) -> None:
        """Give the handle's memory back, now: it and this object refer to each other."""
        self.handle.close()

    def answer(self, code: int, text: str) -> Answer:
        """Return how the request ended, from libcurl's error code (0: none) and its sentence."""
        info = self.handle.getinfo
        status = info(curl.RESPONSE_CODE)
        cause = DeliveryCause.NONE
        if code and not (code == CAPPED and status):
            status, cause = 0, self._cause(code, text)
        peer = info(curl.PRIMARY_IP)
        # A kept connection is not dialled: what it is connected to is judged again.
        if peer and self._dialler.refuses(peer, self._secure):
            status, cause = 0, DeliveryCause.FORBIDDEN_ADDRESS
        return Answer(
            status,
            cause,
            timedelta(seconds=info(curl.RETRY_AFTER)) if status >= 400 else _AT_ONCE,
            self._connected_us() if info(curl.NUM_CONNECTS) or not peer else 0,
            _microseconds(info(curl.STARTTRANSFER_TIME)) if status else -1,
            _microseconds(info(curl.TOTAL_TIME)),
            self._received,
            self._answer,
            _NO_HEADERS if self._plain else tuple(self._headers),
        )

    def _show(self, identity: ClientIdentity) -> None:
        self._plain = False
        self.handle.setopt(curl.SSLCERT_BLOB, identity.certificate.encode())
        self.handle.setopt(curl.SSLKEY_BLOB, identity.key)

    def _open_socket(
        self, _purpose: int, address: "tuple[int, int, int, tuple[str, int]]"
    ) -> "socket.socket | int":
        """Open nothing towards a refused address: libcurl then fails with "could not connect"."""
        family, kind, protocol, peer = address
        made = self._dialler.open(family, kind, protocol, peer, secure=self._secure)
        if made is None:
            self._refused = True
            return REFUSED
        self._dialled = True
        return made

    def _receive(self, chunk: bytes) -> int:
        """Keep the beginning, count the rest, and break off beyond the cap."""
        if len(self._answer) < ANSWER_KEPT:
            self._answer += chunk[: ANSWER_KEPT - len(self._answer)]
        self._received += len(chunk)
        return len(chunk) if self._received <= BODY_CAP else -1

    def _keep_header(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if line.startswith(b"HTTP/"):  # another answer begins: what came before was a 1xx
            self._headers.clear()
            self._header_bytes = 0
        elif colon and len(self._headers) < HEADERS_KEPT and self._header_bytes < HEADER_BYTES_KEPT:
            kept = value.strip()[: HEADER_BYTES_KEPT - self._header_bytes]
            self._header_bytes += len(name) + len(kept)
            self._headers.append((name.decode("latin-1")[:256], kept.decode("latin-1")))

    def _connected_us(self) -> int:
        """Return when the connection stood, TLS included, from the start; -1 when it never did."""
        info = self.handle.getinfo
        stood = info(curl.APPCONNECT_TIME if self._secure else curl.CONNECT_TIME)
        return _microseconds(stood) if stood else -1

    def _cause(self, code: int, text: str) -> DeliveryCause:
        if self._refused and not self._dialled:
            return DeliveryCause.FORBIDDEN_ADDRESS
        return cause_of(code, text)


_AT_ONCE: Final = timedelta(0)
_NO_HEADERS: Final = ()


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _nobody(_answer: Answer) -> None:
    """Nobody waits for an idle transfer."""
