"""Which port belongs to whom: all of them from one base, so that they are the same at every start."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from redletter_cli.dev.errors import Refused
from redletter_cli.embedded.ports import is_free

MOST_REPLICAS = 9

_POSTGRES, _VALKEY, _RECEIVER = 0, 1, 2
_USER, _SCHEDULER, _DELIVERY = 10, 20, 50
_PER_PROCESS = 3
_SPAN = 80
# Valkey's cluster bus is its port plus 10,000; below 1,024 only root may listen.
_LOWEST_BASE, _HIGHEST_BASE = 1024, 55_535 - _SPAN


@dataclass(frozen=True)
class ServicePorts:
    """The three ports of one service process."""

    public: int
    internal: int
    metrics: int

    def __iter__(self) -> Iterator[int]:
        return iter((self.public, self.internal, self.metrics))


@dataclass(frozen=True)
class Ports:
    """The ports of a deployment from `base` on.

    Raises:
        Refused: `base` leaves no room below Valkey's limit or is reserved for root.
    """

    base: int

    def __post_init__(self) -> None:
        if not _LOWEST_BASE <= self.base <= _HIGHEST_BASE:
            raise Refused(
                f"--port-base {self.base} is not possible: allowed are {_LOWEST_BASE} to {_HIGHEST_BASE}"
            )

    @property
    def postgres(self) -> int:
        """PostgreSQL."""
        return self.base + _POSTGRES

    @property
    def valkey(self) -> int:
        """Valkey."""
        return self.base + _VALKEY

    @property
    def receiver(self) -> int:
        """The webhook receiver."""
        return self.base + _RECEIVER

    @property
    def user(self) -> ServicePorts:
        """user_service."""
        return self._process(_USER, 0)

    def scheduler(self, replica: int) -> ServicePorts:
        """Return the ports of scheduler_service's `replica`, from 0."""
        return self._process(_SCHEDULER, replica)

    def delivery(self, replica: int) -> ServicePorts:
        """Return the ports of delivery_service's `replica`, from 0."""
        return self._process(_DELIVERY, replica)

    def _process(self, first: int, replica: int) -> ServicePorts:
        port = self.base + first + _PER_PROCESS * replica
        return ServicePorts(port, port + 1, port + 2)


def free_base() -> int:
    """Return a base from which every port of a deployment is free at this moment."""
    source = random.SystemRandom()
    while True:
        # Below 32,768, where Linux takes the ports of outgoing connections from.
        base = source.randrange(10_240, 32_768 - _SPAN, 100)
        if all(is_free(base + offset) for offset in range(_SPAN)):
            return base
