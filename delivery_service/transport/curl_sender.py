"""Webhooks over libcurl: the dialled address is judged, nothing is followed, everything is bounded."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.destinations import Destinations
from delivery_service.transport.curl_loop import CurlLoop
from delivery_service.transport.curl_transfer import Transfer, fixed_options
from delivery_service.transport.dialling import Dial, Dialler, new_socket
from delivery_service.transport.libcurl import curl
from delivery_service.transport.requests import Answer, Request


class CurlSender:
    """Sends webhooks; must be used from one event loop, one policy of addresses per instance.

    A kept connection is not dialled again, so that everything in this pool was dialled under the
    same policy; the peer's address is compared again after each attempt nevertheless.
    """

    def __init__(
        self,
        *,
        destinations: Destinations | None = None,
        ca_file: str = "",
        connect_timeout: timedelta = timedelta(seconds=10),
        connections: int = 256,
        dial: Dial = new_socket,
        resolve: Sequence[str] = (),
    ) -> None:
        """`resolve` wins over DNS: `name:port:address,address`, as curl's option of this name."""
        self._dialler = Dialler(destinations or Destinations(), dial)
        self._options = fixed_options(
            connect_ms=int(connect_timeout.total_seconds() * 1000), ca_file=ca_file, resolve=resolve
        )
        self._connections = connections
        self._loop: CurlLoop | None = None
        self._idle: list[Transfer] = []
        self._busy: dict[Any, Transfer] = {}

    async def start(self) -> None:
        """Be ready to send."""
        self._loop = CurlLoop(self._finished, connections=self._connections)

    async def stop(self) -> None:
        """Break off what is under way and close the connections."""
        if self._loop is None:
            return
        for handle in list(self._busy):
            self._loop.remove(handle)
        for transfer in (*self._busy.values(), *self._idle):
            transfer.close()
        self._busy.clear()
        self._idle.clear()
        self._loop.close()
        self._loop = None

    def send(self, request: Request, done: Callable[[Answer], None]) -> None:
        """POST the request's bytes once."""
        assert self._loop is not None, "send before start"
        plain = request.identity is None and not request.keep_headers
        transfer = self._idle.pop() if plain and self._idle else Transfer(self._dialler, self._options)
        try:
            transfer.begin(request, done)
        except (ValueError, curl.error):  # what libcurl cannot even be told
            transfer.close()
            asyncio.get_running_loop().call_soon(done, _UNSENDABLE)
            return
        self._busy[transfer.handle] = transfer
        self._loop.add(transfer.handle)

    def _finished(self, handle: Any, code: int, text: str) -> None:
        transfer = self._busy.pop(handle)
        done, answer = transfer.done, transfer.answer(code, text)
        if not code and transfer.reusable() and len(self._idle) < self._connections:
            self._idle.append(transfer)
        else:
            transfer.close()
        done(answer)


_UNSENDABLE: Final = Answer(0, DeliveryCause.PROTOCOL, timedelta(0), -1, -1, 0, 0, b"")
