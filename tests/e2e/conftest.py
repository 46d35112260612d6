"""Ways to run the command `redletter` in a test's own directory and on ports of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redletter_cli.dev.ports import free_base
from tests.e2e.running import Command

Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give `start(*arguments)`: run `redletter` with them in the test's directory; ended with the test."""
    started: list[Command] = []

    def run(*arguments: str) -> Command:
        started.append(Command(*arguments, directory=tmp_path))
        return started[-1]

    yield run
    for command in started:
        command.end()


@pytest.fixture
def port_base() -> str:
    """Give a base from which 80 ports are free."""
    return str(free_base())
