"""Dead letters: listed, grouped, discarded with a reason."""

from typing import Any

import pytest
from google.rpc import code_pb2
from redletter.delivery.v1 import dead_letter_pb2, dead_letter_service_pb2, delivery_pb2, delivery_service_pb2
from redletter.delivery.v1.delivery_filter_pb2 import DeliveryFilter, DeliveryName

from chassis.errors import InvalidInput
from chassis.wire import instant, timestamp
from delivery_service.store import dead_letters as store
from delivery_service.store import delivery_filters
from tests.integration.delivery_service.conftest import State, World, as_tenant, event_id, running
from tests.integration.delivery_service.redelivering import (
    Cause,
    Operation,
    dead_letters,
    fill,
    over,
    redeliver_all,
    rounds,
)
from tests.receiver import Behaviour, Receiver


async def discard(
    world: World,
    names: list[tuple[str, str]] | None = None,
    *,
    asked: dict[str, Any] | None = None,
    **fields: Any,
) -> dead_letter_service_pb2.DiscardDeadLettersResponse:
    """Discard named dead letters, or those that a filter finds."""
    as_tenant()
    request = dead_letter_service_pb2.DiscardDeadLettersRequest(reason="the customer left", **fields)
    request.dead_letters.extend(DeliveryName(event_id=e, endpoint_id=p) for e, p in names or ())
    if asked is not None:
        request.filter.CopyFrom(DeliveryFilter(**asked))
    return await world.dead_letters.DiscardDeadLetters(request, None)


async def groups(world: World, **fields: Any) -> list[dead_letter_pb2.DeadLetterGroup]:
    """Return all groups, page by page."""
    as_tenant()
    request = dead_letter_service_pb2.ListDeadLetterGroupsRequest(**fields)
    found: list[dead_letter_pb2.DeadLetterGroup] = []
    while True:
        answer = await world.dead_letters.ListDeadLetterGroups(request, None)
        found += answer.groups
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def test_a_delivery_that_gives_up_is_one(world: World, receiver: Receiver) -> None:
    """It says what ended how, whose it is and what the receiver answered; received ones are none."""
    receiver.script = lambda got: Behaviour(404 if got.path == "/bad" else 200)
    await world.endpoint(receiver.url("/bad"), "bad")
    await world.endpoint(receiver.url("/good"), "good")
    event = world.event(user_id="ada")
    await world.accept(event)
    await world.ended(2)
    as_tenant()
    answer = await world.dead_letters.ListDeadLetters(dead_letter_service_pb2.ListDeadLettersRequest(), None)
    [found] = answer.dead_letters
    assert (found.event_id, found.endpoint_id, found.round) == (event.event_id, "bad", 1)
    assert (found.state, found.cause) == (State.STATE_DEAD, Cause.DELIVERY_CAUSE_HTTP_STATUS)
    assert (found.status_code, found.attempts) == (404, 1)
    assert (found.user_id, found.event_type_id) == ("ada", "birthday")
    assert instant(found.end_time) <= world.clock.now()


async def test_filters_and_pages(database_url: str) -> None:
    """Pages of every size show each once, the newest end first, by every filter; a foreign token is refused."""
    async with running(database_url, serve=False) as world:
        hook = await fill(world, 12)
        other = await fill(
            world,
            5,
            name="bbbbbb",
            endpoint="other",
            state=State.STATE_EXPIRED,
            cause=Cause.DELIVERY_CAUSE_DEADLINE,
        )
        await fill(world, 4, name="cccccc", state=State.STATE_DELIVERED, cause=0)
        await fill(world, 4, name="dddddd", tenant="another")
        whole = await dead_letters(world)
        assert sorted(whole) == sorted(hook + other)
        for size in (1, 2, 5, 17):
            assert await dead_letters(world, size=size) == whole
        assert await dead_letters(world, endpoint_id="hook", size=5) == hook[::-1]
        assert (
            await dead_letters(world, endpoint_id="other", causes=[Cause.DELIVERY_CAUSE_DEADLINE])
            == other[::-1]
        )
        assert await dead_letters(world, causes=[Cause.DELIVERY_CAUSE_HTTP_STATUS], size=5) == hook[::-1]
        assert await dead_letters(world, states=[State.STATE_EXPIRED], size=3) == other[::-1]
        mine = {name for name in whole if int(name[10:30]) % 3 == 1}
        assert set(await dead_letters(world, user_id="u1", size=2)) == mine
        assert await dead_letters(world, event_type_id="anniversary") == []
        [row] = await world.rows("SELECT end_time FROM deliveries WHERE event_id = :id", id=hook[6])
        assert await dead_letters(world, endpoint_id="hook", end_after=timestamp(row.end_time)) == hook[:5:-1]
        assert (
            await dead_letters(world, endpoint_id="hook", end_before=timestamp(row.end_time)) == hook[5::-1]
        )
        request = dead_letter_service_pb2.ListDeadLettersRequest(page_size=3)
        as_tenant()
        request.page_token = (await world.dead_letters.ListDeadLetters(request, None)).next_page_token
        request.filter.endpoint_id = "hook"
        with pytest.raises(InvalidInput, match="made for another filter"):
            await world.dead_letters.ListDeadLetters(request, None)
        with pytest.raises(InvalidInput, match="no dead letter"):
            await dead_letters(world, states=[State.STATE_DELIVERED])


