"""ImportUsers: chunks up, acknowledgements and refused rows down."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from prometheus_client import REGISTRY
from redletter.common.v1 import on_enrol_pb2
from redletter.user.v1 import user_service_pb2

from tests.integration.user_service.examples import chunk, code_and_reason, occasion, person
from tests.integration.user_service.harness import Caller, Service, running

RESULTS = ("stored", "unchanged", "rejected")


def rows(result: str) -> float:
    """Return how many rows the process has counted."""
    return REGISTRY.get_sample_value("redletter_user_imported_rows_total", {"result": result}) or 0.0


async def test_good_rows_are_kept_and_bad_ones_named(acme: Caller) -> None:
    """A refused row comes with line, field, value, reason and what is allowed; the good part is stored."""
    users = [
        person("a"),
        person("b", time_zone="America/New_Yrok"),
        person("c", occasions=[occasion(), occasion("debut", 1999, 2, 29)]),
        person("a", given_name="twice"),
        person("", given_name="nobody"),
        person("f", etag="12"),
        person("g"),
    ]
    [answer] = await acme.load([chunk(users, first=2)])
    assert (answer.acknowledged_line, answer.accepted) == (8, 2)
    by_line = {row.line: row for row in answer.rejected_rows}
    assert list(by_line) == [3, 4, 5, 6, 7]
    zone = by_line[3]
    assert (zone.user_id, zone.field, zone.value) == ("b", "time_zone", "America/New_Yrok")
    assert "America/New_York" in zone.allowed
    assert (by_line[4].field, by_line[4].value) == ("occasions[1].date", "29 February 1999")
    assert by_line[5].field == "user_id"
    assert "line 2" in by_line[5].reason
    assert by_line[6].field == "user_id"
    assert by_line[7].field == "etag"
    assert (await acme.get("a")).given_name == "Ada"
    assert (await acme.get("g")).user_id == "g"


async def test_each_chunk_is_acknowledged_when_it_is_stored(acme: Caller) -> None:
    """A sender that waits for the answer of each chunk before it sends the next one gets it."""
    answered = asyncio.Event()

    async def send() -> AsyncIterator[user_service_pb2.ImportUsersRequest]:
        for first in (1, 11, 21):
            answered.clear()
            yield chunk([person(f"u{first + n}") for n in range(10)], first=first)
            await answered.wait()

    seen = []
    async for answer in acme.users.ImportUsers(send()):
        assert (await acme.get(f"u{answer.acknowledged_line}")).user_id
        seen.append((answer.acknowledged_line, answer.accepted))
        answered.set()
    assert seen == [(10, 10), (20, 20), (30, 30)]


async def test_a_second_import_moves_nothing(service: Service, acme: Caller) -> None:
    """The same rows again are accepted, counted as unchanged, and leave no mark."""
    chunks = [chunk([person(f"u{n}") for n in range(first, first + 500)], first=first) for first in (1, 501)]
    before = {result: rows(result) for result in RESULTS}
    await acme.load(chunks)
    await service.drain()
    answers = await acme.load(chunks)
    assert answers[-1].accepted == 1000
    assert (await service.pull()).backlog == 0
    assert [rows(result) - before[result] for result in RESULTS] == [1000, 1000, 0]


async def test_a_later_chunk_of_the_same_user_wins(acme: Caller) -> None:
    """Chunks are applied in their order, also when the sender does not wait."""
    await acme.load([chunk([person("a", given_name=str(n))], first=n) for n in range(1, 21)])
    assert (await acme.get("a")).given_name == "20"


async def test_the_policy_is_that_of_the_first_chunk(service: Service, acme: Caller) -> None:
    """`on_enrol` is read once; without it an import waits for the next turn."""
    same_day, following = on_enrol_pb2.ON_ENROL_SAME_DAY, on_enrol_pb2.ON_ENROL_NEXT
    await acme.load(
        [chunk([person("a")], on_enrol=same_day), chunk([person("b")], first=2, on_enrol=following)]
    )
    await acme.load([chunk([person("c")])])
    policies = {c.user_id: c.recipient.enrolments[0].on_enrol for c in (await service.pull()).changes}
    assert policies == {"a": same_day, "b": same_day, "c": following}


async def test_lines_that_do_not_grow_end_the_stream(acme: Caller) -> None:
    """A line that goes back is INVALID_ARGUMENT; the chunks before it are stored and acknowledged."""
    call = acme.users.ImportUsers(iter([chunk([person("a")], first=5), chunk([person("b")], first=5)]))
    assert (await call.read()).acknowledged_line == 5
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "line 5 follows line 5" in refused.value.details()


async def test_an_import_goes_on_after_a_restart(service: Service, acme: Caller) -> None:
    """What was acknowledged is there after a restart, and the caller goes on after the last line."""
    [answer] = await acme.load([chunk([person("a"), person("b")])])
    async with running(service.settings, service.operator_key) as restarted:
        again = restarted.caller(acme.secret)
        await again.load([chunk([person("c")], first=answer.acknowledged_line + 1)])
        assert [(await again.get(user_id)).user_id for user_id in "abc"] == ["a", "b", "c"]
        assert (await restarted.pull()).backlog == 3


async def test_a_sender_that_goes_away_leaves_whole_chunks(acme: Caller) -> None:
    """When the caller cancels, what was acknowledged is stored, and the service goes on serving."""
    call = acme.users.ImportUsers()
    await call.write(chunk([person("a")]))
    answer = await call.read()
    await call.write(chunk([person("b")], first=2))
    call.cancel()
    assert answer.acknowledged_line == 1
    assert (await acme.get("a")).user_id == "a"
