"""The webhook receiver as a process of its own, and what has arrived there."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from whenever import Instant

from redletter_cli.dev.places import Places, write_private
from redletter_cli.dev.services import inherited
from redletter_cli.embedded import Child, Command

_START_WITHIN = timedelta(seconds=30)
_STOP_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One POST as the receiver recorded it; `body` is empty when it is not a JSON object."""

    webhook_id: str
    real_time: Instant
    verified: bool
    reason: str
    body: dict[str, Any]


class ReceiverProcess:
    """`python -m redletter_cli.receiver`, with the shape of the embedded servers.

    It verifies by the official `standardwebhooks` library and records before it answers, so that what the sender
    knows to be received is never lost, whatever is killed.
    """

    def __init__(self, places: Places, *, port: int) -> None:
        self._places = places
        self._port = port
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return self._child.pid if self._child else None

    def trust(self, secret: str) -> None:
        """Verify with `secret` from now on."""
        write_private(self._places.receiver_secret, f"{secret}\n")

    def start(self) -> None:
        """Start and return at once; `wait_ready` says when it listens."""
        argv = (
            *(sys.executable, "-m", "redletter_cli.receiver", "--port", str(self._port)),
            *("--secret-file", str(self._places.receiver_secret), "--record", str(self._places.arrivals)),
        )
        self._child = Child(
            Command(
                name="receiver",
                argv=argv,
                log=self._places.log("receiver"),
                env=inherited(os.environ),
                cwd=self._places.services,
            )
        )

    def wait_ready(self) -> None:
        """Return when it listens.

        Raises:
            StartFailed: it ended, for example because the port is taken.
        """
        child = self._child
        assert child is not None
        child.wait_until(lambda: "ready " in child.output(), within=_START_WITHIN)

    def poll(self) -> int | None:
        """Return None while it runs or was never started, else the exit code."""
        return self._child.poll() if self._child else None

    def stop(self) -> None:
        """Stop it; nothing happens when it does not run."""
        if self._child:
            self._child.stop(_STOP_WITHIN)


class ArrivalLog:
    """The receiver's record, read while it grows."""

    def __init__(self, path: Path, *, from_end: bool) -> None:
        self._path = path
        self._offset = path.stat().st_size if from_end and path.exists() else 0

    def new(self) -> Iterator[Arrival]:
        """Yield what has arrived since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # its other half is being written
                self._offset += len(line)
                yield _arrival(line)


def _arrival(line: bytes) -> Arrival:
    recorded = json.loads(line)
    try:
        body = json.loads(recorded["body"])
    except ValueError:
        body = {}
    return Arrival(
        webhook_id=recorded["webhook_id"],
        real_time=Instant.from_timestamp(recorded["arrival_ns"], unit="nanosecond"),
        verified=recorded["verdict"] == "verified",
        reason=recorded["reason"],
        body=body if isinstance(body, dict) else {},
    )
