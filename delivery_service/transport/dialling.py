"""The one place where sockets towards receivers are made: the address is judged here, at each connect."""

import socket
from collections.abc import Callable
from typing import Final

from delivery_service.domain.destinations import Destinations
from delivery_service.transport.libcurl import curl

Dial = Callable[[int, int, int, str, int], "socket.socket | int"]
"""Makes the socket that libcurl then connects: family, type, protocol, and whereto (address, port)."""

_REMEMBERED: Final = 10_000
_RECEIVE_BUFFER: Final = 32 * 1024
"""In bytes; Linux doubles it."""


def new_socket(family: int, kind: int, protocol: int, _address: str, _port: int) -> socket.socket:
    """Make a socket; libcurl connects it."""
    made = socket.socket(family, kind, protocol)
    # Answers are short. The kernel would give a receiver that floods us megabytes, and the loop as much to read.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    return made


class Dialler:
    """Makes sockets towards what the operator allows, and remembers its verdicts.

    What a name resolved to a moment ago plays no part: the address judged is the one connected to.
    """

    def __init__(self, destinations: Destinations, dial: Dial = new_socket) -> None:
        self._destinations = destinations
        self._dial = dial
        self._with_tls: dict[str, bool] = {}
        self._without: dict[str, bool] = {}

    def refuses(self, address: str, secure: bool) -> bool:  # noqa: FBT001 - once per answer
        """Return whether nothing is sent to this address, with TLS or without."""
        verdicts = self._with_tls if secure else self._without
        known = verdicts.get(address)
        if known is None:
            if len(verdicts) >= _REMEMBERED:
                verdicts.clear()
            why = self._destinations.address_refusal(address, secure=secure)
            known = verdicts[address] = why is not None
        return known

    def open(
        self, family: int, kind: int, protocol: int, peer: tuple[str, int], *, secure: bool
    ) -> "socket.socket | int | None":
        """Return a socket for the peer, or None when nothing is sent there."""
        if family not in (socket.AF_INET, socket.AF_INET6):
            return None
        address, port = peer[:2]
        if self.refuses(address, secure) or self._destinations.port_refusal(port) is not None:
            return None
        return self._dial(family, kind, protocol, address, port)


REFUSED: Final[int] = curl.SOCKET_BAD
"""What libcurl is told instead of a socket."""
