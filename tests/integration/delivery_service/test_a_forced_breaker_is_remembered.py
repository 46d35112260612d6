"""A person opens or closes a breaker; it stays so until somebody gives it back."""

import asyncio

import pytest
import structlog
from redletter.delivery.v1 import breaker_pb2
from redletter.delivery.v1 import breaker_service_pb2 as wire

from chassis.errors import InvalidInput, NotFound
from chassis.rpc.credentials import TENANT as SCOPE
from chassis.rpc.credentials import Principal, enter
from delivery_service.api.breakers import BreakerServicer
from delivery_service.domain.deliveries import LaneKey
from delivery_service.workers.breakers import Gate
from tests.integration.delivery_service.breaking import (
    HOOK,
    LASTING,
    QUICK,
    TENANT,
    Cluster,
    cluster,
    replica,
)

Wire = breaker_pb2.Breaker


def _api(made: Cluster, number: int = 0, tenant: str = TENANT) -> BreakerServicer:
    enter(Principal(tenant, "key", frozenset({SCOPE})))
    chosen = made.replicas[number]
    return BreakerServicer(chosen.engine, chosen.breakers, changed=chosen.watch.wake)


async def _force(made: Cluster, mode: "Wire.Mode", reason: str = "maintenance") -> Wire:
    request = wire.ForceBreakerRequest(endpoint_id="hook", mode=mode, reason=reason)
    answer = await _api(made).ForceBreaker(request, None)
    await made.look()
    return answer.breaker


async def _get(made: Cluster, number: int = 0) -> Wire:
    answer = await _api(made, number).GetBreaker(wire.GetBreakerRequest(endpoint_id="hook"), None)
    return answer.breaker


async def test_forced_open_parks_every_replica_and_is_never_probed(database_url: str) -> None:
    """Deliveries wait and nobody asks again, however often the replicas look."""
    async with cluster(database_url) as made:
        await made.aim(QUICK)
        await made.delivery()
        forced = await _force(made, Wire.MODE_FORCED_OPEN)
        assert (forced.state, forced.reason) == (Wire.STATE_OPEN, "maintenance")
        for _ in range(3):
            await made.look()
            assert made.gates() == [Gate.PARKED] * 3


async def test_a_forced_breaker_outlives_every_replica(database_url: str) -> None:
    """After a restart of everything it is open still, with its reason, before anything is sent."""
    async with cluster(database_url) as made:
        await _force(made, Wire.MODE_FORCED_OPEN)
        made.replicas = [await replica(made.engine, None, "r9")]
        only = made.replicas[0]
        await only.watch.start()
        try:
            assert only.gate() is Gate.PARKED
        finally:
            await only.watch.stop()
        assert (await _get(made)).reason == "maintenance"


async def test_given_back_it_is_probed_and_closes(database_url: str) -> None:
    """From forced open to automatic: one probe after the other, then everything passes."""
    async with cluster(database_url) as made:
        await made.aim(LASTING)
        await made.delivery()
        await _force(made, Wire.MODE_FORCED_OPEN)
        released = await _force(made, Wire.MODE_AUTOMATIC, "")
        assert (released.mode, released.reason) == (Wire.MODE_AUTOMATIC, "")
        for _ in range(2):
            await made.look()
            prober = next(one for one in made.replicas if one.breakers.probing(HOOK))
            assert made.gates().count(Gate.PROBE) == 1
            prober.breakers.attempted(HOOK, failed=False, probe=True)
            await made.look()
        await made.look()
        assert made.gates() == [Gate.PASS] * 3


async def test_forced_closed_counts_and_never_opens(database_url: str) -> None:
    """Everything fails and passes; given back, the window that was counted opens it."""
    async with cluster(database_url) as made:
        await made.aim(LASTING)
        made.replicas[0].fail(20)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        await _force(made, Wire.MODE_FORCED_CLOSED)
        made.replicas[0].fail(30)
        await made.look()
        assert made.gates() == [Gate.PASS] * 3
        shown = await _get(made)
        assert (shown.attempts, shown.failures, shown.failure_rate) == (30, 30, 1.0)
        await _force(made, Wire.MODE_AUTOMATIC, "")
        made.replicas[0].fail(1)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3


async def test_forcing_takes_the_probe_away(database_url: str) -> None:
    """An answer of a probe that comes after a person decided changes nothing."""
    async with cluster(database_url, count=1) as made:
        await made.aim(QUICK)
        await made.delivery()
        only = made.replicas[0]
        only.fail(9)
        await made.look()
        await made.look()
        assert only.gate() is Gate.PROBE
        await _force(made, Wire.MODE_FORCED_OPEN)
        only.breakers.attempted(HOOK, failed=False, probe=True)
        await made.look()
        shown = await _get(made)
        assert (shown.state, shown.mode) == (Wire.STATE_OPEN, Wire.MODE_FORCED_OPEN)