async def test_a_page_that_examined_enough_goes_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user with few among many is found over short pages, each of which looks at so many rows and no more."""
    monkeypatch.setattr(delivery_filters, "EXAMINED", 4)
    async with running(database_url, serve=False) as world:
        ids = await fill(world, 21)
        mine = [name for name in ids if int(name[10:30]) % 3 == 2]
        assert await dead_letters(world, user_id="u2") == mine[::-1]
        assert await dead_letters(world, user_id="nobody") == []
        name = (await redeliver_all(world, user_id="u2")).operation_id
        for _ in range(8):
            await world.inside.redeliverer.iterate()
        assert (await over(world, name)).failed == len(mine)  # there is no endpoint


async def test_groups_by_endpoint_and_cause(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its count, first and last end; pages of one show all; a huge one is counted up to the bound."""
    async with running(database_url, serve=False) as world:
        hook = await fill(world, 12)
        await fill(world, 5, name="bbbbbb", cause=Cause.DELIVERY_CAUSE_TIMEOUT, state=State.STATE_EXPIRED)
        await fill(world, 2, name="cccccc", endpoint="other")
        await fill(world, 4, name="dddddd", state=State.STATE_DELIVERED, cause=0)
        await fill(world, 4, name="eeeeee", tenant="another")
        found = await groups(world)
        assert [(one.endpoint_id, one.cause, one.count) for one in found] == [
            ("hook", Cause.DELIVERY_CAUSE_HTTP_STATUS, 12),
            ("hook", Cause.DELIVERY_CAUSE_TIMEOUT, 5),
            ("other", Cause.DELIVERY_CAUSE_HTTP_STATUS, 2),
        ]
        ends = [
            row.end_time
            for row in await world.rows(
                "SELECT end_time FROM deliveries WHERE event_id = ANY(:ids)", ids=hook
            )
        ]
        assert (found[0].first_end_time, found[0].last_end_time) == (
            timestamp(min(ends)),
            timestamp(max(ends)),
        )
        assert await groups(world, page_size=1) == found
        assert await groups(world, endpoint_id="other") == found[2:]
        await discard(world, asked={"endpoint_id": "other"})
        await world.inside.redeliverer.iterate()
        assert await groups(world) == found[:2]
        monkeypatch.setattr(store, "MOST_COUNTED", 10)
        assert [one.count for one in await groups(world)] == [10, 5]


async def test_discarded_by_name_with_a_reason(database_url: str) -> None:
    """Each is answered; the outcome stays, with who gave it up why; twice is refused."""
    async with running(database_url, serve=False) as world:
        first, second = await fill(world, 2)
        [received] = await fill(world, 1, name="bbbbbb", state=State.STATE_DELIVERED, cause=0)
        asked = [(first, "hook"), (received, "hook"), (event_id("unknown"), "hook")]
        assert (await discard(world, asked, dry_run=True)).count == 1
        assert len(await dead_letters(world)) == 2
        answer = await discard(world, asked)
        codes = [one.status.code for one in answer.results]
        assert codes == [code_pb2.OK, code_pb2.FAILED_PRECONDITION, code_pb2.NOT_FOUND]
        assert await dead_letters(world) == [second]
        again = await discard(world, [(first, "hook")])
        assert "is DISCARDED" in again.results[0].status.message
        request = delivery_service_pb2.GetDeliveryRequest(event_id=first, endpoint_id="hook")
        stored = (await world.deliveries.GetDelivery(request, None)).delivery
        assert stored.state == State.STATE_DEAD
        assert stored.settlement == delivery_pb2.Delivery.SETTLEMENT_DISCARDED
        assert stored.settle_reason == "the customer left"
        assert stored.HasField("settle_time")


async def test_discarded_by_filter(world: World) -> None:
    """Counted first, then an operation; nothing is sent, and what is discarded is not redelivered by filter."""
    await fill(world, 30)
    [kept] = await fill(world, 1, name="bbbbbb", endpoint="other")
    assert (await discard(world, asked={"endpoint_id": "hook"}, dry_run=True)).count == 30
    answer = await discard(world, asked={"endpoint_id": "hook"})
    ended = await over(world, answer.operation_id)
    assert (ended.kind, ended.state) == ("discard_dead_letters", Operation.STATE_SUCCEEDED)
    assert (ended.done, ended.succeeded, ended.subject) == (30, 30, "hook")
    assert await dead_letters(world) == [kept]
    assert await rounds(world) == []
    with pytest.raises(InvalidInput, match="no dead letter"):
        await discard(world, asked={"states": [State.STATE_DELIVERED]})


async def test_what_nobody_claimed_from_the_inbox_is_none(database_url: str) -> None:
    """It ended EXPIRED, but there is nobody to send it to: neither listed nor grouped nor counted."""
    async with running(database_url, serve=False) as world:
        await fill(world, 3, endpoint="inbox", state=State.STATE_EXPIRED, cause=Cause.DELIVERY_CAUSE_DEADLINE)
        ids = await fill(world, 3, name="bbbbbb")
        assert await dead_letters(world, size=2) == ids[::-1]
        assert [one.endpoint_id for one in await groups(world)] == ["hook"]
        assert (await redeliver_all(world, dry_run=True)).count == 3
