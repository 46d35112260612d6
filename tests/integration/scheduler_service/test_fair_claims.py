"""One tenant with thousands due does not delay another with ten, and what is late does not delay what is on time."""

from collections.abc import AsyncIterator

import pytest
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import create_engine, unit_of_work
from scheduler_service.store import SCHEMA
from scheduler_service.workers.shares import due_plans, spans
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


async def read(engine: AsyncEngine, *, size: int = 1_000) -> list[tuple[str, bool]]:
    """Return (tenant, late) of what would be read next at half past nine."""
    horizon = HALF_PAST.add(seconds=2.5)
    async with engine.connect() as connection:
        due = await due_plans(connection, ALL, spans(HALF_PAST, horizon, None), horizon=horizon, size=size)
    return [(tenant, late) for tenant, late, _, _ in due]


async def test_all_of_a_small_tenant_are_among_the_first(engine: AsyncEngine) -> None:
    """Five thousand of one fell due before: of the next thousand to read all ten of the other are."""
    await fill(engine, TENANT, 5_000, HALF_PAST.subtract(seconds=30))
    await fill(engine, OTHER_TENANT, 10, HALF_PAST.add(seconds=2))
    found = await read(engine)
    assert [tenant for tenant, _ in found[:50]].count(OTHER_TENANT) == 10
    assert [tenant for tenant, _ in found].count(TENANT) == 990


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
