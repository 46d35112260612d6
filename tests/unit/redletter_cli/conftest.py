"""A directory whose configuration names services that stand in for the real ones."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redletter_cli.__main__ import app, run
from redletter_cli.commands.configuration import FILE
from tests.unit.redletter_cli.stand_in import StandIn, standing_in


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Serve, and work in a directory whose configuration has the address and both keys."""
    made = StandIn()
    with standing_in(made) as address:
        content = dict.fromkeys(("user", "scheduler", "delivery"), address)
        content |= {"api_key": "rl_tenant", "operator_key": "rl_operator"}
        (tmp_path / FILE).parent.mkdir()
        (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        yield made


@pytest.fixture
def redletter(services: StandIn, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return how to run a verb: exit status, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(lambda: app(args=list(arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
