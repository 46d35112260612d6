"""A process starts its parts in order, stops them in reverse, and says how it went by its exit code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, sys
from datetime import timedelta
from chassis.lifecycle import run
from chassis.ports import PortTaken

def say(text):
    print(text, flush=True)

class Part:
    def __init__(self, name): self.name = name
    async def start(self):
        if self.name == "taken": raise PortTaken("cannot listen on 127.0.0.1:1: the port is taken")
        if self.name == "broken": raise RuntimeError("broken")
        say(f"start {self.name}")
    async def stop(self):
        if self.name == "stuck": await asyncio.Event().wait()
        if self.name == "failing": raise ValueError("no")
        say(f"stop {self.name}")

class Ready(Part):
    async def start(self): say("ready")
    async def stop(self): pass

names = sys.argv[1].split(",")
sys.exit(asyncio.run(run("test", [*map(Part, names), Ready("")], grace=timedelta(seconds=0.5))))
"""


def life(*names: str, number: int = signal.SIGTERM) -> tuple[int, list[str], str]:
    """Run a process of these parts, tell it to stop once it is ready, and return how it went."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, ",".join(names)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line == "ready\n":
            process.send_signal(number)
    errors = process.communicate(timeout=10)[1]
    return process.returncode, [line for line in said if line.startswith(("start", "stop"))], errors


def test_parts_stop_in_reverse_and_the_exit_is_clean() -> None:
    """SIGTERM and SIGINT alike: last started, first stopped, exit code 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        code, said, _ = life("a", "b", number=number)
        assert (code, said) == (0, ["start a", "start b", "stop b", "stop a"])


def test_a_stuck_part_does_not_hold_up_the_others() -> None:
    """Within the grace time everything else has stopped, and the exit code says that one did not."""
    began = time.monotonic()
    code, said, _ = life("a", "stuck", "failing", "b")
    assert code == 1
    assert said[-2:] == ["stop b", "stop a"]
    assert time.monotonic() - began < 5


def test_a_taken_port_is_a_sentence() -> None:
    """Exit code 2, one line, no traceback; what was started is stopped."""
    code, said, errors = life("a", "taken", "b")
    assert (code, said) == (2, ["start a", "stop a"])
    assert errors == "test: cannot listen on 127.0.0.1:1: the port is taken\n"


def test_a_part_that_cannot_start_leaves_nothing_running() -> None:
    """Whatever it raises ends the process, after the parts before it were stopped."""
    code, said, errors = life("a", "broken", "b")
    assert (code, said) == (1, ["start a", "stop a"])
    assert "RuntimeError: broken" in errors
