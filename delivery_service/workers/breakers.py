"""Breakers: the gate before each POST, and what this replica counts. In memory only, asked thousands of times a second.

`BreakerWatch` makes the transitions in PostgreSQL and brings every replica's in; `BreakerExchange` adds what the
other replicas count.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from prometheus_client import Gauge

from delivery_service.coordination.breaker_counts import Own
from delivery_service.domain.attempt_windows import AttemptWindow
from delivery_service.domain.breakers import Breaker, BreakerMode, BreakerPolicy, BreakerState, Counts, trips
from delivery_service.domain.deliveries import LaneKey

OPEN = Gauge("redletter_delivery_breakers_open", "Endpoints whose breaker is open or half open.")

# A probe that no delivery took by then is given back; whoever got its answer late has lost it already.
BEGIN_SECONDS = 5.0
# The others are heard each second; what they said is believed for a little longer, in case one turn fails.
_BELIEVED_SECONDS = 2.5
_IDLE_SECONDS = 120.0


class Gate(Enum):
    """What may be done with the next delivery of an endpoint."""

    PASS = "pass"  # noqa: S105
    PROBE = "probe"
    PARKED = "parked"


@dataclass
class _Count:
    """What is counted of one endpoint."""

    policy: BreakerPolicy
    window: AttemptWindow
    published: Counts = field(default_factory=Counts)
    others: Counts = field(default_factory=Counts)
    heard: float = 0.0
    used: float = field(default_factory=time.monotonic)

    def together(self, now: float) -> Counts:
        """Return the window of all replicas, as far as they have been heard lately."""
        own = self.window.counts(now)
        return own.plus(self.others) if now - self.heard < _BELIEVED_SECONDS else own


@dataclass
class Probe:
    """A probe that this replica has won: whose it is in PostgreSQL, until when it may begin, how it ended."""

    owner: int
    begin_before: float
    handed_out: bool = False
    failed: bool | None = None


class Breakers:
    """One breaker per endpoint, as all replicas know it."""

    def __init__(self) -> None:
        self._counts: dict[LaneKey, _Count] = {}
        self._standing: dict[LaneKey, Breaker] = {}  # not closed, or forced
        self._shut: set[LaneKey] = set()  # open or half open
        self._probes: dict[LaneKey, Probe] = {}
        self._tripped: set[LaneKey] = set()  # to be opened: parked here until PostgreSQL has said so
        self._parked: Callable[[LaneKey], None] = _nobody
        self._released: Callable[[LaneKey], None] = _nobody
        self._wake: Callable[[], None] = lambda: None

    def tell(self, *, parked: Callable[[LaneKey], None], released: Callable[[LaneKey], None]) -> None:
        """Call `parked` when an endpoint's deliveries are to be given back, `released` when they may be fetched.

        When a probe was won `released` is called as well, and `probing` is true: one delivery is wanted.
        """
        self._parked = parked
        self._released = released

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call `wake` when a transition is due that only this replica knows of."""
        self._wake = wake

    # -- the lanes' side -------------------------------------------------------------------------

    def gate(self, key: LaneKey) -> Gate:
        """Ask right before a POST; PROBE is handed out once and must be followed by `attempted(probe=True)`."""
        if key not in self._shut and key not in self._tripped:
            return Gate.PASS
        if not self.probing(key):
            return Gate.PARKED
        self._probes[key].handed_out = True
        return Gate.PROBE

    def attempted(self, key: LaneKey, *, failed: bool, probe: bool) -> None:
        """Count an answer; 429 and what is dead at once are no failures.

        Answers to what was sent before the breaker opened are late: they count for nothing.
        """
        if probe:
            mine = self._probes.get(key)
            if mine is not None:
                mine.failed = failed
                self._wake()
            return
        if key in self._shut or key in self._tripped:
            return
        now = time.monotonic()
        count = self._counts.get(key) or self._count(key)
        count.used = now
        count.window.add(now, failed=failed)
        if failed:
            self._judge(key, count, now)

    def aim(self, key: LaneKey, policy: BreakerPolicy) -> None:
        """Take the endpoint's present policy; a window of another length begins anew."""
        count = self._counts.get(key) or self._count(key)
        count.used = time.monotonic()
        if count.policy == policy:
            return
        count.policy = policy
        if count.window.span != policy.window:
            count.window = AttemptWindow(policy.window)
        if not policy.enabled and key in self._shut:
            self._wake()

    def parked(self, key: LaneKey) -> bool:
        """Return whether the feeder leaves the endpoint's deliveries where they are."""
        return (key in self._shut and not self.probing(key)) or key in self._tripped

    def probing(self, key: LaneKey) -> bool:
        """Return whether exactly one delivery is wanted: this replica has won a probe and not sent it yet."""
        probe = self._probes.get(key)
        return probe is not None and not probe.handed_out and time.monotonic() < probe.begin_before

    # -- what is asked about them ----------------------------------------------------------------

    def breaker(self, key: LaneKey) -> Breaker:
        """Return the breaker as last read."""
        return self._standing.get(key, Breaker())

    def policy(self, key: LaneKey) -> BreakerPolicy:
        """Return the policy as last told, or the default one."""
        count = self._counts.get(key)
        return count.policy if count is not None else BreakerPolicy()

    def shut(self) -> list[LaneKey]:
        """Return every endpoint whose breaker is open or half open."""
        return list(self._shut)

    def counts(self, key: LaneKey) -> Counts:
        """Return the window of all replicas as this one sees it."""
        count = self._counts.get(key)
        return count.together(time.monotonic()) if count is not None else Counts()

    # -- the exchange's side ---------------------------------------------------------------------

    def unpublished(self, *, whole: bool) -> dict[LaneKey, Own]:
        """Return the windows that changed since they were published, or with `whole` all that are not empty."""
        now = time.monotonic()
        found: dict[LaneKey, Own] = {}
        for key, count in list(self._counts.items()):
            own = count.window.counts(now)
            if own != count.published or (whole and own.attempts):
                found[key] = Own(own, count.policy.window)
            elif not own.attempts and now - count.used > _IDLE_SECONDS:
                del self._counts[key]
        return found

    def heard(self, own: Mapping[LaneKey, Own], others: Mapping[LaneKey, Counts]) -> None:
        """Take what the other replicas counted, after `own` was published."""
        now = time.monotonic()
        for key, said in own.items():
            count = self._counts.get(key)
            if count is None:
                continue
            count.published, count.others, count.heard = said.counts, others[key], now
            if said.counts.failures and key not in self._shut:
                self._judge(key, count, now)

    # -- the watch's side ------------------------------------------------------------------------

    def due(self) -> dict[LaneKey, Probe | None]:
        """Return the endpoints whose breaker this replica has reason to change, with the probe that is the reason.

        Without one: the window tripped, or the policy no longer asks for a breaker.
        """
        now = time.monotonic()
        found: dict[LaneKey, Probe | None] = dict.fromkeys(self._tripped)
        for key, breaker in self._standing.items():
            if breaker.mode is BreakerMode.AUTOMATIC and not self.policy(key).enabled:
                found[key] = None
        for key, probe in self._probes.items():
            unused = not probe.handed_out and now >= probe.begin_before
            if probe.failed is not None or unused:
                found[key] = probe
        return found

    def tripped(self, key: LaneKey) -> bool:
        """Return whether the window would still open the breaker."""
        return trips(self.policy(key), self.counts(key))

    def settled(self, keys: Iterable[LaneKey]) -> None:
        """Note that PostgreSQL has decided about these; what did not open after all goes on."""
        for key in self._tripped.intersection(keys):
            self._tripped.discard(key)
            if key not in self._shut:
                self._released(key)

    def claimable(self) -> bool:
        """Return whether there may be a probe to be had."""
        return any(breaker.mode is BreakerMode.AUTOMATIC for breaker in self._standing.values())

    def adopt(self, found: Mapping[LaneKey, Breaker], *, whole: bool = False) -> None:
        """Take breakers as PostgreSQL has them; with `whole` those that are missing are closed."""
        for key, breaker in found.items():
            self._set(key, breaker)
        if whole:
            for key in self._standing.keys() - found.keys():
                self._set(key, Breaker())
        OPEN.set(len(self._shut))

    def won(self, found: Mapping[LaneKey, Breaker], owner: int, *, asked: float) -> None:
        """Take the probes that this replica claimed; `asked` is the monotonic time before the claim."""
        for key in found:
            self._probes[key] = Probe(owner, asked + BEGIN_SECONDS)
        self.adopt(found)
        for key in found:
            self._released(key)

    def _set(self, key: LaneKey, breaker: Breaker) -> None:
        probe = self._probes.get(key)
        if probe is not None and breaker.probe_owner != probe.owner:
            del self._probes[key]  # concluded, or somebody else's by now
        shut = breaker.state is not BreakerState.CLOSED
        if shut or breaker.mode is not BreakerMode.AUTOMATIC:
            self._standing[key] = breaker
        else:
            self._standing.pop(key, None)
        if shut and key not in self._shut:
            self._shut.add(key)
            if key in self._counts:
                self._counts[key].window.clear()
            if key not in self._tripped:
                self._parked(key)
        elif not shut and key in self._shut:
            self._shut.discard(key)
            self._released(key)

    def _count(self, key: LaneKey) -> _Count:
        policy = BreakerPolicy()
        count = self._counts[key] = _Count(policy, AttemptWindow(policy.window))
        return count

    def _judge(self, key: LaneKey, count: _Count, now: float) -> None:
        # Forced closed is in `_standing` and not in `_shut`: it counts and never opens.
        if key in self._standing or key in self._tripped or not trips(count.policy, count.together(now)):
            return
        self._tripped.add(key)
        self._parked(key)
        self._wake()


def _nobody(_key: LaneKey) -> None:
    """Nobody has asked to be told."""
