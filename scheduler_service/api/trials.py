"""Trying words in a child process, so that words that end a process do not end the scheduler."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from prometheus_client import Counter, Histogram

from chassis.errors import DependencyUnavailable, FieldViolation, InvalidInput
from scheduler_service.domain.event_types import Template
from scheduler_service.rendering.fixtures import Fixture
from scheduler_service.rendering.subset import ALLOWED, forbidden
from scheduler_service.rendering.trial import PARTS

log = structlog.get_logger()

PROGRAM: Final = "scheduler_service.rendering.trial"
AT_ONCE: Final = 2
_MEGABYTE: Final = 1024 * 1024

TRIALS = Counter(
    "redletter_scheduler_template_trials_total", "Trials of templates by how they ended.", ["result"]
)
TRIAL_SECONDS = Histogram(
    "redletter_scheduler_template_trial_seconds",
    "Real seconds of one trial, from the start of its process to its end.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trial may use: memory beyond that of an idle child, processor time, and time on the wall."""

    memory_bytes: int = 128 * _MEGABYTE
    cpu_seconds: int = 5
    wall_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What words say to one person: the locale of the template that was taken, or why not."""

    person: str
    locale: str = ""
    title: str = ""
    body: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a child told before it ended, and why it ended early; empty when it did not."""

    facts: list[list[Any]]
    why: str


class Trials:
    """Runs at most two children at once; the event loop never waits for one."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def check(self, templates: Sequence[Template], people: Sequence[Fixture]) -> None:
        """Refuse templates that are not of the subset, or that one of these people breaks.

        Raises:
            InvalidInput: reason INVALID_TEMPLATE, at `templates[i].part`; names the person and the cause.
            DependencyUnavailable: they could not be tried in time.
        """
        self.check_subset(templates)
        outcome = await self._run(templates, [_tried(who) for who in people], belated=None)
        violations = [(fact[1], fact[2]) for fact in outcome.facts if fact[0] == "failed"]
        if outcome.why:
            _, key, person = _last_tried(outcome)
            violations.append((key, f"cannot be rendered for {person}: {outcome.why}"))
        _refuse(violations)

    def check_subset(self, templates: Sequence[Template]) -> None:
        """Refuse templates that are not of the subset; starts no process.

        Raises:
            InvalidInput: reason INVALID_TEMPLATE, at `templates[i].part`.
        """
        _refuse(
            [
                (f"templates[{index}].{part}", why)
                for index, template in enumerate(templates)
                for part in PARTS
                if (why := forbidden(getattr(template, part)))
            ]
        )

    async def preview(
        self, templates: Sequence[Template], people: Sequence[Fixture], *, locale: str = "", belated: bool
    ) -> list[Preview]:
        """Return what these words say to each of these people, in their order.

        Raises:
            InvalidInput: reason INVALID_TEMPLATE, at `templates[i].part`, for what is not a template at all.
            DependencyUnavailable: they could not be tried in time.
        """
        self.check_subset(templates)
        outcome = await self._run(templates, [_tried(who, locale) for who in people], belated=belated)
        _refuse([(fact[1], fact[2]) for fact in outcome.facts if fact[0] == "failed"])
        said = {fact[1]: Preview(fact[1], *fact[2]) for fact in outcome.facts if fact[0] == "rendered"}
        return [said.get(who.person) or Preview(who.person, error=outcome.why) for who in people]

    async def _run(
        self, templates: Sequence[Template], people: Sequence[list[Any]], *, belated: bool | None
    ) -> _Outcome:
        task = {
            "templates": [[t.locale, *(getattr(t, part) for part in PARTS)] for t in templates],
            "people": people,
            "belated": belated,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_seconds": self._limits.cpu_seconds,
        }
        async with self._places:
            began = time.monotonic()
            output, status = await self._communicate(orjson.dumps(task))
            TRIAL_SECONDS.observe(time.monotonic() - began)
        facts = [orjson.loads(line) for line in output.splitlines() if line.endswith(b"]")]
        if facts and facts[-1] == ["done"]:
            TRIALS.labels("finished").inc()
            return _Outcome(facts, "")
        return self._ended_early(facts, status)

    async def _communicate(self, task: bytes) -> tuple[bytes, int]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Nothing of ours: no secret may be in the reach of somebody's words.
            env={name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        )
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                output, _ = await child.communicate(task)
        except RuntimeError:  # uvloop's word for a child that ended before it had read its task
            output = b""
        except TimeoutError:
            TRIALS.labels("timed_out").inc()
            log.warning("template_trial.timed_out", seconds=self._limits.wall_seconds)
            raise DependencyUnavailable(
                f"the templates could not be tried within {self._limits.wall_seconds:g} seconds; try again"
            ) from None
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        assert child.returncode is not None
        return output, child.returncode

    def _ended_early(self, facts: list[list[Any]], status: int) -> _Outcome:
        TRIALS.labels("ended_early").inc()
        log.warning("template_trial.ended_early", status=status)
        if not any(fact[0] == "trying" for fact in facts):
            raise DependencyUnavailable("templates cannot be tried at the moment; try again")
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            return _Outcome(facts, f"it takes more than {self._limits.cpu_seconds} seconds of processor time")
        megabytes = self._limits.memory_bytes / _MEGABYTE
        return _Outcome(facts, f"it needs more than {megabytes:g} MB of memory")


def _tried(who: Fixture, locale: str = "") -> list[Any]:
    return [who.person, who.values, who.longest, who.guessed, locale]


def _last_tried(outcome: _Outcome) -> list[Any]:
    return next(fact for fact in reversed(outcome.facts) if fact[0] == "trying")


def _refuse(violations: Sequence[tuple[str, str]]) -> None:
    if violations:
        raise InvalidInput(
            [FieldViolation(field, why, allowed=ALLOWED) for field, why in violations],
            reason="INVALID_TEMPLATE",
        )
