"""redletter_delivery_queue_age_seconds: for how long what may be sent now waits, which more replicas would shorten."""

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from delivery_service.domain.deliveries import INBOX
from delivery_service.workers import feeder as module
from delivery_service.workers.feeder import Feeder
from tests.integration.delivery_service.conftest import TENANT_ID, State, World, running
from tests.integration.delivery_service.deciding import decide
from tests.receiver import Behaviour, Receiver

_LEFT = f"""
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
        next_time, decide_time, deliver_by, accept_time)
    VALUES ('evt_' || :endpoint, :endpoint, 1, '{TENANT_ID}', 'u', '2027-02-28', NULL, 0, 0,
        now() - make_interval(secs => :seconds), now(), now() + interval '1 hour', now())
"""
_OPEN = f"""
    INSERT INTO endpoint_breakers (tenant_id, endpoint_id, state, mode, reason, opened, successes, open_until,
        change_time, version)
    VALUES ('{TENANT_ID}', 'down', 2, 1, '', 1, 0, now() + interval '1 hour', now(), 1)
"""


def age() -> float:
    """Return the seconds that this process says."""
    value = REGISTRY.get_sample_value("redletter_delivery_queue_age_seconds")
    assert value is not None
    return value


async def left(world: World, endpoint_id: str, *, seconds: int) -> None:
    """Leave a delivery in the queue that nobody owns and that has been due for so long."""
    async with world.engine.begin() as connection:
        await connection.execute(text(_LEFT), {"endpoint": endpoint_id, "seconds": seconds})


@pytest.fixture
async def feeder(world: World) -> AsyncIterator[Feeder]:
    """Give a feeder that only does what the test tells it."""
    await world.inside.feeder.stop()
    yield world.inside.feeder
    await world.inside.feeder.start()


async def test_it_is_the_real_time_since_the_oldest_one_was_due(world: World, feeder: Feeder) -> None:
    """Two endpoints' deliveries wait for 10 and 90 seconds: 90; once they are gone: 0."""
    await left(world, "a", seconds=90)
    await left(world, "b", seconds=10)
    await left(world, "later", seconds=-600)
    await feeder._scan()
    assert 90 <= age() < 100
    async with world.engine.begin() as connection:
        await connection.execute(text("DELETE FROM queue WHERE endpoint_id <> 'later'"))
    await feeder._scan()
    assert age() == 0


async def test_what_no_replica_can_help_does_not_count(database_url: str) -> None:
    """A receiver that is down and a message in the inbox wait for somebody else."""
    async with running(database_url, serve=False) as made:
        await made.endpoint("http://127.0.0.1:9/", "down")
        async with made.engine.begin() as connection:
            await connection.execute(text(_OPEN))
    async with running(database_url) as world:
        await world.inside.feeder.stop()
        await left(world, "down", seconds=900)
        await left(world, INBOX, seconds=800)
        await world.inside.feeder._scan()
        assert age() == 0
        await left(world, "up", seconds=30)
        await world.inside.feeder._scan()
        assert 30 <= age() < 40


async def test_a_paused_lane_does_not_count(world: World, receiver: Receiver) -> None:
    """Its receiver asked for a minute: what was given back grows old, and that is nobody's fault here."""
    receiver.script = lambda _: Behaviour(status=429, headers={"retry-after": "60"})
    await world.endpoint(receiver.url(), "busy")
    await decide(world, "busy", max_concurrency=1)
    await world.accept(*[world.event() for _ in range(10)])

    async def given_back() -> bool:
        return not await world.rows("SELECT 1 FROM queue WHERE owner IS NOT NULL")

    await world.until(given_back)
    await world.inside.feeder.stop()
    async with world.engine.begin() as connection:
        await connection.execute(text("UPDATE queue SET next_time = now() - interval '10 minutes'"))
    await world.inside.feeder._scan()
    assert age() == 0
    assert receiver.count == 1


async def test_it_is_the_oldest_of_all_pages(
    world: World, feeder: Feeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page never says less than the round before it until its own round is over."""
    monkeypatch.setattr(module, "_PAGE", 2)
    for number, seconds in enumerate((100, 200, 300)):
        await left(world, f"e{number}", seconds=seconds)
    seen = []
    for _ in range(2):
        await feeder._scan()
        seen.append(age())
    async with world.engine.begin() as connection:
        await connection.execute(text("DELETE FROM queue WHERE endpoint_id = 'e2'"))
    for _ in range(2):
        await feeder._scan()
        seen.append(age())
    assert [value // 100 for value in seen] == [2, 3, 3, 2]


async def test_a_replica_that_scans_nothing_says_nothing(world: World, feeder: Feeder) -> None:
    """After a scan that failed, and after its stop, it is 0: an old figure must not bring more replicas."""
    await left(world, "a", seconds=90)
    await feeder._scan()
    assert age() >= 90
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE queue RENAME TO elsewhere"))
    with pytest.raises(ProgrammingError):
        await feeder._scan()
    assert age() == 0
    async with world.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO queue"))
    await feeder._scan()
    assert age() >= 90
    await feeder.stop()
    assert age() == 0


async def test_it_falls_to_nothing_when_everything_is_sent(world: World, receiver: Receiver) -> None:
    """In a running replica the figure follows by itself."""
    await world.endpoint(receiver.url())
    await world.accept(*[world.event() for _ in range(50)])
    await world.ended(50, states=[State.STATE_DELIVERED])

    async def nothing() -> bool:
        return age() == 0

    await world.until(nothing)
