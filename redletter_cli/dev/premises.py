"""Before anything is started: the processes of the last start are gone, and nobody has our ports."""

import sys
import time
from pathlib import Path

from redletter_cli.dev.keeper import Say
from redletter_cli.dev.places import Places
from redletter_cli.dev.ports import Ports
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import DataDirectoryInUse, PortTaken
from redletter_cli.embedded.directory import living_in
from redletter_cli.embedded.ports import is_free

_DEPARTURE_SECONDS = 20.0
_POLL_SECONDS = 0.05


class TakenPort(PortTaken):
    """A port of the deployment is taken; the sentence names the option that moves them all."""

    def __init__(self, server: str, port: int) -> None:
        super().__init__(server, port)
        self._server = server

    def __str__(self) -> str:
        return (
            f"port {self.port} on 127.0.0.1, wanted for {self._server}, is taken; "
            "stop what listens on it or move all ports with --port-base"
        )


def require_free_ports(ports: Ports, shape: Shape, *, receiver: int) -> None:
    """Pass when every port of the deployment is free; `receiver` is where its endpoint points.

    Raises:
        TakenPort: one is not.
    """
    wanted = {
        "PostgreSQL": [ports.postgres],
        "Valkey": [ports.valkey],
        "the webhook receiver": [receiver],
        "user_service": list(ports.user),
    }
    wanted |= {f"scheduler_service {i + 1}": list(ports.scheduler(i)) for i in range(shape.schedulers)}
    wanted |= {f"delivery_service {i + 1}": list(ports.delivery(i)) for i in range(shape.deliveries)}
    for name, numbers in wanted.items():
        for port in numbers:
            if not is_free(port):
                raise TakenPort(name, port)


def await_predecessor(places: Places, say: Say) -> None:
    """Wait for the processes of an owner that was killed; the kernel has told them to end.

    PostgreSQL looks after its own.

    Raises:
        DataDirectoryInUse: some are still there after 20 s.
    """
    end = time.monotonic() + _DEPARTURE_SECONDS
    told = False
    while living := _living(places):
        if time.monotonic() > end:
            numbers = ", ".join(map(str, living))
            raise DataDirectoryInUse(places.root, f"processes {numbers} still run on it")
        if not told:
            say("waiting for the processes of the last start to end")
            told = True
        time.sleep(_POLL_SECONDS)


def _living(places: Places) -> list[int]:
    # The kernel names a process after the file as it was called, or after what a symbolic link leads to.
    names = {Path(sys.executable).name, Path(sys.executable).resolve().name}
    services = [pid for name in names for pid in living_in(places.services, program=name)]
    servers = living_in(places.valkey, program="valkey-server")
    return services + servers + living_in(places.postgres / "pgdata", program="postgres")
