"""The breaker of an endpoint: one state for all replicas, and the window of attempts that opens it.

                 enough of the window's attempts failed
      CLOSED ───────────────────────────────────────────▶ OPEN ◀──────────────┐
        ▲                                                  │ `open_until` has │ the probe failed: the next
        │ as many probes in a row                          ▼ come             │ longer time
        └── as the policy asks succeeded ────────────── HALF_OPEN ────────────┘
                                                         one probe at a time, in the whole cluster

CLOSED passes everything, OPEN nothing, HALF_OPEN one delivery: the probe, which belongs to one replica until its
answer or `probe_until`. A forced breaker stays where it was put. Every transition raises the version; instants
are real time, PostgreSQL's.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from whenever import Instant

from chassis.errors import IllegalTransition, InvalidInput

JITTER: Final = 0.2
"""The part of an open time that is left to chance, so that breakers that opened together are not probed together."""


@dataclass(frozen=True)
class BreakerPolicy:
    """When a breaker opens, for how long, and what closes it again; all spans are real time."""

    enabled: bool = True
    failure_rate: float = 0.5
    """Of the window's attempts, 0 < rate <= 1."""
    minimum: int = 20
    """Attempts in the window, of all replicas together, before it may open."""
    window: timedelta = timedelta(seconds=30)
    open_first: timedelta = timedelta(seconds=5)
    """Doubles with each opening in a row, with jitter."""
    open_longest: timedelta = timedelta(minutes=5)
    successes: int = 2
    """Probes in a row that close it."""

    def open_time(self, opened: int, *, jitter: float) -> timedelta:
        """Return how long the `opened`-th opening in a row (from 1) lasts; `jitter` is 0 to 1, never above the longest."""
        doubled = self.open_longest
        if opened <= 32:  # 2 ** 32 times the shortest open time is longer than any longest
            doubled = min(self.open_longest, self.open_first * 2 ** (opened - 1))
        return doubled * (1 - JITTER * jitter)


class BreakerState(IntEnum):
    """What a breaker lets through; the numbers are those of redletter.delivery.v1.Breaker.State."""

    CLOSED = 1
    OPEN = 2
    HALF_OPEN = 3


class BreakerMode(IntEnum):
    """Who decides; the numbers are those of redletter.delivery.v1.Breaker.Mode."""

    AUTOMATIC = 1
    FORCED_OPEN = 2
    FORCED_CLOSED = 3


