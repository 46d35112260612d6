"""The state machine of a breaker: what opens it, how long, who probes it, what closes it."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from whenever import Instant, TimeDelta

from chassis.errors import IllegalTransition, InvalidInput
from delivery_service.domain.breakers import (
    JITTER,
    Breaker,
    BreakerMode,
    BreakerPolicy,
    BreakerState,
    Counts,
    claim,
    claimable,
    close_for_policy,
    conclude,
    force,
    open_after_failures,
    return_probe,
    trips,
)

_NOW = Instant.from_utc(2027, 2, 28, 9)
_POLICY = BreakerPolicy()
_JITTER = st.floats(0, 1)


@pytest.mark.parametrize(
    ("attempts", "failures", "opens"),
    [(20, 10, True), (20, 9, False), (19, 19, False), (1000, 499, False), (1000, 500, True), (0, 0, False)],
)
def test_a_breaker_opens_at_its_failure_rate_once_there_are_enough_attempts(
    attempts: int, failures: int, opens: bool
) -> None:
    """Half of at least twenty attempts must have failed, by default."""
    assert trips(_POLICY, Counts(attempts, failures)) is opens


def test_a_disabled_breaker_never_opens() -> None:
    """A policy that is not enabled trips over nothing."""
    assert not trips(BreakerPolicy(enabled=False), Counts(1000, 1000))


@given(opened=st.integers(1, 10_000), jitter=_JITTER)
def test_an_open_time_is_never_above_the_longest_nor_below_the_first(opened: int, jitter: float) -> None:
    """Whatever the number of openings, the time is between 80 % of the first and the longest."""
    span = _POLICY.open_time(opened, jitter=jitter)
    assert _POLICY.open_first * (1 - JITTER) <= span <= _POLICY.open_longest


@given(jitters=st.lists(_JITTER, min_size=6, max_size=6))
def test_each_opening_in_a_row_is_longer_than_the_one_before(jitters: list[float]) -> None:
    """The doubling outweighs the jitter until the longest time is reached."""
    spans = [_POLICY.open_time(n, jitter=jitter) for n, jitter in enumerate(jitters, start=1)]
    assert all(before < after for before, after in pairwise(spans))


def test_a_forced_breaker_needs_a_reason() -> None:
    """Forcing without saying why is refused; giving back needs none."""
    with pytest.raises(InvalidInput, match="reason"):
        force(Breaker(), BreakerMode.FORCED_OPEN, " ", now=_NOW)
    assert force(Breaker(), BreakerMode.AUTOMATIC, "", now=_NOW) == Breaker()


def test_a_breaker_that_was_forced_open_is_probed_before_it_closes() -> None:
    """Given back it is open and its first probe is to be had at once."""
    forced = force(Breaker(), BreakerMode.FORCED_OPEN, "maintenance", now=_NOW)
    assert forced.state is BreakerState.OPEN
    assert not claimable(forced, now=_NOW.add(hours=1000))
    released = force(forced, BreakerMode.AUTOMATIC, "", now=_NOW)
    assert released.state is BreakerState.OPEN
    assert released.reason == ""
    assert claimable(released, now=_NOW)


def test_a_probe_of_a_dead_replica_can_be_taken_by_another_at_once() -> None:
    """`probe_until` is for a prober that lives and does not answer."""
    opened = open_after_failures(Breaker(), _POLICY, now=_NOW, jitter=0)
    later = _NOW.add(minutes=1)
    half = claim(opened, 1, now=later, until=later.add(seconds=30))
    assert not claimable(half, now=later)
    assert claimable(half, now=later, prober_lives=False)
    assert claimable(half, now=later.add(seconds=30))


class Breakers(RuleBasedStateMachine):
    """Three replicas and a person do to one breaker what they may, in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = BreakerPolicy(successes=3)
        self.now = _NOW
        self.breaker = Breaker()
        self.before = self.breaker
        self.in_a_row = 0
        self.failed_in_a_row = 0

    def become(self, breaker: Breaker) -> None:
        self.before, self.breaker = self.breaker, breaker

    @rule(seconds=st.integers(0, 400))
    def pass_time(self, seconds: int) -> None:
        self.now = self.now.add(TimeDelta(seconds=seconds))

    @rule(jitter=_JITTER)
    def trip(self, jitter: float) -> None:
        may = self.breaker.state is BreakerState.CLOSED and self.breaker.mode is BreakerMode.AUTOMATIC
        if not may:
            with pytest.raises(IllegalTransition):
                open_after_failures(self.breaker, self.policy, now=self.now, jitter=jitter)
            return
        self.become(open_after_failures(self.breaker, self.policy, now=self.now, jitter=jitter))
        self.in_a_row, self.failed_in_a_row = 0, 1

    @rule(owner=st.integers(1, 3))
    def take_probe(self, owner: int) -> None:
        if not claimable(self.breaker, now=self.now):
            with pytest.raises(IllegalTransition):
                claim(self.breaker, owner, now=self.now, until=self.now)
            return
        until = self.now.add(seconds=20)
        holder, held_until = self.breaker.probe_owner, self.breaker.probe_until
        assert holder is None or (held_until is not None and held_until <= self.now)
        self.become(claim(self.breaker, owner, now=self.now, until=until))

    @rule(owner=st.integers(1, 3), failed=st.booleans(), jitter=_JITTER)
    def answer(self, owner: int, failed: bool, jitter: float) -> None:
        half = self.breaker.state is BreakerState.HALF_OPEN
        if not half or self.breaker.probe_owner != owner:
            with pytest.raises(IllegalTransition):
                conclude(self.breaker, self.policy, owner, failed=failed, now=self.now, jitter=jitter)
            return
        self.become(conclude(self.breaker, self.policy, owner, failed=failed, now=self.now, jitter=jitter))
        if failed:
            self.in_a_row, self.failed_in_a_row = 0, self.failed_in_a_row + 1
        else:
            self.in_a_row += 1
        closes = self.in_a_row >= self.policy.successes
        assert (self.breaker.state is BreakerState.CLOSED) is closes

    @precondition(lambda self: self.breaker.probe_owner is not None)
    @rule()
    def give_probe_back(self) -> None:
        owner = self.breaker.probe_owner
        assert owner is not None
        self.become(return_probe(self.breaker, owner))
        assert claimable(self.breaker, now=self.now)

    @rule(mode=st.sampled_from(BreakerMode))
    def put(self, mode: BreakerMode) -> None:
        self.become(force(self.breaker, mode, "a person", now=self.now))
        if self.breaker is not self.before:
            self.in_a_row, self.failed_in_a_row = 0, 0
        assert self.breaker.mode is mode

    @precondition(
        lambda self: (
            self.breaker.state is not BreakerState.CLOSED and self.breaker.mode is BreakerMode.AUTOMATIC
        )
    )
    @rule()
    def drop_the_policy(self) -> None:
        self.become(close_for_policy(self.breaker))
        self.in_a_row = 0

    @invariant()
    def the_version_counts_the_changes(self) -> None:
        if self.breaker != self.before:
            assert self.breaker.version == self.before.version + 1

    @invariant()
    def only_half_open_has_a_probe(self) -> None:
        has = self.breaker.probe_owner is not None
        assert has == (self.breaker.probe_until is not None)
        assert not has or self.breaker.state is BreakerState.HALF_OPEN

    @invariant()
    def an_automatic_open_breaker_ends(self) -> None:
        automatic = self.breaker.mode is BreakerMode.AUTOMATIC
        is_open = self.breaker.state is BreakerState.OPEN
        assert (self.breaker.open_until is not None) == (is_open and automatic)
        if self.breaker.open_until is not None:
            assert self.breaker.open_until <= self.now.add(seconds=300)

    @invariant()
    def a_closed_breaker_has_forgotten(self) -> None:
        if self.breaker.state is BreakerState.CLOSED:
            assert (self.breaker.opened, self.breaker.successes) == (0, 0)

    @invariant()
    def a_forced_breaker_stays(self) -> None:
        if self.breaker.mode is BreakerMode.FORCED_OPEN:
            assert self.breaker.state is BreakerState.OPEN
        if self.breaker.mode is BreakerMode.FORCED_CLOSED:
            assert self.breaker.state is BreakerState.CLOSED


TestBreakers = Breakers.TestCase


def test_the_defaults_are_those_that_are_documented() -> None:
    """Half of twenty in 30 s opens it for 5 s, growing to 5 minutes; two probes close it."""
    assert BreakerPolicy() == BreakerPolicy(
        enabled=True,
        failure_rate=0.5,
        minimum=20,
        window=timedelta(seconds=30),
        open_first=timedelta(seconds=5),
        open_longest=timedelta(minutes=5),
        successes=2,
    )
