"""The command `redletter` as a person starts it: a process of its own, its lines, its end."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_LINE_WITHIN = 90.0
_END_WITHIN = 60.0


class Command:
    """A running `redletter`, whose lines are read as they come."""

    def __init__(self, *arguments: str, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "redletter_cli", *arguments],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            # A group of its own: a signal to it must not reach the test.
            start_new_session=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str, within: float = _LINE_WITHIN) -> str:
        """Return the next line that contains `text`."""
        end = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"never said {text!r}; it said:\n" + "".join(self.said)
            if text in line:
                return line.rstrip("\n")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command itself, as a terminal or an orchestrator does."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code."""
        return self._process.wait(_END_WITHIN)

    def end(self) -> None:
        """Kill it if it still runs; its children follow by themselves."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            self._lines.put(line)
        self._lines.put(None)


def process_ids(data: Path) -> dict[str, int]:
    """Return what runs for the deployment in `data`, by name."""
    found: dict[str, int] = json.loads((data / "processes.json").read_text())
    return found


def living(pids: list[int]) -> list[int]:
    """Return which of them live; where nobody reaps, the dead stay as zombies."""
    alive = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                alive.append(pid)
    return alive
