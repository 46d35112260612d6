"""After a backup of either store was brought back the feed says so, and says it of nothing else."""

import asyncio

import grpc
import pytest
from prometheus_client import REGISTRY
from redletter.user.v1.user_feed_service_pb2 import (
    RESTORED_READER,
    RESTORED_STORE,
    RESTORED_UNSPECIFIED,
    PullChangesRequest,
    PullChangesResponse,
    ResyncRequest,
)
from sqlalchemy import text

from tests.integration.user_service.examples import code_and_reason, person
from tests.integration.user_service.harness import Caller, Service
from user_service.app import engine_of


class Reader:
    """A reader as the scheduler is one: counts in its store, remembers its last answered call in memory."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.serial = 0
        self.confirmed = {"confirmed_serial": 0, "confirmed_epoch": ""}

    async def pull(self) -> PullChangesResponse:
        """Pull a page."""
        page = await self.service.pull(reader_serial=self.serial, **self.confirmed)
        self._confirm(page.epoch)
        return page

    async def turn(self, *, ack_arrives: bool = True) -> PullChangesResponse:
        """Pull a page, apply it, acknowledge it; the acknowledgement may get lost on its way."""
        page = await self.pull()
        if page.changes:
            self.serial += 1
            if ack_arrives:
                await self.service.ack(page.epoch, list(page.changes), reader_serial=self.serial)
                self._confirm(page.epoch)
        return page

    def restart(self) -> None:
        """Forget what was in memory."""
        self.confirmed = {"confirmed_serial": 0, "confirmed_epoch": ""}

    def _confirm(self, epoch: str) -> None:
        self.confirmed = {"confirmed_serial": self.serial, "confirmed_epoch": epoch}


@pytest.fixture
async def reader(service: Service, acme: Caller) -> Reader:
    """A reader that has applied five pages of one person each."""
    reader = Reader(service)
    for n in range(5):
        await acme.upsert(person(f"u{n}"))
        assert (await reader.turn()).restored == RESTORED_UNSPECIFIED
    return reader


async def restore(service: Service, *, serial: int) -> None:
    """Bring the store back to when it had seen this serial, as far as the feed can tell."""
    engine = engine_of(service.settings)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE feed_epoch SET reader_serial = :serial"), {"serial": serial})
    await engine.dispose()


def restores(store: str) -> float:
    """Return how many restores of a store the process has counted."""
    return REGISTRY.get_sample_value("redletter_user_feed_restores_total", {"store": store}) or 0.0


@pytest.mark.parametrize("behind", [1, 2, 5])
async def test_a_restored_reader_is_told(service: Service, reader: Reader, behind: int) -> None:
    """A serial that is behind, twice, begins a new epoch with everyone marked; the answer says READER."""
    before, counted = (await reader.pull()).epoch, restores("reader")
    reader.serial -= behind
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await reader.pull()
    assert code_and_reason(refused.value) == ("ABORTED", "STALE_ETAG")
    page = await reader.pull()
    assert page.restored == RESTORED_READER
    assert page.epoch != before
    assert page.backlog == 6
    assert {change.user_id for change in page.changes} == {"", "u0", "u1", "u2", "u3", "u4"}
    assert restores("reader") == counted + 1


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_restored_store_is_told(service: Service, reader: Reader, restarted: bool) -> None:
    """A serial further ahead than one lost acknowledgement begins a new epoch at once; the answer says STORE."""
    before, counted = (await reader.pull()).epoch, restores("store")
    await restore(service, serial=3)
    if restarted:
        reader.restart()
    page = await reader.pull()
    assert page.restored == RESTORED_STORE
    assert page.epoch != before
    assert page.backlog == 6
    assert restores("store") == counted + 1


async def test_a_store_that_lost_a_single_page_is_told(service: Service, reader: Reader) -> None:
    """What the reader knows to be acknowledged tells a restore by one page from a lost acknowledgement."""
    await restore(service, serial=4)
    assert (await reader.pull()).restored == RESTORED_STORE


async def test_a_restore_is_told_until_it_was_heard(service: Service, acme: Caller, reader: Reader) -> None:
    """The answer repeats it in the same epoch until something is acknowledged under it, and then is silent."""
    await restore(service, serial=1)
    first = await reader.pull()
    again = await reader.pull()
    assert (again.restored, again.epoch) == (RESTORED_STORE, first.epoch)
    assert (await reader.turn()).restored == RESTORED_STORE
    page = await reader.pull()
    assert (page.restored, page.epoch) == (RESTORED_UNSPECIFIED, first.epoch)
    assert page.backlog == 0
    await acme.upsert(person("next"))
    assert (await reader.turn()).restored == RESTORED_UNSPECIFIED


async def test_a_resync_does_not_hide_a_restore(service: Service, reader: Reader) -> None:
    """An operator's resync before the reader has heard of the restore leaves it to be told."""
    await restore(service, serial=1)
    await reader.pull()
    await service.feed.Resync(ResyncRequest())
    assert (await reader.pull()).restored == RESTORED_STORE


