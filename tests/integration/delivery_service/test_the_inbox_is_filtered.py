"""ListInbox with filters; each must hold, and no page reads more than its share of a large inbox."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from redletter.common.v1 import priority_pb2
from redletter.delivery.v1 import inbox_service_pb2, message_pb2
from whenever import Instant

from chassis.errors import InvalidInput
from delivery_service.store import inbox
from delivery_service.store.inbox import Page
from delivery_service.store.inbox_filters import InboxFilter
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running

UNACKED, ACKED = message_pb2.Message.STATE_UNACKED, message_pb2.Message.STATE_ACKED
FIRST = datetime.min.replace(tzinfo=UTC)


async def listed(world: World, **filters: Any) -> list[str]:
    """Return the ids of all pages of a listing."""
    as_tenant()
    found: list[str] = []
    request = inbox_service_pb2.ListInboxRequest(page_size=2, **filters)
    while True:
        page = await world.inbox.ListInbox(request, None)
        found += [one.event_id for one in page.messages]
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


async def ack(world: World, *event_ids: str) -> None:
    """Acknowledge."""
    as_tenant()
    await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=event_ids), None)


async def test_each_filter_finds_its_messages_and_no_others(world: World) -> None:
    """User, type, priority and metadata, one by one and together, among waiting and acknowledged messages."""
    plain = world.event(user_id="u1")
    urgent = world.event(user_id="u2", priority=priority_pb2.PRIORITY_HIGH)
    other = world.event(user_id="u2", event_type_id="anniversary")
    tagged = [world.event(user_id="u3"), world.event(user_id="u2")]
    for number, event in enumerate(tagged):
        event.metadata["order"], event.metadata["shop"] = "7", str(number)
    for event in (plain, urgent, other, *tagged):
        await world.accept(event)
    for states in ([UNACKED], [UNACKED, ACKED], [ACKED]):
        if states == [ACKED]:
            await ack(world, *[event.event_id for event in (plain, urgent, other, *tagged)])

        async def found(states: Sequence[Any] = tuple(states), **filters: Any) -> list[str]:
            return await listed(world, states=states, **filters)

        assert await found(user_id="u2") == [urgent.event_id, other.event_id, tagged[1].event_id]
        assert await found(event_type_id="anniversary") == [other.event_id]
        assert await found(priority=priority_pb2.PRIORITY_HIGH) == [urgent.event_id]
        assert await found(metadata={"order": "7"}) == [event.event_id for event in tagged]
        assert await found(metadata={"order": "7", "shop": "1"}) == [tagged[1].event_id]
        assert await found(user_id="u3", metadata={"shop": "1"}) == []
        assert await found(user_id="nobody") == []


async def test_messages_of_a_span_of_time(database_url: str) -> None:
    """created_after includes its instant, created_before does not; acceptance counts, by the business clock."""
    start = Instant(datetime(2027, 2, 28, 9, tzinfo=UTC))
    async with running(database_url, start=start, speed=1000.0) as world:
        events = [world.event() for _ in range(3)]
        for event in events:
            await world.accept(event)
        as_tenant()
        messages = (await world.inbox.ListInbox(inbox_service_pb2.ListInboxRequest(), None)).messages
        middle = messages[1].accept_time
        ids = [event.event_id for event in events]
        assert await listed(world, created_after=middle) == ids[1:]
        assert await listed(world, created_before=middle) == ids[:1]
        await ack(world, ids[0])
        both = [UNACKED, ACKED]
        assert await listed(world, states=both, created_before=middle) == ids[:1]
        assert await listed(world, states=both, created_after=messages[0].accept_time) == ids
        with pytest.raises(InvalidInput, match="nothing can be between"):
            await listed(world, created_after=middle, created_before=middle)


async def test_waiting_and_acknowledged_ones_come_in_one_order(world: World) -> None:
    """Pages that read only three rows of each kind give every message once, in the order of acceptance."""
    events = [world.event(user_id=f"u{number % 3}") for number in range(20)]
    for event in events:
        await world.accept(event)
    await ack(world, *[event.event_id for event in events[3:12]])
    for asked, wanted in (
        (InboxFilter(), events),
        (InboxFilter(user_id="u1"), events[1::3]),
        (InboxFilter(event_type_id="anniversary"), []),
    ):
        found: list[str] = []
        after: Any = (FIRST, "")
        while after is not None:
            page = await _page(world, asked, after=after, scanned=3)
            found += [one.event_id for one in page.messages]
            after = page.after
        assert found == [event.event_id for event in wanted]


async def test_metadata_that_no_message_can_have_is_refused(world: World) -> None:
    """A NUL character is an error of the caller."""
    with pytest.raises(InvalidInput, match="NUL"):
        await listed(world, metadata={"order": "\0"})


async def _page(world: World, asked: InboxFilter, *, after: tuple[datetime, str], scanned: int) -> Page:
    return await inbox.page(
        world.engine,
        TENANT_ID,
        asked,
        unacked=True,
        acked=True,
        after=after,
        size=4,
        largest=10_000,
        scanned=scanned,
    )
