"""The receiver as a thing to start and stop in an event loop."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Self

from redletter_cli.receiver.connection import Connection
from redletter_cli.receiver.message import Arrival, Verdict
from redletter_cli.receiver.verification import Verification

_REFUSED_STATUS = 401


class Receiver:
    """Listens on loopback and calls `received` once per POST, before it is answered.

    A verified message (or an unchecked one) is answered with `answer`, a refused one with 401, after `delay`.
    """

    def __init__(
        self,
        verification: Verification,
        received: Callable[[Arrival], None],
        *,
        answer: int = 200,
        delay: timedelta = timedelta(0),
    ) -> None:
        self._verification = verification
        self._received = received
        self._answer = answer
        self._delay = delay.total_seconds()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int, *, host: str = "127.0.0.1") -> int:
        """Listen and return the port; 0 chooses a free one.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection, host, port, backlog=1024, reuse_address=True
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and close the connections."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _connection(self) -> Connection:
        return Connection(self._on_post, self._connections, self._delay)

    def _on_post(self, headers: dict[str, str], body: bytes, arrival_ns: int) -> int:
        verdict, reason = self._verification.verdict(headers, body)
        self._received(Arrival(headers.get("webhook-id", ""), arrival_ns, body, verdict, reason, headers))
        return _REFUSED_STATUS if verdict is Verdict.REFUSED else self._answer
