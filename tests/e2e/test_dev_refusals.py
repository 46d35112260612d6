"""What `redletter dev` refuses: one sentence each, exit code 2, nothing started."""

import socket
from pathlib import Path

import pytest
from whenever import Instant

from redletter_cli.dev.clock import Clock, ClockFile
from redletter_cli.dev.places import Places
from redletter_cli.embedded.directory import DirectoryLock, make_private
from tests.e2e.conftest import Start


def _refusal(start: Start, *arguments: str) -> str:
    command = start("dev", *arguments)
    assert command.wait() == 2, "".join(command.said)
    [sentence] = command.said
    return sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "tomorrow"), '--from "tomorrow" is no instant'),
        (("--from", "2028-02-30T00:00:00Z"), '--from "2028-02-30T00:00:00Z" is no instant'),
        (("--speed", "0"), "--speed 0 is not possible"),
        (("--speed", "nan"), "--speed nan is not possible"),
        (("--port-base", "80"), "--port-base 80 is not possible"),
        (("--schedulers", "0"), "--schedulers 0 is not possible"),
    ],
)
def test_a_wrong_option_is_answered_by_a_sentence(
    start: Start, arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """A value that cannot be used is named with what is allowed, and no data directory is made."""
    assert said in _refusal(start, *arguments)
    assert not (tmp_path / ".redletter").exists()


def test_a_taken_port_is_named_with_the_option_that_moves_it(start: Start, port_base: str) -> None:
    """A port that somebody else listens on ends the start and leads to --port-base."""
    taken = int(port_base) + 20
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        listener.listen()
        sentence = _refusal(start, "--port-base", port_base)
    assert f"port {taken} on 127.0.0.1, wanted for scheduler_service 1, is taken" in sentence
    assert "--port-base" in sentence


def test_a_data_directory_has_one_owner(start: Start, port_base: str, tmp_path: Path) -> None:
    """A directory that another process runs on is refused with the number of that process."""
    lock = DirectoryLock(make_private(tmp_path / "data"))
    lock.acquire()
    try:
        assert "is in use: process" in _refusal(start, "--data", "data", "--port-base", port_base)
    finally:
        lock.release()


def test_business_time_never_goes_back(start: Start, port_base: str, tmp_path: Path) -> None:
    """A start before the instant that the data has reached is refused and names both instants."""
    reached = Instant.from_utc(2028, 3, 1, 12)
    places = Places(make_private(tmp_path / ".redletter"))
    ClockFile(places.clock).write(Clock(start=reached, speed=60.0), clean=True)
    sentence = _refusal(start, "--from", "2028-02-27T00:00:00Z", "--port-base", port_base)
    assert "has reached 2028-03-01T12:00:00Z, so --from 2028-02-27T00:00:00Z would take it back" in sentence


def test_a_file_in_the_place_of_the_data_directory_is_refused(start: Start, tmp_path: Path) -> None:
    """A path that cannot be a directory is named."""
    (tmp_path / "data").write_text("")
    assert "the data directory data cannot be used" in _refusal(start, "--data", "data")
