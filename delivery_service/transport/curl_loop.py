"""One libcurl multi handle driven by the asyncio loop: sockets by readiness, timeouts by `call_later`."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from delivery_service.transport.libcurl import curl

Finished = Callable[[Any, int, str], None]
"""Told of each transfer that ended: its handle, libcurl's error code (0: none), and its sentence."""

MOST_READS: Final = 500
"""Of one answer; the largest that is taken arrives in some 200 packets.

libcurl bounds the headers and we the body, but nobody bounds the extension of a chunk: at full speed it
would keep the loop busy until the timeout, a third of a megabyte at each read.
"""


class CurlLoop:
    """Runs transfers; `finished` is called from the loop, never from inside `add`."""

    def __init__(self, finished: Finished, *, connections: int) -> None:
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._sockets: dict[int, int] = {}
        self._multi = curl.CurlMulti()
        self._multi.setopt(curl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(curl.M_TIMERFUNCTION, self._arm)
        # Kept connections: as many as may be in flight, so that a busy endpoint does not dial anew.
        self._multi.setopt(curl.M_MAXCONNECTS, connections)
        self._multi.setopt(curl.M_PIPELINING, 0)

    def add(self, handle: Any) -> None:
        """Begin the transfer that `handle` describes."""
        self._multi.add_handle(handle)

    def close(self) -> None:
        """Close the connections; the transfers must have been removed."""
        if self._timer is not None:
            self._timer.cancel()
        for number in list(self._sockets):
            self._unwatch(number)
        self._multi.close()

    def remove(self, handle: Any) -> None:
        """Break a transfer off."""
        self._multi.remove_handle(handle)

    def _watch(self, what: int, number: int, _multi: object, _data: object) -> None:
        before = self._sockets.get(number, 0)
        if what == curl.POLL_REMOVE:
            self._unwatch(number)
            return
        if what & curl.POLL_IN and not before & curl.POLL_IN:
            self._loop.add_reader(number, self._read, [number, 0])
        elif before & curl.POLL_IN and not what & curl.POLL_IN:
            self._loop.remove_reader(number)
        if what & curl.POLL_OUT and not before & curl.POLL_OUT:
            self._loop.add_writer(number, self._act, number, curl.CSELECT_OUT)
        elif before & curl.POLL_OUT and not what & curl.POLL_OUT:
            self._loop.remove_writer(number)
        self._sockets[number] = what

    def _unwatch(self, number: int) -> None:
        watched = self._sockets.pop(number, 0)
        if watched & curl.POLL_IN:
            self._loop.remove_reader(number)
        if watched & curl.POLL_OUT:
            self._loop.remove_writer(number)

    def _read(self, counted: list[int]) -> None:
        number = counted[0]
        counted[1] += 1
        if counted[1] == MOST_READS:
            # libcurl owns the socket and learns of the end by reading it.
            with suppress(OSError), socket.socket(fileno=os.dup(number)) as same:
                same.shutdown(socket.SHUT_RDWR)
        self._act(number, curl.CSELECT_IN)

    def _arm(self, milliseconds: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if milliseconds == 0:
            self._timer = self._loop.call_soon(self._expire)
        elif milliseconds > 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self._act(curl.SOCKET_TIMEOUT, 0)

    def _act(self, number: int, readiness: int) -> None:
        self._multi.socket_action(number, readiness)
        while True:
            left, done, failed = self._multi.info_read()
            for handle in done:
                self._multi.remove_handle(handle)
                self._finished(handle, 0, "")
            for handle, code, text in failed:
                self._multi.remove_handle(handle)
                self._finished(handle, code, text)
            if not left:
                return
