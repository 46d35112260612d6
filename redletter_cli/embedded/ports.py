"""Free ports on 127.0.0.1, and what to do when one is taken between the look and the start."""

import random
import socket
from collections.abc import Callable
from typing import Protocol, TypeVar

from redletter_cli.embedded.errors import PortTaken

# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections: there a
# client may sit on our port at any moment. And below 55,536: Valkey's cluster bus is its port plus 10,000.
_FIRST, _LAST = 10_240, 32_767
_ATTEMPTS = 20


class Startable(Protocol):
    """A server that raises `PortTaken` from `start` when its port is taken."""

    def start(self) -> None:
        """Start and return when ready."""


_S = TypeVar("_S", bound=Startable)


def free_port() -> int:
    """Return a port between 10,240 and 32,767 on which nobody listens at this moment."""
    source = random.SystemRandom()
    while True:
        port = source.randint(_FIRST, _LAST)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Return whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: connections of a predecessor in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(server: str, port: int) -> None:
    """Pass when `port` is free.

    Raises:
        PortTaken: it is not; names `server` as the one that wanted it.
    """
    if not is_free(port):
        raise PortTaken(server, port)


def start_on_free_port(make: Callable[[int], _S]) -> _S:
    """Return `make(port)` started on a free port; another port is tried when that one was taken meanwhile.

    Raises:
        PortTaken: twenty ports in a row were taken.
    """
    for _ in range(_ATTEMPTS - 1):
        server = make(free_port())
        try:
            server.start()
        except PortTaken:
            continue
        return server
    server = make(free_port())
    server.start()
    return server
