"""The one transaction behind "once": whatever changed since a plan was read keeps it out."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis import zones
from chassis.database import create_engine, unit_of_work
from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id, plan_id
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan, first_plan, next_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import SCHEMA, decisions, event_types, plans
from scheduler_service.store.decisions import SENT, Decided
from scheduler_service.store.event_types import Stored
from tests.integration.scheduler_service.conftest import World, utc

SINCE = utc("2028-01-01T00:00:00+00:00")
NOW = utc("2028-03-02T09:00:00+00:00")
DEFAULTS = TenantDefaults("tenant-1", "UTC", "en", LeapDayRule.BACKWARD)
((_, RULE), *_) = built_in("tenant-1", since=SINCE)


def person(user_id: str) -> Recipient:
    """Return somebody with a birthday on 2 March."""
    birthday = Occasion("birthday", "birthday", 3, 2, 1990, None, SINCE, OnEnrol.NEXT)
    return Recipient("tenant-1", user_id, 1, "UTC", "en", "Ada", "", (birthday,), {})


def planned(user_id: str, rule: EventType = RULE) -> Plan:
    """Return the first plan of somebody."""
    who = person(user_id)
    name = plan_id(b"key", "tenant-1", user_id, rule.event_type_id, "birthday")
    return first_plan(
        who,
        who.occasions[0],
        event_type=rule,
        defaults=DEFAULTS,
        plan_id=name,
        tzdata_version=zones.version(),
    )


def decided(plan: Plan, rule: EventType = RULE) -> Decided:
    """Return the decision to send it."""
    following = next_plan(
        plan, person(plan.user_id), event_type=rule, defaults=DEFAULTS, sent=True, tzdata_version="2026a"
    )
    return Decided(plan, following, plan.version, rule, SENT, "", False, "UTC", 0)


def named(batch: list[Decided]) -> list[str]:
    """Return the event ids of a batch."""
    return [event_id(d.plan.plan_id, d.plan.cycle or "") for d in batch]


@pytest.fixture
async def engine(world: World) -> AsyncIterator[AsyncEngine]:
    """A store with one rule and three people's plans."""
    made = create_engine(world.database_url, name="test", schema=SCHEMA)
    async with unit_of_work(made) as connection:
        await event_types.insert(connection, Stored(RULE, "Birthday", True, SINCE, SINCE))
        await plans.upsert(connection, [planned(name) for name in ("u1", "u2", "u3")])
    yield made
    await made.dispose()


async def commit(engine: AsyncEngine, batch: list[Decided], now: Instant = NOW) -> set[str]:
    """Commit a batch in a transaction of its own."""
    async with unit_of_work(engine) as connection:
        return await decisions.commit(connection, batch, named(batch), now=now)


async def stored(engine: AsyncEngine) -> dict[str, tuple[int, str | None, str | None]]:
    """Return (version, cycle, last cycle) by person."""
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT user_id, version, cycle, last_cycle FROM plans"))
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


async def test_the_same_batch_twice_decides_once(engine: AsyncEngine) -> None:
    """The second commit records nothing and moves nothing."""
    batch = [decided(planned(name)) for name in ("u1", "u2", "u3")]
    assert await commit(engine, batch) == set(named(batch))
    after = await stored(engine)
    assert after == dict.fromkeys(("u1", "u2", "u3"), (2, "2029", "2028"))
    assert await commit(engine, batch) == set()
    assert await stored(engine) == after


async def test_a_plan_that_changed_meanwhile_is_left_out(engine: AsyncEngine) -> None:
    """Of three, the one whose version has risen stays open; the others are recorded."""
    batch = [decided(planned(name)) for name in ("u1", "u2", "u3")]
    async with unit_of_work(engine) as connection:
        await plans.upsert(connection, [replace(planned("u2"), version=2)])
    assert await commit(engine, batch) == {named(batch)[0], named(batch)[2]}
    assert (await stored(engine))["u2"] == (2, "2028", None)


async def test_an_edited_rule_keeps_all_its_decisions_out(engine: AsyncEngine) -> None:
    """Whatever was rendered under the old version of the event type is not recorded."""
    batch = [decided(planned(name)) for name in ("u1", "u2", "u3")]
    newer = replace(RULE, version=2)
    async with unit_of_work(engine) as connection:
        await event_types.update(connection, Stored(newer, "Birthday", True, SINCE, SINCE))
    assert await commit(engine, batch) == set()
    assert {version for version, _, _ in (await stored(engine)).values()} == {1}
    again = [decided(planned(name), newer) for name in ("u1", "u2", "u3")]
    assert await commit(engine, again) == set(named(again))


async def test_what_somebody_else_holds_is_not_waited_for(engine: AsyncEngine) -> None:
    """A plan that is locked by another transaction is skipped at once."""
    batch = [decided(planned(name)) for name in ("u1", "u2")]
    async with unit_of_work(engine) as connection:
        await connection.execute(text("SELECT 1 FROM plans WHERE user_id = 'u1' FOR UPDATE"))
        assert await commit(engine, batch) == {named(batch)[1]}
    assert await commit(engine, batch) == {named(batch)[0]}


async def test_an_event_that_exists_already_is_not_made_again(engine: AsyncEngine) -> None:
    """A plan that came back from a backup under a cycle that was sent moves on without a second event."""
    batch = [decided(planned("u1"))]
    await commit(engine, batch)
    async with unit_of_work(engine) as connection:
        await plans.delete(connection, [batch[0].plan.plan_id])
        await plans.upsert(connection, [planned("u1")])
    assert await commit(engine, batch) == set()
    assert (await stored(engine))["u1"] == (2, "2029", "2028")


async def test_a_deferred_plan_waits_under_its_new_due_time(engine: AsyncEngine) -> None:
    """It is stored under a higher version, unless it changed since it was read."""
    plan = planned("u1")
    assert plan.due_time is not None
    later = replace(plan, due_time=plan.due_time.add(hours=1))
    async with unit_of_work(engine) as connection:
        await decisions.defer(connection, [later, later], [plan.version, plan.version + 7])
        found = await plans.get(connection, "tenant-1", plan.plan_id)
    assert found is not None
    assert (found.due_time, found.version) == (later.due_time, plan.version + 1)
