"""PostgreSQL: first start, second start, crash, and the sentences when it cannot start."""

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from redletter_cli.embedded import (
    DataDirectoryInUse,
    PortTaken,
    Postgres,
    StartFailed,
    free_port,
    start_on_free_port,
)
from redletter_cli.embedded.account import Account
from redletter_cli.embedded.cluster import Cluster
from redletter_cli.embedded.databases import execute


@pytest.fixture
def server(directory: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL of the test's own, durable as in `redletter dev`."""
    made = start_on_free_port(lambda port: Postgres(directory / "pg", port=port))
    yield made
    made.stop()


def test_first_start_makes_a_unicode_cluster_with_our_settings(server: Postgres) -> None:
    """The first start gives PostgreSQL 18 with built-in C.UTF-8 and statistics of statements preloaded."""
    facts = execute(
        server,
        "SHOW server_version_num; SHOW shared_preload_libraries; SHOW max_connections; SHOW io_method;"
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database LIMIT 1;"
        "SELECT upper('straße žluť')",
    ).splitlines()
    assert facts[0].startswith("18")
    assert facts[1:] == ["pg_stat_statements", "200", "sync", "b|C.UTF-8|UTF8", "STRAßE ŽLUŤ"]


def test_second_start_resumes_the_data(server: Postgres) -> None:
    """What was written before a stop is there after the next start, by the same URL."""
    url = server.url("postgres")
    execute(server, "CREATE TABLE kept AS SELECT 42 AS value")
    server.stop()
    assert server.poll() == 0
    server.start()
    assert execute(server, "SELECT value FROM kept") == "42"
    assert server.url("postgres") == url


def test_postmaster_killed_is_seen_and_restarted_with_its_data(server: Postgres) -> None:
    """After kill -9 of the postmaster `poll` tells so and `start` brings it back with what was committed."""
    execute(server, "CREATE TABLE kept AS SELECT 42 AS value")
    assert not server.exited()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    assert server.exited()
    assert server.poll() == -signal.SIGKILL
    server.start()
    assert execute(server, "SELECT value FROM kept") == "42"


def test_start_of_a_running_server_changes_nothing(server: Postgres) -> None:
    """A second `start` keeps the process that runs."""
    before = server.pid
    server.start()
    assert server.pid == before


def test_only_tcp_on_loopback_with_a_password(server: Postgres, directory: Path) -> None:
    """No Unix socket is made, the password is readable by its owner only, and a wrong one is refused."""
    assert execute(server, "SHOW unix_socket_directories; SHOW listen_addresses") == "\n127.0.0.1"
    password = directory / "pg" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    password.write_text("wrong")
    with pytest.raises(Exception, match="password authentication failed"):
        execute(server, "SELECT 1")


def test_taken_port_is_a_sentence(directory: Path) -> None:
    """A port on which somebody listens is named, before anything is made."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            PortTaken, match=rf"^port {port} on 127.0.0.1 is taken, so PostgreSQL cannot listen"
        ):
            Postgres(directory / "pg", port=port).start()
    assert not (directory / "pg" / "pgdata").exists()


def test_another_port_is_tried_when_one_is_taken_meanwhile(directory: Path) -> None:
    """A port that is taken between the look and the start costs another attempt, not a failure."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = iter([listener.getsockname()[1]])
        server = start_on_free_port(lambda free: Postgres(directory / "pg", port=next(ports, free)))
        server.stop()
        assert server.port != listener.getsockname()[1]


def test_data_directory_in_use_is_a_sentence(server: Postgres) -> None:
    """A second owner of a directory is told at once which process has it; the first one's server goes on."""
    with pytest.raises(DataDirectoryInUse, match=rf"in use: process {os.getpid()} runs a server on it"):
        start_on_free_port(lambda port: Postgres(server.data_dir, port=port))
    assert execute(server, "SELECT 1") == "1"


def test_foreign_server_on_the_directory_is_a_sentence(server: Postgres) -> None:
    """A living PostgreSQL that nobody owns any more is waited for, then named; its files stay untouched."""
    cluster = Cluster(server.data_dir, Account())
    with pytest.raises(DataDirectoryInUse, match=r"PostgreSQL still runs on it \(process [\d, ]+\)"):
        cluster.await_departure(timedelta(milliseconds=50))
    assert (cluster.pgdata / "postmaster.pid").exists()


def test_pid_file_that_names_a_living_stranger_does_not_prevent_a_start(server: Postgres) -> None:
    """A postmaster.pid from before a reboot whose number belongs to somebody else today is no obstacle."""
    server.stop()
    stranger = server.data_dir / "pgdata" / "postmaster.pid"
    stranger.write_text(f"{os.getppid()}\n{stranger.parent}\n1700000000\n5432\n\n127.0.0.1\n0 0\nready   \n")
    server.start()
    assert execute(server, "SELECT 1") == "1"


def test_initdb_that_was_killed_is_done_anew(directory: Path) -> None:
    """Half a cluster is thrown away and made again."""
    half = directory / "pg" / "pgdata.unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = start_on_free_port(lambda port: Postgres(directory / "pg", port=port))
    try:
        assert execute(server, "SELECT 1") == "1"
    finally:
        server.stop()


def test_refused_setting_is_a_sentence_with_the_servers_words(directory: Path) -> None:
    """What PostgreSQL refuses is quoted together with the log that has the rest."""
    with pytest.raises(StartFailed, match=r'ended with code 1 .*"nonsense".*postgres\.log'):
        start_on_free_port(lambda port: Postgres(directory / "pg", port=port, settings={"nonsense": "1"}))


def test_nothing_outside_the_data_directory_changes_its_mode(directory: Path, server: Postgres) -> None:
    """The directory above keeps its mode and its owner; the data directory itself is private."""
    above = directory.stat()
    assert (stat.S_IMODE(above.st_mode), above.st_uid) == (0o755, os.geteuid())
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700


def test_stop_reaps(server: Postgres, gone: Callable[[int], bool]) -> None:
    """After `stop` not even a zombie is left."""
    pid = server.pid
    assert pid is not None
    server.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert gone(pid)


def test_data_directory_that_is_a_file_is_a_sentence(directory: Path) -> None:
    """A path that cannot be a directory is named with the system's reason."""
    (directory / "pg").write_text("")
    with pytest.raises(StartFailed, match=r"^the data directory .*/pg cannot be used: File exists$"):
        Postgres(directory / "pg", port=free_port())
