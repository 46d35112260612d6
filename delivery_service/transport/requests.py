"""What goes out and what comes back: the small interface behind which the HTTP client can be exchanged."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, Protocol

from delivery_service.domain.deliveries import DeliveryCause


@dataclass(frozen=True)
class ClientIdentity:
    """A client certificate (PEM chain) and its private key (PEM, unencrypted), shown to the receiver in TLS."""

    certificate: str
    key: bytes = field(repr=False)


class Request(NamedTuple):
    """One POST; header lines as they go on the wire; `timeout_ms` is real time, connecting included.

    With `keep_headers` the answer brings its headers, too.
    """

    url: str
    headers: list[str]
    body: bytes
    timeout_ms: int
    identity: ClientIdentity | None = None
    keep_headers: bool = False


class Answer(NamedTuple):
    """How a POST ended: `status_code` 0 and a cause, or a status and no cause.

    Times in microseconds from its start, -1: that was not reached; `connect_us` is 0 on a kept
    connection. `answer` is the first 4 KiB of the body, `headers` are there when they were asked for.
    """

    status_code: int
    cause: DeliveryCause
    retry_after: timedelta
    connect_us: int
    first_byte_us: int
    total_us: int
    answer_bytes: int
    answer: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Sender(Protocol):
    """Sends a request once and calls `done` once with how it ended; never raises for what the network does."""

    def send(self, request: Request, done: Callable[[Answer], None]) -> None:
        """Begin; `done` is called from the event loop, never before `send` has returned."""

    async def start(self) -> None:
        """Be ready to send."""

    async def stop(self) -> None:
        """Break off what is still under way: its `done` is not called any more."""
