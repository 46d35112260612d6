"""A breaker is half open: exactly one delivery goes, in the whole cluster, whatever happens around it."""

import asyncio
import time

from delivery_service.domain.breakers import BreakerPolicy, BreakerState
from delivery_service.workers.breakers import BEGIN_SECONDS, Gate
from tests.integration.delivery_service.breaking import HOOK, LASTING, QUICK, Cluster, Replica, cluster


async def _opened(made: Cluster, policy: BreakerPolicy = QUICK) -> None:
    await made.aim(policy)
    await made.delivery()
    made.replicas[0].fail(9)
    await made.look()


def _prober(made: Cluster) -> Replica:
    probing = [replica for replica in made.replicas if replica.breakers.probing(HOOK)]
    assert len(probing) == 1
    return probing[0]


async def test_of_three_replicas_that_look_at_once_one_gets_the_probe(database_url: str) -> None:
    """All claim at the same moment, again and again: one PROBE each period, PARKED for everything else."""
    async with cluster(database_url) as made:
        await _opened(made)
        for period in range(8):
            await asyncio.gather(*(replica.watch.iterate() for replica in made.replicas))
            prober = _prober(made)
            asked = [gate for _ in range(4) for gate in made.gates()]
            assert asked.count(Gate.PROBE) == 1
            assert asked.count(Gate.PARKED) == 11
            assert prober.released[-1] == HOOK
            prober.breakers.attempted(HOOK, failed=True, probe=True)
            await prober.watch.iterate()
            stored = await made.stored()
            assert stored.opened == period + 2


async def test_probes_go_on_one_by_one_through_a_flush_and_without_redis(
    database_url: str, redis_url: str
) -> None:
    """Redis forgets everything in the middle of a probe: the probe stays the only one."""
    async with cluster(database_url, redis_url) as made:
        assert made.redis is not None
        await _opened(made)
        probes = 0
        for _ in range(6):
            await made.redis.flushall()
            await made.exchange()
            await asyncio.gather(*(replica.watch.iterate() for replica in made.replicas))
            probes += made.gates().count(Gate.PROBE)
        assert probes == 1, "the one probe is not answered yet"


async def test_a_probe_that_succeeds_twice_closes_it_for_all(database_url: str) -> None:
    """The second success in a row closes it; every replica is told to fetch again."""
    async with cluster(database_url) as made:
        await _opened(made)
        for expected in (BreakerState.HALF_OPEN, BreakerState.CLOSED):
            await made.look()
            prober = _prober(made)
            assert prober.gate() is Gate.PROBE
            prober.breakers.attempted(HOOK, failed=False, probe=True)
            await prober.watch.iterate()
            state = (await made.stored()).state
            assert state is expected
        await made.look()
        assert made.gates() == [Gate.PASS] * 3
        assert all(replica.released[-1] == HOOK for replica in made.replicas)
        assert not any(replica.breakers.parked(HOOK) for replica in made.replicas)
        assert made.replicas[0].breakers.counts(HOOK).attempts == 0, "the old failures are forgotten"


async def test_nothing_is_probed_while_nothing_waits(database_url: str) -> None:
    """A breaker whose time has come stays open until there is a delivery to probe with."""
    async with cluster(database_url) as made:
        await made.aim(QUICK)
        made.replicas[0].fail(9)
        await made.look()
        await made.look()
        assert (await made.stored()).state is BreakerState.OPEN
        await made.delivery()
        await made.look()
        assert (await made.stored()).state is BreakerState.HALF_OPEN


async def test_nothing_is_probed_before_its_time(database_url: str) -> None:
    """As long as `open_until` lies ahead every gate is parked."""
    async with cluster(database_url) as made:
        await _opened(made, LASTING)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        assert (await made.stored()).state is BreakerState.OPEN


async def test_a_dead_probers_probe_is_taken_over(database_url: str) -> None:
    """The prober's lease is gone: another replica probes, and the late answer of the dead one changes nothing."""
    async with cluster(database_url) as made:
        await _opened(made)
        await made.look()
        dead = _prober(made)
        assert dead.gate() is Gate.PROBE
        await made.run("DELETE FROM replicas WHERE number = :number", number=dead.lease.number)
        others = [replica for replica in made.replicas if replica is not dead]
        for replica in others:
            await replica.watch.iterate()
        stored = await made.stored()
        assert stored.probe_owner in [replica.lease.number for replica in others]
        assert [replica.gate() for replica in others].count(Gate.PROBE) == 1
        dead.breakers.attempted(HOOK, failed=False, probe=True)
        await dead.watch.iterate()
        assert await made.stored() == stored


async def test_a_prober_that_never_answers_loses_the_probe(database_url: str) -> None:
    """Its lease holds and `probe_until` has passed: another replica, or it again, sends the next one."""
    async with cluster(database_url) as made:
        await _opened(made)
        await made.look()
        assert made.gates().count(Gate.PROBE) == 1
        before = await made.stored()
        await made.run("UPDATE endpoint_breakers SET probe_until = clock_timestamp()")
        await made.look()
        after = await made.stored()
        assert after.version == before.version + 1
        assert after.probe_until is not None
        assert made.gates().count(Gate.PROBE) == 1


async def test_a_probe_that_no_delivery_took_is_given_back(database_url: str) -> None:
    """Its delivery was cancelled meanwhile: after five seconds the probe is free, and is not handed out any more."""
    async with cluster(database_url, count=1) as made:
        await _opened(made)
        await made.look()
        only = made.replicas[0]
        assert only.breakers.probing(HOOK)
        await made.run("DELETE FROM queue")
        # As if it had been claimed longer ago.
        found = await made.stored()
        only.breakers.won({HOOK: found}, only.lease.number or 0, asked=time.monotonic() - BEGIN_SECONDS)
        assert only.gate() is Gate.PARKED
        await made.look()
        stored = await made.stored()
        assert (stored.state, stored.probe_owner) == (BreakerState.HALF_OPEN, None)
        await made.delivery(name="evt_2")
        await made.look()
        assert only.gate() is Gate.PROBE


async def test_late_answers_to_what_was_sent_before_it_opened_do_not_count(database_url: str) -> None:
    """Failures that arrive while it is open do not open it a second time once it has closed."""
    async with cluster(database_url, count=1) as made:
        await _opened(made)
        only = made.replicas[0]
        only.fail(50)
        for _ in range(2):
            await made.look()
            assert only.gate() is Gate.PROBE
            only.breakers.attempted(HOOK, failed=False, probe=True)
        await made.look()
        await made.look()
        assert (await made.stored()).state is BreakerState.CLOSED
