"""The one transaction behind "once": whatever changed since a plan was read keeps it out."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import zones
from chassis.database import create_engine, unit_of_work
from scheduler_service.domain.built_in import built_in
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id, plan_id
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan, first_plan, next_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import SCHEMA, controls, decisions, event_types, plans
from scheduler_service.store.decisions import EXPIRED, SENT, Decided
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
        await controls.recognise(connection)
        await event_types.insert(connection, Stored(RULE, "Birthday", True, SINCE, SINCE))
        await plans.upsert(connection, [planned(name) for name in ("u1", "u2", "u3")])
    yield made
    await made.dispose()


async def commit(engine: AsyncEngine, batch: list[Decided], *, by_hand: bool = False) -> set[str]:
    """Commit a batch in a transaction of its own, as the deciding loop does."""
    async with unit_of_work(engine) as connection:
        await controls.share(connection)
        return await decisions.commit(connection, batch, named(batch), now=NOW, by_hand=by_hand)


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


async def test_while_paused_nothing_is_decided_but_by_hand(engine: AsyncEngine) -> None:
    """A batch that was made before the pause records nothing; somebody may still end one by hand."""
    batch = [decided(planned("u1")), decided(planned("u2"))]
    async with unit_of_work(engine) as connection:
        await controls.pause(connection, "told to", now=NOW)
    assert await commit(engine, batch) == set()
    assert await commit(engine, batch[:1], by_hand=True) == {named(batch)[0]}
    async with unit_of_work(engine) as connection:
        await controls.resume(connection)
    assert await commit(engine, batch) == {named(batch)[1]}


async def test_what_guard_mode_holds_is_not_decided(engine: AsyncEngine) -> None:
    """Neither sent nor put off; ended as held back only once that was chosen."""
    plan = planned("u1")
    assert plan.due_time is not None
    send, held_back = decided(plan), replace(decided(plan), state=EXPIRED, reason="HELD_BACK")
    async with unit_of_work(engine) as connection:
        due = plan.due_time
        await controls.begin_guard(connection, since=due, until=due.add(microseconds=1), reason="a restore")
        later = replace(plan, due_time=due.add(hours=1))
        await decisions.defer(connection, [later], [plan.version])
    assert await commit(engine, [send]) == set()
    assert await commit(engine, [held_back]) == set()
    async with unit_of_work(engine) as connection:
        await controls.expire_guard(connection)
    assert await commit(engine, [send]) == set()
    assert await commit(engine, [held_back]) == set(named([send]))


async def test_without_guard_mode_nothing_is_held_back(engine: AsyncEngine) -> None:
    """Guard mode was released meanwhile to send: what was about to be ended stays."""
    plan = planned("u1")
    assert plan.due_time is not None
    held_back = replace(decided(plan), state=EXPIRED, reason="HELD_BACK")
    async with unit_of_work(engine) as connection:
        await controls.begin_guard(connection, since=NOW, until=NOW.add(hours=1), reason="a restore")
        await controls.expire_guard(connection)
        await controls.end_guard(connection)
    assert await commit(engine, [held_back]) == set()
    assert await commit(engine, [decided(plan)]) == set(named([held_back]))


async def test_a_postgresql_that_is_not_recognised_decides_nothing(engine: AsyncEngine) -> None:
    """Another timeline than the one that was noted: nothing is recorded until somebody has looked."""
    batch = [decided(planned("u1"))]
    async with unit_of_work(engine) as connection:
        await connection.execute(text("UPDATE controls SET cluster = '1:00000001'"))
    assert await commit(engine, batch) == set()
    async with unit_of_work(engine) as connection:
        await controls.recognise(connection)
    assert await commit(engine, batch) == set(named(batch))
