"""A child: told to stop, killed when it does not, quoted when it fails."""

import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from redletter_cli.embedded import Child, Command, StartFailed

_DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
_SLEEP = "import time; print('ready', flush=True); time.sleep(600)"


def _python(program: str, log: Path) -> Command:
    return Command(name="example", argv=(sys.executable, "-c", program), log=log)


def test_child_that_ignores_the_signal_is_killed_after_the_deadline(tmp_path: Path) -> None:
    """`stop` asks first, kills after the deadline and reaps."""
    child = Child(_python(_DEAF, tmp_path / "log"))
    child.wait_until(lambda: "deaf" in child.output(), within=timedelta(seconds=10))
    assert child.stop(timedelta(milliseconds=50)) == -signal.SIGKILL
    assert not Path(f"/proc/{child.pid}").exists()


def test_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """The death signal belongs to a thread that lasts, not to the caller's."""
    made: list[Child] = []
    thread = threading.Thread(target=lambda: made.append(Child(_python(_SLEEP, tmp_path / "log"))))
    thread.start()
    thread.join()
    made[0].wait_until(lambda: "ready" in made[0].output(), within=timedelta(seconds=10))
    assert made[0].poll() is None
    assert made[0].stop() == -signal.SIGTERM


def test_child_that_ends_early_is_quoted(tmp_path: Path) -> None:
    """A child that fails while starting is reported with its code, its last words and its log."""
    child = Child(_python("import sys; sys.exit('error: no such zone')", tmp_path / "log"))
    with pytest.raises(
        StartFailed, match=r"example ended with code 1 .*: error: no such zone \(log: .*log\)"
    ):
        child.wait_until(lambda: False, within=timedelta(seconds=10))


def test_child_that_is_not_ready_in_time_is_killed(tmp_path: Path) -> None:
    """A child that does not get ready is not left running."""
    child = Child(_python(_SLEEP, tmp_path / "log"))
    with pytest.raises(StartFailed, match=r"was not ready within 0\.05 s"):
        child.wait_until(lambda: False, within=timedelta(milliseconds=50))
    assert child.poll() == -signal.SIGKILL


def test_output_is_that_of_this_start(tmp_path: Path) -> None:
    """The log keeps earlier starts; `output` does not quote them."""
    for word in ("first", "second"):
        child = Child(_python(f"print('{word}')", tmp_path / "log"))
        child.finish(timedelta(seconds=10))
    assert child.output() == "second\n"
    assert (tmp_path / "log").read_text() == "first\nsecond\n"


def test_program_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    """A missing program is named."""
    with pytest.raises(StartFailed, match=r"example cannot be executed \(/no/such/program\)"):
        Child(Command(name="example", argv=("/no/such/program",), log=tmp_path / "log"))


def test_kill_ends_what_the_child_started_in_its_group(tmp_path: Path, gone: Callable[[int], bool]) -> None:
    """A helper process of a killed child does not stay."""
    program = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    )
    child = Child(_python(program, tmp_path / "log"))
    child.wait_until(lambda: child.output().endswith("\n"), within=timedelta(seconds=10))
    assert child.kill() == -signal.SIGKILL
    assert gone(int(child.output()))
