"""The breaker that guards an internal dependency: PostgreSQL, Redis, a method of a peer service.

    CLOSED ──failures in a row──▶ OPEN ──half a second, with jitter──▶ HALF_OPEN ──one probe──▶ CLOSED or OPEN

While it is OPEN nobody waits for what does not answer and nobody hammers it: a call gets its fallback at once.
The time it stays open does not grow: one probe in half a second hurts nobody, and a dependency that is back is
used again after at most that long. (The breaker of a webhook endpoint is another one: delivery_service.)
"""

import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Final, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from chassis.errors import DependencyUnavailable

log = structlog.get_logger()

STATE = Gauge(
    "redletter_circuit_open",
    "1 while calls of a dependency are not made, 0.5 while one of them tries it out.",
    ["dependency"],
)
TRANSITIONS = Counter(
    "redletter_circuit_transitions_total",
    "Changes of a circuit, by the state it came to.",
    ["dependency", "state"],
)
REFUSED = Counter(
    "redletter_circuit_refused_calls_total",
    "Calls that got their fallback because a circuit was open.",
    ["dependency"],
)

Answer = TypeVar("Answer")


class CircuitState(Enum):
    """Whether calls are made."""

    CLOSED = 0.0
    HALF_OPEN = 0.5
    OPEN = 1.0


@dataclass(frozen=True)
class CircuitPolicy:
    """After how many failures in a row it opens, and for how long at most (real time; at least half of it)."""

    failures: int = 5
    open_for: timedelta = timedelta(seconds=0.5)

    def __post_init__(self) -> None:
        if self.failures < 1 or self.open_for <= timedelta(0):
            raise ValueError("a circuit opens after 1 failure or more, for more than no time")


DEFAULT: Final = CircuitPolicy()


@dataclass(frozen=True)
class Record:
    """All that a circuit knows; `until` and `now` below are seconds of one monotonic clock."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    until: float = 0.0


def admitted(record: Record, *, now: float) -> Record | None:
    """Return the record once a call is under way, or None when it must not be made.

    An open circuit whose time is over lets one call through, the probe; until that one has ended no other.
    """
    if record.state is CircuitState.CLOSED:
        return record
    if record.state is CircuitState.OPEN and now >= record.until:
        return replace(record, state=CircuitState.HALF_OPEN)
    return None


def answered(record: Record) -> Record:
    """Return the record after an answer: the failures in a row are over, a probe closes the circuit.

    An answer that comes late, of a call made before it opened, closes nothing.
    """
    return record if record.state is CircuitState.OPEN else Record()


def failed(record: Record, policy: CircuitPolicy, *, now: float, draw: float) -> Record:
    """Return the record after a failure; `draw` in [0, 1) chooses the time to stay open."""
    failures = record.failures + 1
    if record.state is CircuitState.OPEN:
        return record
    if record.state is CircuitState.CLOSED and failures < policy.failures:
        return replace(record, failures=failures)
    seconds = policy.open_for.total_seconds() * (1 + draw) / 2
    return Record(CircuitState.OPEN, failures, now + seconds)


def given_up(record: Record, *, now: float) -> Record:
    """Return the record after a probe whose caller went away: the next call is the probe."""
    return replace(record, state=CircuitState.OPEN, until=now)


class CircuitOpen(DependencyUnavailable):
    """The call was not made: the dependency did not answer a moment ago. UNAVAILABLE with RetryInfo."""


class Circuit:
    """One dependency's circuit in this process; `counts` says which errors mean that it does not answer."""

    def __init__(
        self,
        dependency: str,
        *,
        counts: Callable[[Exception], bool],
        policy: CircuitPolicy = DEFAULT,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._dependency = dependency
        self._counts = counts
        self._policy = policy
        self._clock = clock
        self._draw = draw
        self._record = Record()
        self._refused = REFUSED.labels(dependency)
        STATE.labels(dependency).set(CircuitState.CLOSED.value)

    @property
    def state(self) -> CircuitState:
        """The present state."""
        return self._record.state

    async def call(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what `attempt` answers.

        Raises:
            CircuitOpen: it was not made.
            Exception: what it raised.
        """
        with self.guard():
            return await attempt()

    async def call_or(
        self, attempt: Callable[[], Awaitable[Answer]], fallback: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Return what `attempt` answers, or `fallback` when the dependency does not answer or was not asked."""
        try:
            return await self.call(attempt)
        except CircuitOpen:
            return await fallback()
        except Exception as error:
            if not self._counts(error):
                raise
            return await fallback()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Make one call inside: refused while the circuit is open, and its end noted.

        Raises:
            CircuitOpen: it must not be made.
        """
        before = self._record.state
        entered = admitted(self._record, now=self._clock())
        if entered is None:
            raise self.refusal()
        self._become(entered)
        probe = entered.state is not before
        try:
            yield
        except Exception as error:
            self.note(error)
            raise
        except BaseException:  # cancelled: nobody knows how it would have ended
            if probe:
                self._become(given_up(self._record, now=self._clock()))
            raise
        else:
            self.note(None)

    def note(self, error: Exception | None) -> None:
        """Note how a call ended that was made anyway; an error that does not count is an answer."""
        if error is not None and self._counts(error):
            self._become(failed(self._record, self._policy, now=self._clock(), draw=self._draw()))
        else:
            self._become(answered(self._record))

    def refusal(self) -> CircuitOpen:
        """Return the error of a call that is not made, and count it."""
        self._refused.inc()
        left = max(0.05, self._record.until - self._clock())
        return CircuitOpen(
            f"{self._dependency} does not answer; try again in {left:.2f} seconds",
            retry_after=timedelta(seconds=left),
        )

    def _become(self, record: Record) -> None:
        before, self._record = self._record, record
        if before.state is record.state:
            return
        STATE.labels(self._dependency).set(record.state.value)
        TRANSITIONS.labels(self._dependency, record.state.name).inc()
        if record.state is CircuitState.OPEN:
            # Once per outage, not once per probe.
            if before.state is CircuitState.CLOSED:
                log.warning("circuit.opened", dependency=self._dependency, failures=record.failures)
        elif record.state is CircuitState.CLOSED:
            log.info("circuit.closed", dependency=self._dependency)
        else:
            log.debug("circuit.half_opened", dependency=self._dependency)
