"""One tenant with thousands due does not delay another with ten, and what is late does not delay what is on time."""

from collections.abc import AsyncIterator

import pytest
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import create_engine, unit_of_work
from scheduler_service.store import SCHEMA
from scheduler_service.store.plans import Due
from scheduler_service.workers.shares import Shares, spans
from tests.integration.scheduler_service.conftest import OTHER_TENANT, TENANT, World, until, utc

MORNING = utc("2028-03-02T08:00:00+00:00")
HALF_PAST = utc("2028-03-02T09:30:00+00:00")
TEN = utc("2028-03-02T10:00:00+00:00")
"""Nine o'clock on Cape Verde."""
START = TEN.subtract(seconds=1.5)
ALL = tuple(range(64))

_FILL = text(
    """
    INSERT INTO plans (plan_id, tenant_id, user_id, event_type_id, occasion_id, instance, shard, version, cycle,
        occurrence_date, nominal_due_time, due_time, deliver_by, enrol_time, recipient_version,
        event_type_version, tzdata_version, shifts, moved)
    SELECT id, :tenant_id, 'u' || n, 'birthday', 'birthday', '', get_byte(id, 0) >> 2, 1, '2028', '2028-03-02',
        :due, :due, CAST(:due AS timestamptz) + interval '15 hours', '2027-01-01Z', 1, 1, '2026a', '', false
    FROM (SELECT n, decode(md5(:tenant_id || CAST(:due AS timestamptz) || n), 'hex')
          FROM generate_series(1, :count) AS n) AS made (n, id)
    """
)


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A store with two tenants."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with unit_of_work(made) as connection:
        await connection.execute(
            text(
                "INSERT INTO tenants (tenant_id, version, time_zone, locale, leap_day_rule)"
                " SELECT t, 1, 'UTC', 'en', 'BACKWARD' FROM unnest(ARRAY[:one, :other]) AS t"
            ),
            {"one": TENANT, "other": OTHER_TENANT},
        )
    yield made
    await made.dispose()


async def fill(engine: AsyncEngine, tenant_id: str, count: int, due: Instant) -> None:
    """Let so many plans of a tenant be due."""
    async with unit_of_work(engine) as connection:
        await connection.execute(_FILL, {"tenant_id": tenant_id, "count": count, "due": due.to_stdlib()})


async def look(engine: AsyncEngine, shares: Shares, *, held: tuple[int, ...] = ALL) -> list[Due]:
    """Return what is to be read next at half past nine."""
    settled, horizon = HALF_PAST.subtract(seconds=2.5), HALF_PAST.add(seconds=2.5)
    async with engine.connect() as connection:
        wanted = spans(HALF_PAST, horizon, None)
        return await shares.read(connection, held, wanted, settled=settled, horizon=horizon)


async def read(engine: AsyncEngine) -> list[tuple[str, bool]]:
    """Return (tenant, late) of the next thousand."""
    return [(tenant, late) for tenant, late, *_ in await look(engine, Shares(1_000))]


async def end(engine: AsyncEngine, read: list[Due]) -> None:
    """Move these plans to their next year, as a decision does."""
    async with unit_of_work(engine) as connection:
        await connection.execute(
            text("UPDATE plans SET due_time = due_time + interval '1 year' WHERE plan_id = ANY(:ids)"),
            {"ids": [row[2] for row in read]},
        )


async def test_all_of_a_small_tenant_are_among_the_first(engine: AsyncEngine) -> None:
    """Five thousand of one fell due before: of the next thousand to read all ten of the other are."""
    await fill(engine, TENANT, 5_000, HALF_PAST.subtract(seconds=30))
    await fill(engine, OTHER_TENANT, 10, HALF_PAST.add(seconds=2))
    found = await read(engine)
    assert [tenant for tenant, _ in found[:50]].count(OTHER_TENANT) == 10
    assert [tenant for tenant, _ in found].count(TENANT) == 990


async def test_what_is_left_of_a_share_is_read_on(engine: AsyncEngine) -> None:
    """The second reading goes on behind the first: no plan twice, none left out, the order stays."""
    await fill(engine, TENANT, 1_500, HALF_PAST.subtract(seconds=30))
    await fill(engine, OTHER_TENANT, 10, HALF_PAST)
    mine = [row[2] for row in await look(engine, Shares(1_000)) if row[0] == TENANT]
    async with engine.connect() as connection:
        first = await connection.execute(
            text("SELECT plan_id FROM plans WHERE tenant_id = :tenant ORDER BY due_time, plan_id LIMIT 990"),
            {"tenant": TENANT},
        )
        assert mine == list(first.scalars())