async def test_forcing_twice_is_forcing_once(database_url: str) -> None:
    """The same wish again changes nothing and is not announced."""
    async with cluster(database_url, count=1) as made:
        first = await _force(made, Wire.MODE_FORCED_OPEN)
        with structlog.testing.capture_logs() as lines:
            again = await _force(made, Wire.MODE_FORCED_OPEN)
        assert again == first
        assert not lines


async def test_forcing_needs_a_reason_and_an_endpoint(database_url: str) -> None:
    """Without a reason it is refused by its field; another tenant's endpoint does not exist."""
    async with cluster(database_url, count=1) as made:
        with pytest.raises(InvalidInput, match="reason"):
            await _force(made, Wire.MODE_FORCED_CLOSED, "")
        api = _api(made, tenant="0197c3a0-0000-7000-8000-000000000002")
        with pytest.raises(NotFound, match="hook"):
            await api.GetBreaker(wire.GetBreakerRequest(endpoint_id="hook"), None)


async def test_it_says_why_it_is_open_and_until_when(database_url: str) -> None:
    """State, since when, until when, how often in a row; every replica answers the same."""
    async with cluster(database_url) as made:
        await made.aim(LASTING)
        made.replicas[0].fail(4)
        before = await _get(made)
        assert (before.state, before.attempts, before.failures) == (Wire.STATE_CLOSED, 4, 4)
        assert not before.HasField("change_time")
        made.replicas[0].fail(16)
        await made.look()
        await made.look()
        shown = [await _get(made, number) for number in range(3)]
        assert shown[0] == shown[1] == shown[2]
        assert (shown[0].state, shown[0].opened) == (Wire.STATE_OPEN, 1)
        open_seconds = shown[0].open_until.seconds - shown[0].change_time.seconds
        assert 3600 * 0.8 - 1 <= open_seconds <= 3601


async def test_a_breaker_vanishes_with_its_endpoint(database_url: str) -> None:
    """An endpoint that is deleted and created again begins closed, everywhere."""
    async with cluster(database_url) as made:
        await _force(made, Wire.MODE_FORCED_OPEN)
        assert made.gates() == [Gate.PARKED] * 3
        await made.run("DELETE FROM endpoints")
        await made.endpoint()
        for one in made.replicas:
            await one.watch.start()
        try:
            async with asyncio.timeout(2.0):  # once a second what stands is read whole
                while made.gates() != [Gate.PASS] * 3:
                    await asyncio.sleep(0.02)
        finally:
            for one in made.replicas:
                await one.watch.stop()
        assert (await _get(made)).mode == Wire.MODE_AUTOMATIC


async def test_failures_of_a_deleted_endpoint_leave_nothing_behind(database_url: str) -> None:
    """It trips in the moment in which it is deleted: no row, no error."""
    async with cluster(database_url, count=1) as made:
        await made.aim(LASTING)
        made.replicas[0].fail(20)
        await made.run("DELETE FROM endpoints")
        await made.look()
        async with made.engine.connect() as connection:
            found = await connection.exec_driver_sql("SELECT count(*) FROM endpoint_breakers")
            assert found.scalar_one() == 0


async def test_a_disabled_endpoint_is_not_parked(database_url: str) -> None:
    """What waits for it is to be fetched and to end as dead, so its open breaker is ignored."""
    async with cluster(database_url, count=1) as made:
        await _force(made, Wire.MODE_FORCED_OPEN)
        await made.run("UPDATE endpoints SET state = 2")
        await made.replicas[0].watch.start()  # reads whole
        try:
            async with asyncio.timeout(2.0):
                while made.replicas[0].breakers.parked(HOOK):
                    await asyncio.sleep(0.02)
        finally:
            await made.replicas[0].watch.stop()


async def test_a_policy_without_breaker_closes_what_is_open(database_url: str) -> None:
    """The tenant switches the breaker off: what was parked passes again."""
    async with cluster(database_url) as made:
        await made.aim(LASTING)
        made.replicas[0].fail(20)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        await made.aim(type(LASTING)(enabled=False))
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PASS] * 3


async def test_of_two_endpoints_only_the_failing_one_is_parked(database_url: str) -> None:
    """A breaker is its endpoint's alone."""
    other = LaneKey(TENANT, "other")
    async with cluster(database_url) as made:
        await made.endpoint(other)
        await made.aim(LASTING)
        await made.aim(LASTING, other)
        made.replicas[0].fail(20)
        made.replicas[0].succeed(20, other)
        await made.look()
        await made.look()
        assert made.gates() == [Gate.PARKED] * 3
        assert made.gates(other) == [Gate.PASS] * 3
