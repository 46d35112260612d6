"""The first minute that the README shows is the one that happens."""

import re
import signal
from pathlib import Path

from tests.e2e.conftest import Start

_README = Path(__file__).parents[2] / "README.md"

# What differs from run to run: ports, paths, names and zones, ids, times and amounts.
_VARYING = (
    (r"\S*\.redletter", "DATA"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"guest-[0-9a-f]{8}", "GUEST"),
    (r"evt_[0-9a-v]{26}_\d{4}", "EVENT"),
    (r"added .*? \(", "added NAME ("),
    (r'"Hello, [^"]*"', '"Hello, NAME"'),
    (r"\d\d:\d\d:\d\d(\.\d+)?", "TIME"),
    (r"[A-Z]\w+/\w+(/\w+)?", "ZONE"),
    (r"\d+(\.\d+)? s\b", "SECONDS"),
)


def _plain(line: str) -> str:
    for pattern, word in _VARYING:
        line = re.sub(pattern, word, line)
    return line.strip()


def _transcript() -> list[str]:
    block = _README.read_text(encoding="utf-8").split("$ make up\n", 1)[1].split("```", 1)[0]
    return [_plain(line) for line in block.splitlines()]


def test_the_first_minute_is_as_the_readme_says(start: Start, port_base: str) -> None:
    """`redletter dev --sample`, which `make up` runs, says line by line what the README promises."""
    command = start("dev", "--sample", "--port-base", port_base)
    command.wait_for("signature verified")
    said = [_plain(line) for line in command.said]
    command.signal(signal.SIGINT)
    assert command.wait() == 0
    assert said[: len(_transcript())] == _transcript()
