""" "Never again" for a person or one occasion: outlives the person, and says to nobody who it was."""

import asyncio

import grpc
import pytest
from redletter.user.v1.care_switch_pb2 import CareSwitch
from redletter.user.v1.user_feed_service_pb2 import Change, ResyncRequest
from sqlalchemy import text

from tests.integration.user_service.examples import chunk, code_and_reason, occasion, person
from tests.integration.user_service.harness import Caller, Service
from user_service.app import engine_of

SET, CLEARED = CareSwitch.STATE_SET, CareSwitch.STATE_CLEARED


def states(change: Change) -> dict[str, int]:
    """Return the states that a change carries by occasion."""
    return {switch.occasion_id: switch.state for switch in change.care_switches}


async def pulled(service: Service) -> Change:
    """Return the only pending change, and acknowledge it."""
    page = await service.pull()
    [change] = page.changes
    await service.ack(page.epoch, [change])
    return change


async def test_a_switch_is_fed_with_its_person(service: Service, acme: Caller) -> None:
    """The person's switch and those of stored occasions come with every change of the person."""
    await acme.upsert(person(occasions=[occasion(), occasion("anniversary")]))
    assert states(await pulled(service)) == {}
    answer = await acme.switch("ada")
    change = await pulled(service)
    assert states(change) == {"": SET}
    assert change.recipient.given_name == "Ada"
    assert change.care_switches[0].change_time == answer.set_time
    await acme.switch("ada", "anniversary")
    await acme.clear("ada")
    await service.drain()
    await acme.upsert(person(given_name="Augusta", occasions=[occasion(), occasion("anniversary")]))
    assert states(await pulled(service)) == {"": CLEARED, "anniversary": SET}


async def test_a_switch_survives_deletion_and_re_import(service: Service, acme: Caller) -> None:
    """The tombstone carries the person's switch, and whoever comes back under the id is switched still."""
    await acme.upsert(person())
    await acme.switch("ada")
    await acme.switch("ada", "birthday")
    await acme.delete("ada")
    tombstone = await pulled(service)
    assert tombstone.HasField("user_tombstone")
    assert states(tombstone) == {"": SET}
    assert [switch.occasion_id for switch in await acme.switches("ada")] == [""]
    await acme.load([chunk([person()])])
    back = await pulled(service)
    assert back.HasField("recipient")
    assert states(back) == {"": SET, "birthday": SET}
    assert [switch.occasion_id for switch in await acme.switches("ada")] == ["", "birthday"]


async def test_somebody_who_never_was_can_be_switched(service: Service, acme: Caller) -> None:
    """The switch of nobody is fed as a tombstone, and holds when the person comes."""
    await acme.switch("ghost")
    change = await pulled(service)
    assert (change.tenant_id, change.user_id) == (acme.tenant_id, "ghost")
    assert change.user_tombstone.delete_time == change.care_switches[0].change_time
    assert states(change) == {"": SET}
    await acme.upsert(person("ghost"))
    again = await pulled(service)
    assert again.version > change.version
    assert states(again) == {"": SET}


async def test_an_occasion_that_comes_later_is_switched_already(service: Service, acme: Caller) -> None:
    """A switch for an occasion that is not stored is fed from when it is."""
    await acme.upsert(person())
    await acme.switch("ada", "anniversary")
    assert states(await pulled(service)) == {}
    await acme.upsert(person(occasions=[occasion(), occasion("anniversary")]))
    assert states(await pulled(service)) == {"anniversary": SET}


async def test_setting_and_clearing_twice_changes_nothing(service: Service, acme: Caller) -> None:
    """The second of the same answers the first one's time and marks nothing; each change of mind is later."""
    times = []
    for change in (acme.switch, acme.clear, acme.switch, acme.clear):
        first = await change("ada", "birthday")
        await service.drain()
        assert await change("ada", "birthday") == first
        assert not (await service.pull()).changes
        stamp = first.clear_time if first.state == CLEARED else first.set_time
        times.append((first.state, stamp.ToNanoseconds()))
    assert [state for state, _ in times] == [SET, CLEARED] * 2
    assert times == sorted(times, key=lambda entry: entry[1])
    assert len({stamp for _, stamp in times}) == 4


