"""One child process whose life is bound to ours: no orphan, whatever kills us.

The kernel signals the child when the *thread* that forked it ends (PR_SET_PDEATHSIG), so every child is
forked on one thread that lasts as long as this process; callers may use any thread they like.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from redletter_cli.embedded.errors import StartFailed
from redletter_cli.embedded.lasting import call_on_lasting_thread

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.01
_LAST_WORDS_LINES = 4
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run, and how it is asked to stop.

    `log` is appended to (stdout and stderr). `env` is the whole environment, or None for ours. `stop_signal` is
    sent by `Child.stop` and, on Linux, by the kernel when this process dies. `user_id` and `group_id` are set
    in the child when given (needs root).
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    user_id: int | None = None
    group_id: int | None = None


class Child:
    """A running child in a session of its own: Ctrl-C at the terminal does not reach it.

    Raises:
        StartFailed: the program cannot be executed.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = command.log.stat().st_size if command.log.exists() else 0
        try:
            self._process = call_on_lasting_thread(lambda: _spawn(command))
        except (OSError, subprocess.SubprocessError) as error:
            raise StartFailed(f"{command.name} cannot be executed ({command.argv[0]}): {error}") from error

    @property
    def pid(self) -> int:
        """The process id; wrappers such as `unshare` exec, so it is the program's own."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code (negative: the signal that killed it). Reaps it."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], *, within: timedelta) -> None:
        """Return as soon as `ready()` holds.

        Raises:
            StartFailed: the child ended before, or `within` passed; in the latter case it is killed.
        """
        for _ in _until(within):
            if self.poll() is not None:
                raise StartFailed(self._epitaph(f"ended with code {self.poll()} while starting"))
            if ready():
                return
        self.kill()
        raise StartFailed(self._epitaph(f"was not ready within {within.total_seconds():g} s"))

    def finish(self, within: timedelta) -> None:
        """Wait until the child, one that ends by itself, has ended well.

        Raises:
            StartFailed: it failed, or `within` passed and it was killed.
        """
        try:
            code = self._process.wait(within.total_seconds())
        except subprocess.TimeoutExpired:
            self.kill()
            raise StartFailed(self._epitaph(f"did not end within {within.total_seconds():g} s")) from None
        if code != 0:
            raise StartFailed(self._epitaph(f"ended with code {code}"))

    def stop(self, within: timedelta = timedelta(seconds=10)) -> int:
        """Ask by `stop_signal`, kill after `within`, and return the exit code; a second call returns the same."""
        if self.poll() is None:
            self._process.send_signal(self.command.stop_signal)
            try:
                return self._process.wait(within.total_seconds())
            except subprocess.TimeoutExpired:
                return self.kill()
        return self._process.wait()

    def kill(self) -> int:
        """Kill the child and what is left in its session's group at once, reap it, return its exit code."""
        if self.poll() is None:
            # Not reaped yet, so nobody else can have got the id of this group.
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait()

    def output(self) -> str:
        """Return what this start, not an earlier one, has written to the log."""
        with self.command.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _epitaph(self, what: str) -> str:
        words = _last_words(self.output().splitlines())
        return f"{self.command.name} {what}: {words or 'it said nothing'} (log: {self.command.log})"


def _last_words(output: Sequence[str]) -> str:
    """Return the last fatal message with the lines that explain it, else the last line."""
    said = [line.strip() for line in output if line.strip() and " LOG:  " not in line]
    fatal = [number for number, line in enumerate(said) if "FATAL" in line]
    return " ".join(said[fatal[-1] :][:_LAST_WORDS_LINES] if fatal else said[-1:])


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    with command.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - argv is built by us, no shell
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=command.env,
            cwd=command.cwd,
            start_new_session=True,
            user=command.user_id,
            group=command.group_id,
            extra_groups=[] if command.user_id is not None else None,
            # After the change of user, which would clear the death signal.
            preexec_fn=_bind_to_parent(os.getpid(), command.stop_signal),  # noqa: PLW1509 - two system calls
        )


def _bind_to_parent(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def bind() -> None:
        # A blocked signal is inherited through exec; the child could then neither be stopped nor bound.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            # The parent died between fork and prctl: the signal will never come.
            os._exit(1)

    return bind


def _until(within: timedelta) -> Iterator[None]:
    """Yield at once and then every 10 ms until `within` has passed."""
    end = time.monotonic() + within.total_seconds()
    yield
    while time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        yield