class Counts(NamedTuple):
    """Attempts of a window and how many of them failed."""

    attempts: int = 0
    failures: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of two windows."""
        return Counts(self.attempts + other.attempts, self.failures + other.failures)

    @property
    def failure_rate(self) -> float:
        """The failed part of the attempts; 0 without any."""
        return self.failures / self.attempts if self.attempts else 0.0


@dataclass(frozen=True)
class Breaker:
    """A breaker as every replica knows it; what was never written is closed with version 0."""

    state: BreakerState = BreakerState.CLOSED
    mode: BreakerMode = BreakerMode.AUTOMATIC
    reason: str = ""
    """Why it was forced; empty while automatic."""
    opened: int = 0
    """Openings in a row since it was last closed."""
    successes: int = 0
    """Probes in a row that succeeded since it was last open."""
    open_until: Instant | None = None
    probe_owner: int | None = None
    probe_until: Instant | None = None
    change_time: Instant | None = None
    version: int = 0


def trips(policy: BreakerPolicy, counts: Counts) -> bool:
    """Return whether a closed breaker opens over these attempts."""
    enough = counts.attempts >= policy.minimum and counts.failures > 0
    return policy.enabled and enough and counts.failure_rate >= policy.failure_rate


def open_after_failures(breaker: Breaker, policy: BreakerPolicy, *, now: Instant, jitter: float) -> Breaker:
    """Return the breaker after its window tripped it.

    Raises:
        IllegalTransition: it is not closed, or forced.
    """
    _require(breaker, BreakerState.CLOSED)
    return _opened(breaker, policy, now=now, jitter=jitter)


def claimable(breaker: Breaker, *, now: Instant, prober_lives: bool = True) -> bool:
    """Return whether some replica may take the next probe; `prober_lives` is about the one that has it."""
    if breaker.mode is not BreakerMode.AUTOMATIC or breaker.state is BreakerState.CLOSED:
        return False
    if breaker.state is BreakerState.OPEN:
        return breaker.open_until is not None and breaker.open_until <= now
    free = breaker.probe_owner is None or not prober_lives
    return free or (breaker.probe_until is not None and breaker.probe_until <= now)


def claim(
    breaker: Breaker, owner: int, *, now: Instant, until: Instant, prober_lives: bool = True
) -> Breaker:
    """Return the breaker half open, its probe owned by one replica; the store makes this transition in SQL.

    Raises:
        IllegalTransition: the probe is not to be had now.
    """
    if not claimable(breaker, now=now, prober_lives=prober_lives):
        raise IllegalTransition(f"the breaker is {breaker.state.name} and has no probe to give")
    return _next(breaker, state=BreakerState.HALF_OPEN, open_until=None, probe_owner=owner, probe_until=until)


def conclude(
    breaker: Breaker, policy: BreakerPolicy, owner: int, *, failed: bool, now: Instant, jitter: float
) -> Breaker:
    """Return the breaker after its probe's answer: open for longer, closed, or half open for the next probe.

    Raises:
        IllegalTransition: the probe is not (any more) this owner's.
    """
    _require_probe(breaker, owner)
    if failed:
        return _opened(breaker, policy, now=now, jitter=jitter)
    succeeded = breaker.successes + 1
    if succeeded >= policy.successes:
        return _closed(breaker)
    return _next(breaker, successes=succeeded, probe_owner=None, probe_until=None)


def return_probe(breaker: Breaker, owner: int) -> Breaker:
    """Return the breaker with its probe free again: its owner found nothing to send.

    Raises:
        IllegalTransition: the probe is not (any more) this owner's.
    """
    _require_probe(breaker, owner)
    return _next(breaker, probe_owner=None, probe_until=None)


def close_for_policy(breaker: Breaker) -> Breaker:
    """Return the breaker closed, because the endpoint's policy no longer asks for one.

    Raises:
        IllegalTransition: it is forced, or closed already.
    """
    _require(breaker, BreakerState.OPEN, BreakerState.HALF_OPEN)
    return _closed(breaker)


def force(breaker: Breaker, mode: BreakerMode, reason: str, *, now: Instant) -> Breaker:
    """Return the breaker as a person wants it; always possible, also to give another reason.

    Back to automatic a forced-open breaker is OPEN and may be probed at once; a forced-closed one stays
    closed and counts. What was so already stays as it is.

    Raises:
        InvalidInput: it is forced without a reason.
    """
    if mode is not BreakerMode.AUTOMATIC and not reason.strip():
        raise InvalidInput.at("reason", "a breaker is forced for a reason", allowed="1 to 200 characters")
    if (breaker.mode, breaker.reason) == (mode, reason):
        return breaker
    if mode is BreakerMode.FORCED_OPEN:
        return replace(_closed(breaker), state=BreakerState.OPEN, mode=mode, reason=reason)
    if mode is BreakerMode.FORCED_CLOSED:
        return replace(_closed(breaker), mode=mode, reason=reason)
    if breaker.mode is BreakerMode.AUTOMATIC:
        return breaker
    released = replace(_closed(breaker), mode=BreakerMode.AUTOMATIC, reason="")
    if breaker.mode is BreakerMode.FORCED_CLOSED:
        return released
    return replace(released, state=BreakerState.OPEN, open_until=now)


def _opened(breaker: Breaker, policy: BreakerPolicy, *, now: Instant, jitter: float) -> Breaker:
    opened = breaker.opened + 1
    until = Instant(now.to_stdlib() + policy.open_time(opened, jitter=jitter))
    return _next(
        breaker,
        state=BreakerState.OPEN,
        opened=opened,
        successes=0,
        open_until=until,
        probe_owner=None,
        probe_until=None,
    )


def _closed(breaker: Breaker) -> Breaker:
    return _next(
        breaker,
        state=BreakerState.CLOSED,
        opened=0,
        successes=0,
        open_until=None,
        probe_owner=None,
        probe_until=None,
    )


def _next(breaker: Breaker, **changes: object) -> Breaker:
    return replace(breaker, version=breaker.version + 1, **changes)  # type: ignore[arg-type]


def _require(breaker: Breaker, *states: BreakerState) -> None:
    if breaker.state not in states or breaker.mode is not BreakerMode.AUTOMATIC:
        raise IllegalTransition(
            f"the breaker is {breaker.state.name} ({breaker.mode.name}), not {' or '.join(s.name for s in states)}"
        )


def _require_probe(breaker: Breaker, owner: int) -> None:
    _require(breaker, BreakerState.HALF_OPEN)
    if breaker.probe_owner != owner:
        raise IllegalTransition(f"the probe belongs to replica {breaker.probe_owner}, not to {owner}")
