"""What arrived, as JSON lines in a file that another process reads while it grows."""

import os
from pathlib import Path

import orjson

from redletter_cli.receiver.message import Arrival


class Record:
    """Appends one line per arrival: `webhook_id`, `arrival_ns`, `verdict`, `reason`, `body` (text).

    The line is with the operating system before the message is answered: whatever the sender knows to be
    received is in the file, also when this process is killed in the next instant.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, arrival: Arrival) -> None:
        """Append the arrival."""
        os.write(self._file, line(arrival))

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def line(arrival: Arrival) -> bytes:
    """Return the line of an arrival; bytes of the body that are not UTF-8 are replaced."""
    return orjson.dumps(
        {
            "webhook_id": arrival.webhook_id,
            "arrival_ns": arrival.arrival_ns,
            "verdict": arrival.verdict.value,
            "reason": arrival.reason,
            "body": arrival.body.decode("utf-8", "replace"),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
