"""Webhooks over libcurl: the dialled address is judged, nothing is followed, everything is bounded."""

import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from delivery_service.domain.addresses import Network, refusal
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.curl_loop import CurlLoop
from delivery_service.transport.failures import CAPPED, cause_of
from delivery_service.transport.libcurl import curl
from delivery_service.transport.requests import Answer, Request

BODY_CAP: Final = 64 * 1024
ANSWER_KEPT: Final = 1024

Dial = Callable[[int, int, int], socket.socket]
"""Makes the socket that libcurl then connects: family, type, protocol."""


class CurlSender:
    """Sends webhooks; must be used from one event loop, one policy of addresses per instance.

    A kept connection is not dialled again, so that everything in this pool was dialled under the
    same policy; the peer's address is compared again after each attempt nevertheless.
    """

    def __init__(
        self,
        *,
        allowed_networks: Sequence[Network] = (),
        ca_file: str = "",
        connect_timeout: timedelta = timedelta(seconds=10),
        connections: int = 256,
        dial: Dial = socket.socket,
    ) -> None:
        self._allowed = allowed_networks
        self._ca_file = ca_file
        self._connect_ms = int(connect_timeout.total_seconds() * 1000)
        self._connections = connections
        self._dial = dial
        self._loop: CurlLoop | None = None
        self._idle: list[_Transfer] = []
        self._busy: dict[Any, _Transfer] = {}
        self._verdicts: dict[str, bool] = {}

    async def start(self) -> None:
        """Be ready to send."""
        self._loop = CurlLoop(self._finished, connections=self._connections)

    async def stop(self) -> None:
        """Break off what is under way and close the connections."""
        if self._loop is None:
            return
        for handle in list(self._busy):
            self._loop.remove(handle)
        self._busy.clear()
        self._idle.clear()
        self._loop.close()
        self._loop = None

    def send(self, request: Request, done: Callable[[Answer], None]) -> None:
        """POST the request's bytes once."""
        assert self._loop is not None, "send before start"
        transfer = self._idle.pop() if self._idle else _Transfer(self)
        transfer.begin(request, done)
        self._busy[transfer.handle] = transfer
        self._loop.add(transfer.handle)

    def _finished(self, handle: Any, code: int) -> None:
        transfer = self._busy.pop(handle)
        done, answer = transfer.done, transfer.answer(code)
        if len(self._idle) < self._connections:
            self._idle.append(transfer)
        done(answer)

    def prepared(self, handle: Any, transfer: "_Transfer") -> None:
        """Set what is the same for every request of this sender."""
        for option, value in (
            (curl.POST, 1),
            (curl.NOSIGNAL, 1),
            (curl.FOLLOWLOCATION, 0),
            (curl.PROXY, ""),  # otherwise the environment's http_proxy is honoured
            (curl.NETRC, 0),
            (curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1),
            (curl.HTTP09_ALLOWED, 0),
            (curl.PROTOCOLS, curl.PROTO_HTTP | curl.PROTO_HTTPS),
            (curl.SSL_VERIFYPEER, 1),
            (curl.SSL_VERIFYHOST, 2),
            (curl.SSLVERSION, curl.SSLVERSION_TLSv1_2),
            (curl.CONNECTTIMEOUT_MS, self._connect_ms),
            (curl.TCP_NODELAY, 1),
            (curl.WRITEFUNCTION, transfer.receive),
            (curl.OPENSOCKETFUNCTION, transfer.open_socket),
        ):
            handle.setopt(option, value)
        if (
            self._ca_file
        ):  # otherwise the distribution's bundle, which the wheel looked for when it was imported
            handle.setopt(curl.CAINFO, self._ca_file)

    def refuses(self, address: str) -> bool:
        """Return whether webhooks are never sent to this address."""
        known = self._verdicts.get(address)
        if known is None:
            if len(self._verdicts) >= 10_000:
                self._verdicts.clear()
            known = self._verdicts[address] = refusal(address, self._allowed) is not None
        return known

    def dial(self, family: int, kind: int, protocol: int) -> socket.socket:
        """Make a socket for an address that is not refused."""
        return self._dial(family, kind, protocol)


class _Transfer:
    """One reusable easy handle and what its current request has received."""

    def __init__(self, sender: CurlSender) -> None:
        self._sender = sender
        self.handle = curl.Curl()
        self.done: Callable[[Answer], None] = _nobody
        self._answer = b""
        self._received = 0
        self._refused = False
        self._dialled = False
        sender.prepared(self.handle, self)

    def begin(self, request: Request, done: Callable[[Answer], None]) -> None:
        self.done = done
        self._answer = b""
        self._received = 0
        self._refused = self._dialled = False
        setopt = self.handle.setopt
        setopt(curl.URL, request.url)
        setopt(curl.HTTPHEADER, request.headers)
        setopt(curl.POSTFIELDS, request.body)
        setopt(curl.TIMEOUT_MS, request.timeout_ms)

    def open_socket(
        self, _purpose: int, address: "tuple[int, int, int, tuple[str, int]]"
    ) -> "socket.socket | int":
        """Open nothing towards a refused address: libcurl then fails with "could not connect"."""
        family, kind, protocol, peer = address
        if self._sender.refuses(peer[0]):
            self._refused = True
            return int(curl.SOCKET_BAD)
        self._dialled = True
        return self._sender.dial(family, kind, protocol)

    def receive(self, chunk: bytes) -> int:
        """Keep the beginning, count the rest, and break off beyond the cap."""
        if len(self._answer) < ANSWER_KEPT:
            self._answer += chunk[: ANSWER_KEPT - len(self._answer)]
        self._received += len(chunk)
        return len(chunk) if self._received <= BODY_CAP else -1

    def answer(self, code: int) -> Answer:
        info = self.handle.getinfo
        status = info(curl.RESPONSE_CODE)
        cause = DeliveryCause.NONE
        if code and not (code == CAPPED and status):
            status, cause = 0, self._cause(code)
        peer = info(curl.PRIMARY_IP)
        if peer and self._sender.refuses(peer):
            status, cause = 0, DeliveryCause.FORBIDDEN_ADDRESS
        return Answer(
            status,
            cause,
            timedelta(seconds=info(curl.RETRY_AFTER)) if status >= 400 else _AT_ONCE,
            _microseconds(max(info(curl.CONNECT_TIME), info(curl.APPCONNECT_TIME))),
            _microseconds(info(curl.STARTTRANSFER_TIME)) if status else -1,
            _microseconds(info(curl.TOTAL_TIME)),
            self._received,
            self._answer,
        )

    def _cause(self, code: int) -> DeliveryCause:
        if self._refused and not self._dialled:
            return DeliveryCause.FORBIDDEN_ADDRESS
        return cause_of(code)


_AT_ONCE: Final = timedelta(0)


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _nobody(_answer: Answer) -> None:
    """Nobody waits for an idle transfer."""
