"""Everything on one machine, from the first start to the resumed one."""

import json
import os
import signal
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.running import living, process_ids


def test_everything_starts_shows_a_verified_message_and_resumes(
    start: Start, port_base: str, tmp_path: Path
) -> None:
    """The first start shows a verified message within seconds; the second goes on with the same people and keys."""
    first = start("dev", "--sample", "--port-base", port_base)
    first.wait_for("ready after")
    first.wait_for("imported the sample: 200 invented people")
    guest = first.wait_for("added ").partition("(")[2].partition(")")[0]
    assert "signature verified" in first.wait_for(f"hello for {guest}", within=30)
    data = tmp_path / ".redletter"
    client = json.loads((data / "client.json").read_text())
    assert (data / "client.json").stat().st_mode & 0o777 == 0o600
    pids = process_ids(data)
    assert len(pids) == 8
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert living(list(pids.values())) == []

    second = start("dev", "--sample", "--port-base", port_base)
    other = second.wait_for("added ").partition("(")[2].partition(")")[0]
    assert other != guest
    assert "signature verified" in second.wait_for(f"hello for {other}", within=30)
    assert not any("imported" in line or f"hello for {guest}" in line for line in second.said)
    assert json.loads((data / "client.json").read_text()) == client
    second.signal(signal.SIGINT)
    assert second.wait() == 0
    assert living(list(process_ids(data).values())) == []


def test_what_is_killed_is_started_again_and_nothing_outlives_the_supervisor(
    start: Start, port_base: str, tmp_path: Path
) -> None:
    """A killed service, PostgreSQL and Valkey come back and are named; after kill -9 of the command all end."""
    command = start("dev", "--port-base", port_base, "--from", "2028-02-27T00:00:00Z", "--speed", "60")
    command.wait_for("ready after")
    data = tmp_path / ".redletter"
    for name, said in (("scheduler-1", "scheduler-1"), ("valkey", "Valkey"), ("postgres", "PostgreSQL")):
        os.kill(process_ids(data)[name], signal.SIGKILL)
        command.wait_for(f"{said} ended: killed by signal 9")
        command.wait_for(f"{said} is started again")
    pids = list(process_ids(data).values())
    command.signal(signal.SIGKILL)
    command.wait()
    # The next start waits for them by itself, so that it finds its ports free.
    again = start("dev", "--port-base", port_base)
    assert "60 times as fast" in again.wait_for("business clock: 2028-02-27")
    assert living(pids) == []
    again.signal(signal.SIGTERM)
    assert again.wait() == 0
