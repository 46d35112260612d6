"""Nothing is left behind when the process that owns the servers is killed."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest


async def _connect(facts: dict[str, Any]) -> asyncpg.Connection:
    return await asyncpg.connect(facts["postgres_url"].replace("+asyncpg", ""), ssl=False)


def test_killed_owner_leaves_no_server(
    directory: Path, start_owner: Callable[..., Any], gone: Callable[[int], bool]
) -> None:
    """kill -9 of the owner ends PostgreSQL and Valkey within seconds."""
    owner = start_owner(directory)
    owner.process.kill()
    assert gone(owner.facts["postgres"])
    assert gone(owner.facts["valkey"])


async def test_next_owner_resumes_at_once_after_a_kill(
    directory: Path, start_owner: Callable[..., Any]
) -> None:
    """The next start needs no repair by hand: it waits for the dying servers and has the committed data."""
    first = start_owner(directory)
    connection = await _connect(first.facts)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    first.process.kill()
    second = start_owner(directory)
    assert "error" not in second.facts
    await connection.close()
    connection = await _connect(second.facts)
    assert await connection.fetchval("SELECT value FROM kept") == 42
    await connection.close()


def test_interrupt_at_the_terminal_does_not_reach_the_servers(
    directory: Path, start_owner: Callable[..., Any]
) -> None:
    """The servers have sessions of their own, so Ctrl-C leaves their end to the supervisor."""
    owner = start_owner(directory)
    for server in ("postgres", "valkey"):
        session = Path(f"/proc/{owner.facts[server]}/stat").read_text().rpartition(")")[2].split()[3]
        assert int(session) == owner.facts[server]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_ordinary_user_runs_both_and_leaves_nothing(
    directory: Path, start_owner: Callable[..., Any], gone: Callable[[int], bool], end: signal.Signals
) -> None:
    """A user without any privilege gets both servers, and they end with the owner."""
    owner = start_owner(directory, ordinary_user=True)
    assert owner.facts["user"] != 0
    owner.process.send_signal(end)
    assert gone(owner.facts["postgres"])
    assert gone(owner.facts["valkey"])


def test_second_owner_of_a_directory_is_refused(directory: Path, start_owner: Callable[..., Any]) -> None:
    """Another process gets the sentence with the number of the first."""
    first = start_owner(directory)
    second = start_owner(directory)
    assert second.facts["error"] == (
        f"the data directory {directory / 'postgres'} is in use: process {first.process.pid} runs a server on it; "
        "stop that one or choose another directory"
    )