async def test_lost_acknowledgements_are_no_restore(service: Service, acme: Caller, reader: Reader) -> None:
    """However many are lost, with restarts of the reader in between, the epoch stays and nothing is told."""
    epoch = (await reader.pull()).epoch
    for n in range(12):
        await acme.upsert(person(f"v{n}"))
        page = await reader.turn(ack_arrives=n % 3 == 0)
        if n % 2:
            reader.restart()
        assert (page.epoch, page.restored) == (epoch, RESTORED_UNSPECIFIED)
    assert (await reader.turn()).restored == RESTORED_UNSPECIFIED


async def test_an_acknowledgement_that_comes_late_is_no_restore(
    service: Service, acme: Caller, reader: Reader
) -> None:
    """One that arrives after later pulls removes what it still may and leaves the serial where it is."""
    await acme.upsert(person("slow"))
    slow = await reader.turn(ack_arrives=False)
    late = reader.serial
    await acme.upsert(person("next"))
    await reader.turn()
    await service.ack(slow.epoch, list(slow.changes), reader_serial=late)
    await acme.upsert(person("last"))
    for _ in range(2):
        page = await reader.turn()
        assert (page.epoch, page.restored) == (slow.epoch, RESTORED_UNSPECIFIED)


async def test_a_leader_that_was_frozen_is_no_restore(service: Service, acme: Caller, reader: Reader) -> None:
    """Pulls with an old serial are refused one by one as long as the present leader pulls in between."""
    epoch = (await reader.pull()).epoch
    for n in range(3):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.pull(reader_serial=reader.serial - 1)
        assert refused.value.code() is grpc.StatusCode.ABORTED
        await acme.upsert(person(f"v{n}"))
        page = await reader.turn()
        assert (page.epoch, page.restored) == (epoch, RESTORED_UNSPECIFIED)


async def test_an_acknowledgement_from_a_future_removes_nothing(
    service: Service, acme: Caller, reader: Reader
) -> None:
    """A reader that knows more than the store has applied other versions than those of the same number here."""
    await acme.upsert(person("new"))
    page = await reader.pull()
    await restore(service, serial=2)
    assert await service.ack(page.epoch, list(page.changes), reader_serial=reader.serial + 1) == 0
    reader.serial += 1
    told = await reader.pull()
    assert told.restored == RESTORED_STORE
    assert "new" in {change.user_id for change in told.changes}


async def test_a_pull_that_gives_up_is_not_in_vain(service: Service, reader: Reader) -> None:
    """Marking millions takes longer than a call may; it goes on without the caller, and the next one is told."""
    await restore(service, serial=1)
    before = reader.confirmed["confirmed_epoch"]
    engine = engine_of(service.settings)
    async with engine.begin() as slow:
        await slow.execute(text("LOCK TABLE user_changes IN SHARE MODE"))
        with pytest.raises(grpc.aio.AioRpcError) as gave_up:
            await service.feed.PullChanges(
                PullChangesRequest(max_items=1, reader_serial=reader.serial), timeout=0.5
            )
        assert gave_up.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    epoch = text("SELECT epoch::text FROM feed_epoch")
    async with asyncio.timeout(10), engine.connect() as connection:
        while (await connection.execute(epoch)).scalar_one() == before:
            await asyncio.sleep(0.01)
    await engine.dispose()
    page = await reader.pull()
    assert (page.restored, page.backlog) == (RESTORED_STORE, 6)


async def test_idle_pulls_write_nothing(service: Service, reader: Reader) -> None:
    """A pull that brings no news of the reader leaves the row as it is."""

    async def row() -> str:
        engine = engine_of(service.settings)
        async with engine.connect() as connection:
            found = (
                await connection.execute(text("SELECT xmin::text || ctid::text FROM feed_epoch"))
            ).scalar()
        await engine.dispose()
        return str(found)

    before = await row()
    for _ in range(3):
        await reader.pull()
    assert await row() == before


async def test_a_reader_that_starts_anew_is_told(service: Service, reader: Reader) -> None:
    """An emptied reader begins at 0 and is fed everything, as after a restore."""
    reader.serial = 0
    reader.restart()
    with pytest.raises(grpc.aio.AioRpcError):
        await reader.pull()
    page = await reader.turn()
    assert (page.restored, page.backlog) == (RESTORED_READER, 6)
    assert (await reader.pull()).backlog == 0
