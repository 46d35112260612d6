"""The faults: each takes the stage and a peak under way, does its harm, and returns when it did it and a remark."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.fault import marks
from benchmarks.fault.kills import kills_at
from benchmarks.fault.looking import Harm, leader, redis_url, seen, until_peak
from benchmarks.fault.marks import Mark
from benchmarks.fault.people import Peak
from benchmarks.fault.stage import Stage, send
from chassis import leadership
from scheduler_service.coordination import shards

WITHOUT_REDIS = "redletter_scheduler_without_redis"
HELD = "redletter_scheduler_shards_held"
SKEW = "redletter_clock_skew_seconds"
AHEAD_SECONDS = 600
_MARK_WITHIN = 6.0


@dataclass(frozen=True)
class Scenario:
    """A fault by name; `seconds` is the length of the peak, `fed` the share of people enrolled while it lasts."""

    name: str
    run: Callable[[Stage, Peak], Harm]
    seconds: int = 15
    fed: float = 0.0


def frozen_leader(stage: Stage, peak: Peak) -> Harm:
    """SIGSTOP the leader in the middle of planning, for twice its lease."""
    until_peak(stage, peak)
    victim, term = leader(stage)
    mark = seen(stage, marks.PLAN, [victim], until=time.time() + _MARK_WITHIN)
    pid = stage.pid(victim)
    send(pid, signal.SIGSTOP)
    began = time.time()

    def another_leads() -> bool:
        return leader(stage)[1] > term

    passed = stage.wait(until=began + 2 * leadership.LEASE_SECONDS, condition=another_leads)
    led = time.time() - began
    stage.wait(until=began + 2 * leadership.LEASE_SECONDS)
    send(pid, signal.SIGCONT)
    if not passed:
        stage.wait(until=time.time() + 3, condition=another_leads)
    after = f"{led:.1f} s" if passed else f"{time.time() - began:.1f} s, when it was woken"
    return Harm(began, f"frozen at {_named(mark)}; another leader after {after}")


def frozen_holder(stage: Stage, peak: Peak) -> Harm:
    """SIGSTOP a holder of shards while it decides, for twice its lease."""
    until_peak(stage, peak)
    status = stage.status()
    holders = [h.holder for h in status.shard_holders if h.holder != status.leader]
    mark = seen(stage, marks.DECIDE, holders, until=time.time() + _MARK_WITHIN)
    victim = mark.scheduler if mark else holders[0]
    pid = stage.pid(victim)
    send(pid, signal.SIGSTOP)
    began = time.time()
    others = [name for name in stage.schedulers if name != victim]
    all_held = stage.wait(
        until=began + 2 * shards.LEASE_SECONDS,
        condition=lambda: sum(stage.metric(name, HELD) for name in others) >= 64,
    )
    taken = time.time() - began
    stage.wait(until=began + 2 * shards.LEASE_SECONDS)
    send(pid, signal.SIGCONT)
    after = f"{taken:.1f} s" if all_held else "never"
    return Harm(began, f"frozen at {_named(mark)}; its shards taken after {after}")


def flushed(stage: Stage, peak: Peak) -> Harm:
    """FLUSHALL, again and again, at the moment when everybody of a second falls due."""
    began = until_peak(stage, peak)
    for second in range(int(began) + 1, peak.ends):
        stage.wait(until=second)
        marks.flush(redis_url(stage))
    return Harm(began, f"{peak.ends - int(began) - 1} times")


def valkey_killed(stage: Stage, peak: Peak) -> Harm:
    """kill -9 Valkey; it is started again, empty, after half a second."""
    began = until_peak(stage, peak)
    send(stage.pid("valkey"), signal.SIGKILL)
    said = _await_word(stage, 1, until=began + 2)
    stage.wait(until=began + 20, condition=lambda: _without(stage) == 0)
    return Harm(began, f"{said} of 3 said so; claims by Redis again after {time.time() - began:.1f} s")


def valkey_frozen(stage: Stage, peak: Peak) -> Harm:
    """SIGSTOP Valkey for five seconds: every command hangs."""
    began = until_peak(stage, peak)
    pid = stage.pid("valkey")
    send(pid, signal.SIGSTOP)
    said = _await_word(stage, 3, until=began + 3)
    noticed = time.time() - began
    stage.wait(until=began + 5)
    send(pid, signal.SIGCONT)
    stage.wait(until=began + 20, condition=lambda: _without(stage) == 0)
    return Harm(
        began,
        f"{said} of 3 said so within {noticed:.1f} s; returned {time.time() - began - 5:.1f} s after it",
    )


def valkey_absent(stage: Stage, peak: Peak) -> Harm:
    """No Valkey from before the peak until after it."""
    stage.keeping = False
    stage.wait(until=peak.begins - 2)
    began = time.time()
    send(stage.pid("valkey"), signal.SIGKILL)
    said = _await_word(stage, 3, until=began + 3)
    stage.wait(until=peak.ends + 2)
    stage.keeping = True
    back = time.time()
    stage.wait(until=back + 20, condition=lambda: _without(stage) == 0)
    return Harm(
        began, f"{said} of 3 said so; claims by Redis again {time.time() - back:.1f} s after its start"
    )


def postgresql_restarted(stage: Stage, peak: Peak) -> Harm:
    """A fast shutdown of PostgreSQL; it is started again after half a second."""
    began = until_peak(stage, peak)
    return Harm(began, _postgresql_back(stage, signal.SIGINT, began))


def postgresql_killed(stage: Stage, peak: Peak) -> Harm:
    """kill -9 of the postmaster; it is started again after half a second and recovers."""
    began = until_peak(stage, peak)
    return Harm(began, _postgresql_back(stage, signal.SIGKILL, began))


def wrong_clock(stage: Stage, peak: Peak) -> Harm:
    """The wall clock of a replica that holds shards jumps ten minutes ahead; it must let go of them."""
    name = "scheduler-3"
    stage.substitute(name)
    stage.wait(until=time.time() + 10, condition=lambda: 0 < stage.metric(name, HELD) < 64)
    held = stage.metric(name, HELD)
    began = until_peak(stage, peak)
    stage.set_clock(AHEAD_SECONDS)
    stage.wait(until=began + 20, condition=lambda: stage.metric(name, HELD) == 0)
    let_go = time.time() - began
    skew = stage.metric(name, SKEW)
    stage.wait(until=peak.ends + 3)
    stays = stage.metric(name, HELD)
    said = "said so" if '"clock.skewed"' in stage.take_back(name) else "said nothing"
    if stays != 0 or skew < AHEAD_SECONDS - 1:
        said += "; IT STILL CLAIMS"
    return Harm(began, f"skew {skew:.0f} s, {said}; {held:.0f} shards, let go after {let_go:.1f} s")


def _without(stage: Stage) -> int:
    """Return how many schedulers say that they go on without Redis."""
    return sum(stage.metric(name, WITHOUT_REDIS) == 1 for name in stage.schedulers)


def _await_word(stage: Stage, count: int, *, until: float) -> int:
    most = 0

    def enough() -> bool:
        nonlocal most
        most = max(most, _without(stage))
        return most >= count

    stage.wait(until=until, condition=enough)
    return most


def _postgresql_back(stage: Stage, number: signal.Signals, began: float) -> str:
    send(stage.pid("postgres"), number)
    stage.wait(until=began + 30, condition=lambda: _serving(stage, began))
    return f"all schedulers ready again after {time.time() - began:.1f} s"


def _serving(stage: Stage, began: float) -> bool:
    # Readiness is looked at every second: before that they only have not noticed yet.
    return time.time() > began + 1.5 and all(s.is_ready() for s in stage.schedulers.values())


def _named(mark: Mark | None) -> str:
    return mark.label if mark else "no mark"


SCENARIOS = (
    Scenario("frozen-leader", frozen_leader, fed=0.5),
    Scenario("frozen-holder", frozen_holder),
    Scenario("flushall", flushed),
    Scenario("valkey-killed", valkey_killed),
    Scenario("valkey-frozen", valkey_frozen),
    Scenario("valkey-absent", valkey_absent),
    Scenario("postgresql-restarted", postgresql_restarted),
    Scenario("postgresql-killed", postgresql_killed),
    Scenario("wrong-clock", wrong_clock, seconds=25),
    Scenario("kill-plan", kills_at("plan", marks.PLAN, kills=16), seconds=50, fed=1.0),
    Scenario("kill-claim", kills_at("claim", {}, kills=26), seconds=50),
    Scenario("kill-decide", kills_at("decide", marks.DECIDE, kills=32), seconds=45),
    Scenario("kill-handover", kills_at("hand-over", marks.HAND_OVER, kills=30), seconds=45),
)