async def test_a_tenant_alone_fills_what_is_read(engine: AsyncEngine) -> None:
    """Nobody is kept waiting for a share that nobody else wants."""
    await fill(engine, TENANT, 5_000, HALF_PAST)
    assert await read(engine) == [(TENANT, False)] * 1_000


async def test_late_ones_do_not_come_before_those_on_time(engine: AsyncEngine) -> None:
    """Of one tenant with hours to catch up half of what is read next is what is due now."""
    await fill(engine, TENANT, 5_000, MORNING)
    await fill(engine, TENANT, 5_000, HALF_PAST)
    found = await read(engine)
    assert found.count((TENANT, True)) == found.count((TENANT, False)) == 500


async def test_a_backlog_is_read_on_from_where_it_was(engine: AsyncEngine) -> None:
    """Each plan is read until it is decided, none is passed over, also when a decision was lost."""
    await fill(engine, TENANT, 2_500, HALF_PAST.subtract(seconds=30))
    shares = Shares(1_000)
    seen: list[bytes] = []
    for _ in range(4):
        found = await look(engine, shares)
        decided = found[1:] if len(found) == 1_000 else found
        await end(engine, decided)
        seen += [row[2] for row in decided]
    assert len(seen) == len(set(seen)) == 2_500
    assert await look(engine, shares) == []


async def test_what_is_made_due_in_the_past_waits_no_longer_than_the_backlog(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks from the beginning it may be behind the place; the next one from there finds it."""
    await fill(engine, TENANT, 2_500, HALF_PAST.subtract(seconds=30))
    shares = Shares(1_000)
    monkeypatch.setattr("scheduler_service.workers.shares.ANEW_SHARE", 0)
    await end(engine, await look(engine, shares))
    await fill(engine, TENANT, 1, HALF_PAST.subtract(seconds=31))
    assert HALF_PAST.subtract(seconds=31).to_stdlib() in [row[4] for row in await look(engine, shares)]


async def test_what_is_made_due_in_the_past_is_read_at_once_without_a_backlog(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the last look took long, for whatever reason."""
    await fill(engine, TENANT, 5, HALF_PAST.subtract(seconds=30))
    shares = Shares(1_000)
    monkeypatch.setattr("scheduler_service.workers.shares.ANEW_SHARE", 1_000_000)
    assert len(await look(engine, shares)) == 5
    await fill(engine, TENANT, 1, HALF_PAST.subtract(seconds=31))
    assert len(await look(engine, shares)) == 6


async def test_shards_that_come_are_read_from_their_beginning(engine: AsyncEngine) -> None:
    """A place belongs to the shards it was found in: what another replica gives back lies before it."""
    await fill(engine, TENANT, 2_500, HALF_PAST.subtract(seconds=30))
    shares = Shares(1_000)
    mine, others = tuple(range(32, 64)), tuple(range(32))
    assert {row[2][0] >> 2 for row in await look(engine, shares, held=mine)} <= set(mine)
    assert {row[2][0] >> 2 for row in await look(engine, shares, held=mine + others)} & set(others)


async def test_ten_arrive_on_time_beside_a_backlog(world: World) -> None:
    """After an hour of downtime fifteen hundred of one tenant are late; ten of another, due now, do not wait."""
    for tenant in (TENANT, OTHER_TENANT):
        world.feed.put_tenant(MORNING, tenant_id=tenant)
    for n in range(1_500):
        world.feed.put_user(f"late{n}", "UTC", month=3, day=2, enrolled=MORNING)
    for n in range(10):
        world.feed.put_user(
            f"now{n}", "Atlantic/Cape_Verde", month=3, day=2, enrolled=MORNING, tenant_id=OTHER_TENANT
        )
    planner = await world.start(MORNING)
    await until(lambda: not world.feed.changes, within=30)
    await planner.stop()
    world.anchor = None
    await world.start(START)
    await until(lambda: len(world.intake.accepted) == 1_510, within=30)
    requests = [intake_pb2.AcceptEventsRequest.FromString(body) for body in world.intake.offers]
    (with_small,) = [r for r in requests if any(e.tenant_id == OTHER_TENANT for e in r.events)]
    assert {e.tenant_id for e in with_small.events} == {OTHER_TENANT}
    assert len(with_small.events) == 10
    assert world.anchor is not None
    due = world.anchor.timestamp(unit="nanosecond") / 1e9 + (TEN - START).total("seconds")
    times = [world.intake.arrived[e.event_id] - due for e in with_small.events]
    assert 0 <= min(times) <= max(times) < 1.0
