"""Starts again what crashed, waits longer each time, and says so aloud."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from redletter_cli.embedded import EmbeddedError

Say = Callable[[str], None]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STABLE_SECONDS = 60.0


class Process(Protocol):
    """What can be kept: a server or a service."""

    @property
    def pid(self) -> int | None:
        """The process id of the current start."""

    def start(self) -> None:
        """Start; also after it ended."""

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""


@dataclass
class Kept:
    """One process under watch: when it was started, and how long to wait if it ends now."""

    name: str
    process: Process
    started: float
    pause: float = _FIRST_PAUSE
    again_at: float | None = None
    last_words: Callable[[], str] = field(default=lambda: "")


class Keeper:
    """Watches processes in the order of their dependence: `tick` is one look at all of them."""

    def __init__(
        self, say: Say, *, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._changed = changed
        self._clock = clock
        self._kept: list[Kept] = []
        self.crashes = 0

    def watch(self, name: str, process: Process, *, last_words: Callable[[], str] = lambda: "") -> None:
        """Keep `process`, which runs, from now on."""
        self._kept.append(Kept(name, process, self._clock(), last_words=last_words))

    def forget(self, processes: Sequence[Process]) -> None:
        """Keep these no longer; their end is wanted."""
        self._kept = [kept for kept in self._kept if kept.process not in processes]

    def tick(self) -> None:
        """Notice what has ended, start again what has waited long enough."""
        for kept in self._kept:
            if kept.again_at is not None:
                if self._clock() >= kept.again_at:
                    self._start_again(kept)
            elif (code := kept.process.poll()) is not None:
                self._notice(kept, code)

    def _notice(self, kept: Kept, code: int) -> None:
        self.crashes += 1
        now = self._clock()
        if now - kept.started > _STABLE_SECONDS:
            kept.pause = _FIRST_PAUSE
        kept.again_at = now + kept.pause
        # Who was killed by a signal has said nothing about it.
        words = kept.last_words() if code > 0 else ""
        said = f" ({words[:200]})" if words else ""
        self._say(f"{kept.name} ended: {_explain(code)}{said}; starting it again in {kept.pause:g} s")
        kept.pause = min(2 * kept.pause, _LONGEST_PAUSE)

    def _start_again(self, kept: Kept) -> None:
        try:
            kept.process.start()
        except EmbeddedError as error:
            kept.again_at = self._clock() + kept.pause
            self._say(f"{kept.name} did not start: {error}; trying again in {kept.pause:g} s")
            kept.pause = min(2 * kept.pause, _LONGEST_PAUSE)
            return
        kept.again_at = None
        kept.started = self._clock()
        self._say(f"{kept.name} is started again (process {kept.process.pid})")
        self._changed()


def _explain(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
