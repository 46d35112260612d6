"""Valkey: start, crash, persistence by option, and the sentences when it cannot start."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from redletter_cli.embedded import (
    DataDirectoryInUse,
    PortTaken,
    StartFailed,
    Valkey,
    free_port,
    start_on_free_port,
)


@pytest.fixture
def server(directory: Path) -> Iterator[Valkey]:
    """Run a Valkey of the test's own with an append-only file."""
    made = start_on_free_port(
        lambda port: Valkey(
            directory / "vk", port=port, settings={"appendonly": "yes", "appendfsync": "always"}
        )
    )
    yield made
    made.stop()


def test_forgets_everything_by_default(directory: Path) -> None:
    """Without settings a restart gives an empty server: nothing durable may live there."""
    server = start_on_free_port(lambda port: Valkey(directory / "vk", port=port))
    with redis.Redis.from_url(server.url()) as client:
        client.set("key", "value")
        server.stop()
        assert server.poll() == 0
        server.start()
        assert client.get("key") is None
    server.stop()


def test_killed_is_seen_and_restarted_with_what_it_was_told_to_keep(server: Valkey) -> None:
    """After kill -9 `poll` tells so; with an append-only file the data is back after `start`."""
    with redis.Redis.from_url(server.url()) as client:
        client.set("key", "value")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        assert server.poll() == -signal.SIGKILL
        server.start()
        assert client.get("key") == b"value"


def test_listens_on_loopback_only(server: Valkey) -> None:
    """Nobody on the network can reach it."""
    with redis.Redis.from_url(server.url()) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_taken_port_is_a_sentence(directory: Path) -> None:
    """A port on which somebody listens is named."""
    port = free_port()
    taken = rf"^port {port} on 127.0.0.1 is taken, so Valkey cannot listen"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=taken):
        Valkey(directory / "vk", port=port).start()


def test_data_directory_in_use_is_a_sentence(server: Valkey) -> None:
    """A second owner of a directory is told which process has it."""
    with pytest.raises(DataDirectoryInUse, match=rf"in use: process {os.getpid()} runs a server on it"):
        start_on_free_port(lambda port: Valkey(server.data_dir, port=port))


def test_refused_setting_is_a_sentence_with_the_servers_words(directory: Path) -> None:
    """What Valkey refuses is quoted together with the log that has the rest."""
    with pytest.raises(
        StartFailed, match=r"Valkey ended with code 1 .*maxmemory.*must be a memory value.*valkey\.log"
    ):
        start_on_free_port(lambda port: Valkey(directory / "vk", port=port, settings={"maxmemory": "much"}))


def test_port_without_room_for_the_cluster_bus_is_refused(directory: Path) -> None:
    """Ports from 55,536 are refused, because the bus is 10,000 above."""
    with pytest.raises(ValueError, match="cannot use port 55536: allowed are 1 to 55535"):
        Valkey(directory / "vk", port=55_536)