async def test_a_switch_that_was_never_set_cannot_be_cleared(service: Service, acme: Caller) -> None:
    """It is NOT_FOUND, also when another occasion's is set or another tenant's; nothing is marked."""
    await acme.switch("ada", "anniversary")
    other = await service.tenant("other")
    await service.drain()
    for caller, occasion_id in ((acme, ""), (acme, "birthday"), (other, "anniversary")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.clear("ada", occasion_id)
        assert code_and_reason(refused.value) == ("NOT_FOUND", "NOT_FOUND")
    assert not (await service.pull()).changes


async def test_a_switch_overtakes_everything_of_people(service: Service, acme: Caller) -> None:
    """Set or cleared, it is fed in the class of deletions, before single calls that came earlier."""
    await acme.upsert(person("cleared"))
    await acme.switch("cleared")
    await service.drain()
    await acme.upsert(person("early"))
    await acme.batch([person("import")])
    await acme.switch("early2")
    await acme.clear("cleared")
    await acme.switch("import")
    order = [change.user_id for change in (await service.pull()).changes]
    assert order[-1] == "early"
    assert set(order[:-1]) == {"import", "early2", "cleared"}


async def test_an_older_acknowledgement_leaves_the_switch_pending(service: Service, acme: Caller) -> None:
    """A switch set while the person's change is being applied is pulled again."""
    await acme.upsert(person())
    page = await service.pull()
    await acme.switch("ada")
    assert await service.ack(page.epoch, list(page.changes)) == 0
    assert states(await pulled(service)) == {"": SET}


async def test_a_resync_feeds_the_switches_again(service: Service, acme: Caller) -> None:
    """After a resync every person comes with their switches."""
    await acme.batch([person("a"), person("b"), person("c")])
    await acme.switch("b", "birthday")
    await service.drain()
    await service.feed.Resync(ResyncRequest())
    found = {change.user_id: states(change) for change in (await service.pull()).changes}
    assert found == {"": {}, "a": {}, "b": {"birthday": SET}, "c": {}}


async def test_switches_of_two_tenants_are_apart(service: Service, acme: Caller) -> None:
    """The same ids in another tenant name somebody else, also on one page of the feed."""
    other = await service.tenant("other")
    for caller in (acme, other):
        await caller.upsert(person())
    await acme.switch("ada")
    found = {change.tenant_id: states(change) for change in (await service.pull()).changes if change.user_id}
    assert found == {acme.tenant_id: {"": SET}, other.tenant_id: {}}
    assert await other.switches("ada") == []


async def test_racing_switches_deletions_and_writes_lose_nothing(service: Service, acme: Caller) -> None:
    """Whatever was pulled and acknowledged in between, the last page tells where all of it ended."""
    known: dict[str, Change] = {}
    busy = True

    async def read() -> None:
        while busy or (await service.pull()).changes:
            page = await service.pull()
            for change in page.changes:
                assert change.user_id not in known or change.version >= known[change.user_id].version
                known[change.user_id] = change
            if page.changes:
                await service.ack(page.epoch, list(page.changes))

    async def act(user_id: str) -> None:
        for turn in range(6):
            await acme.upsert(person(user_id, given_name=str(turn)))
            await asyncio.gather(acme.switch(user_id), acme.delete(user_id), acme.switch(user_id, "birthday"))
            await asyncio.gather(acme.clear(user_id), acme.upsert(person(user_id)))
        await asyncio.gather(acme.switch(user_id), acme.delete(user_id))

    reader = asyncio.create_task(read())
    await asyncio.gather(*(act(f"u{n}") for n in range(6)))
    busy = False
    await reader
    assert {change.WhichOneof("change") for change in known.values()} == {"user_tombstone"}
    assert [states(change) for change in known.values()] == [{"": SET}] * 6


@pytest.mark.parametrize("stop", ["delete", "switch"])
async def test_a_mark_that_waited_is_newer_than_what_it_waited_for(
    service: Service, acme: Caller, stop: str
) -> None:
    """Symptom: acknowledging an earlier mark could take away the deletion or switch that had waited for it."""
    await acme.upsert(person())
    engine = engine_of(service.settings)
    async with engine.begin() as other:
        raised = text("UPDATE user_changes SET version = nextval('user_versions') WHERE user_id = 'ada'")
        await other.execute(raised)
        stopping = asyncio.create_task(getattr(acme, stop)("ada"))
        await waiting(service)
        # Drawn after the one that waits has begun, as by a write that overtook it.
        overtaking = (await other.execute(text(f"{raised} RETURNING version"))).scalar_one()
    await stopping
    await engine.dispose()
    assert (await pulled(service)).version > overtaking


async def waiting(service: Service) -> None:
    """Return once somebody waits for a lock."""
    engine = engine_of(service.settings)
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(10):
        async with engine.connect() as connection:
            while not (await connection.execute(query)).scalar_one():
                await asyncio.sleep(0.01)
    await engine.dispose()


async def test_the_row_says_to_nobody_whose_it_is(service: Service, acme: Caller) -> None:
    """Stored are the tenant, 32 bytes and two times; neither ids nor the reason are anywhere in the rows."""
    await acme.switch("ada-of-the-test", "birthday", reason="her family asked")
    engine = engine_of(service.settings)
    async with engine.connect() as connection:
        rows = (
            await connection.execute(text("SELECT s::text, length(switch_hash) FROM care_switches s"))
        ).all()
    await engine.dispose()
    assert len(rows) == 2  # the switch, and that there is one for somebody
    for row, length in rows:
        assert length == 32
        for word in ("ada-of-the-test", "birthday", "family"):
            assert word not in row
            assert word.encode().hex() not in row


@pytest.mark.parametrize(
    ("user_id", "occasion_id", "reason"),
    [("", "", ""), ("ada", "birth day", ""), ("ada", "", "x" * 201), ("a\nb", "", "")],
)
async def test_a_switch_for_nothing_is_refused(
    acme: Caller, user_id: str, occasion_id: str, reason: str
) -> None:
    """Ids and reason have the limits of their fields."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.switch(user_id, occasion_id, reason=reason)
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", "INVALID_FIELD")
