"""Many at once: nothing is lost, nothing is stored twice, versions only grow."""

import asyncio
import random

import grpc
from redletter.user.v1.user_feed_service_pb2 import ResyncRequest

from tests.integration.user_service.examples import chunk, person
from tests.integration.user_service.harness import Caller, Service


async def test_overlapping_batches_do_not_deadlock(acme: Caller) -> None:
    """Batches over the same people in different orders all succeed, whether the people are new or known."""
    ids = [f"u{n:03d}" for n in range(200)]
    for _ in range(2):
        shuffled = [random.sample(ids, k=len(ids)) for _ in range(8)]
        answers = await asyncio.gather(
            *(acme.batch([person(i, given_name=str(n)) for i in order]) for n, order in enumerate(shuffled))
        )
        assert {result.status.code for results in answers for result in results} == {0}
    names = {(await acme.get(user_id)).given_name for user_id in ids[:20]}
    assert names <= {str(n) for n in range(8)}


async def test_concurrent_upserts_of_one_user_create_it_once(acme: Caller) -> None:
    """Of many first writes one is CREATED, the rest are UPDATED, each under a version of its own."""
    answers = await asyncio.gather(*(acme.upsert(person(given_name=str(n))) for n in range(16)))
    changes = [answer.change for answer in answers]
    assert changes.count(1) == 1
    assert changes.count(2) == 15
    assert len({answer.user.etag for answer in answers}) == 16
    assert len({answer.user.create_time.ToNanoseconds() for answer in answers}) == 1
    newest = max(answers, key=lambda answer: int(answer.user.etag))
    assert await acme.get("ada") == newest.user


async def test_of_two_writes_with_one_etag_one_wins(acme: Caller) -> None:
    """An etag lets exactly one of many concurrent edits through."""
    etag = (await acme.upsert(person())).user.etag
    edits = (acme.upsert(person(given_name=str(n), etag=etag)) for n in range(8))
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(refused) == 7
    assert {error.code() for error in refused} == {grpc.StatusCode.ABORTED}


async def test_acknowledging_while_writing_loses_no_change(service: Service, acme: Caller) -> None:
    """A reader that pulls and acknowledges all the time ends with the newest state of everyone."""
    ids = [f"u{n}" for n in range(40)]
    known: dict[str, tuple[int, str]] = {}
    writing = True

    async def read() -> None:
        while writing or (await service.pull()).changes:
            page = await service.pull(25)
            for change in page.changes:
                name = change.recipient.given_name if change.HasField("recipient") else "gone"
                assert change.version >= known.get(change.user_id, (0, ""))[0]
                known[change.user_id] = (change.version, name)
            if page.changes:
                await service.ack(page.epoch, list(page.changes))

    async def write(writer: int) -> None:
        for turn in range(15):
            await acme.batch([person(i, given_name=f"{writer}.{turn}") for i in random.sample(ids, k=20)])
            await acme.upsert(person(random.choice(ids), given_name=f"{writer}.{turn}.single"))

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(n) for n in range(4)))
    await asyncio.gather(*(acme.delete(user_id) for user_id in ids[:5]))
    writing = False
    await reader
    stored = {user_id: (await acme.get(user_id)).given_name for user_id in ids[5:]}
    assert {user_id: known[user_id][1] for user_id in ids[5:]} == stored
    assert {known[user_id][1] for user_id in ids[:5]} == {"gone"}


async def test_deleting_and_creating_at_once_ends_in_one_state(service: Service, acme: Caller) -> None:
    """Whoever commits last decides, and the feed shows what is stored."""

    for turn in range(10):
        outcomes = await asyncio.gather(
            acme.upsert(person(given_name=f"{turn}a")),
            acme.delete("ada"),
            acme.load([chunk([person(given_name=f"{turn}b")])]),
            acme.delete("ada"),
            return_exceptions=True,
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
        assert {error.code() for error in refused} <= {grpc.StatusCode.NOT_FOUND}
        [change] = (await service.pull()).changes
        try:
            stored = (await acme.get("ada")).given_name
        except grpc.aio.AioRpcError:
            assert change.HasField("user_tombstone")
        else:
            assert change.recipient.given_name == stored


async def test_a_resync_during_writes_misses_nobody(service: Service, acme: Caller) -> None:
    """Everyone who is stored after a resync among concurrent writes is pulled under the new epoch."""
    await acme.batch([person(f"old{n}") for n in range(200)])
    await service.drain()
    writes = [acme.batch([person(f"new{n}.{m}") for m in range(50)]) for n in range(6)]
    *_, resynced = await asyncio.gather(*writes, service.feed.Resync(ResyncRequest()))
    page = await service.pull()
    assert page.epoch == resynced.epoch
    assert len({change.user_id for change in page.changes} - {""}) == 500
