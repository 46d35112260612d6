"""ListInbox and AckInbox."""

from typing import Any

import pytest
from google.rpc import code_pb2
from prometheus_client import REGISTRY
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import inbox_service_pb2, intake_service_pb2, message_pb2
from whenever import Instant

from chassis import pages
from chassis.errors import InvalidInput
from delivery_service.store.inbox_filters import InboxFilter
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running
from tests.receiver import Behaviour, Receiver


async def inbox(world: World, **filters: Any) -> inbox_service_pb2.ListInboxResponse:
    """List the tenant's inbox."""
    as_tenant()
    return await world.inbox.ListInbox(inbox_service_pb2.ListInboxRequest(**filters), None)


async def ack(world: World, *event_ids: str, tenant: str = TENANT_ID) -> list[int]:
    """Acknowledge; return the status codes."""
    as_tenant(tenant)
    answer = await world.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=event_ids), None)
    return [result.status.code for result in answer.results]


async def outcomes(world: World, *events: intake_service_pb2.AcceptedEvent) -> list[str]:
    """Ask what became of events."""
    request = intake_service_pb2.BatchGetOutcomesRequest(tenant_id=TENANT_ID)
    for event in events:
        request.events.add(event_id=event.event_id, occurrence_date=event.occurrence_date)
    answer = await world.intake.BatchGetOutcomes(request, None)
    return [outcome_pb2.Outcome.Name(one.outcome).removeprefix("OUTCOME_") for one in answer.outcomes]


async def test_without_an_endpoint_a_message_waits_until_it_is_acknowledged(world: World) -> None:
    """It is UNACKED with the webhook's bytes, leaves the list when acknowledged, and stays findable as ACKED."""
    event = world.event()
    event.metadata["order"] = "7"
    await world.accept(event)
    [message] = (await inbox(world)).messages
    assert (message.event_id, message.body, message.state) == (
        event.event_id,
        event.body,
        message_pb2.Message.STATE_UNACKED,
    )
    assert dict(message.metadata) == {"order": "7"}
    assert await outcomes(world, event) == ["UNCLAIMED"]
    assert await ack(world, event.event_id) == [code_pb2.OK]
    assert not (await inbox(world)).messages
    [taken] = (await inbox(world, states=[message_pb2.Message.STATE_ACKED])).messages
    assert taken.HasField("ack_time")
    assert await outcomes(world, event) == ["RECEIVED"]


async def test_an_acknowledgement_may_be_repeated_and_is_judged_per_item(world: World) -> None:
    """Twice answers OK twice; an unknown id, or another tenant's, is NOT_FOUND and harms nothing."""
    event, foreign = world.event(), world.event(tenant_id="other")
    await world.accept(event, foreign)
    assert await ack(world, event.event_id, "evt_nothing", "a\0b", foreign.event_id) == [
        code_pb2.OK,
        code_pb2.NOT_FOUND,
        code_pb2.NOT_FOUND,
        code_pb2.NOT_FOUND,
    ]
    assert await ack(world, event.event_id, event.event_id) == [code_pb2.OK, code_pb2.OK]
    assert await ack(world, foreign.event_id, tenant="other") == [code_pb2.OK]


async def test_the_inbox_is_paged_in_the_order_of_acceptance(world: World) -> None:
    """Pages of two over five messages give each once; a token of another filter is refused."""
    events = [world.event(user_id=f"u{number}") for number in range(5)]
    for event in events:
        await world.accept(event)
    both = [message_pb2.Message.STATE_UNACKED, message_pb2.Message.STATE_ACKED]
    await ack(world, events[1].event_id)
    seen: list[str] = []
    token = ""
    while True:
        page = await inbox(world, states=both, page_size=2, page_token=token)
        seen += [message.event_id for message in page.messages]
        token = page.next_page_token
        if not token:
            break
        with pytest.raises(InvalidInput, match="another filter"):
            await inbox(world, states=both, user_id="u1", page_token=token)
        bound_to = ["inbox", TENANT_ID, both, InboxFilter()]
        forged = pages.encode([10**12, 0, 0, "x"], bound_to)
        for wrong in (forged, pages.encode(["x"], bound_to), "nonsense"):
            with pytest.raises(InvalidInput, match="page_token"):
                await inbox(world, states=both, page_token=wrong)
    assert seen == [event.event_id for event in events]
    [one] = (await inbox(world, user_id="u3")).messages
    assert one.event_id == events[3].event_id


async def test_a_page_ends_before_two_mebibytes(world: World) -> None:
    """200 messages of 20 KB come in pages of about a hundred, none lost."""
    events = [world.event(body=b"x" * 20_000) for _ in range(200)]
    await world.accept(*events)
    first = await inbox(world, page_size=1000)
    assert 100 <= len(first.messages) <= 105
    second = await inbox(world, page_size=1000, page_token=first.next_page_token)
    assert {one.event_id for one in (*first.messages, *second.messages)} == {one.event_id for one in events}


async def test_outcomes_follow_their_precedence(world: World, receiver: Receiver) -> None:
    """Received by one of two endpoints is RECEIVED; dead everywhere is UNCLAIMED in the inbox; unknown is NONE."""
    receiver.script = lambda got: Behaviour(
        status=200 if got.path == "/good" and b"all" not in got.body else 400
    )
    await world.endpoint(receiver.url("/good"), "good")
    await world.endpoint(receiver.url("/bad"), "bad")
    one, none = world.event(), world.event(body=b'{"all":0}')
    await world.accept(one, none)
    await world.ended(4)
    assert await outcomes(world, one, none, world.event()) == ["RECEIVED", "UNCLAIMED", "NONE"]


async def test_depth_and_age_of_all_inboxes_are_measured(database_url: str) -> None:
    """Two tenants' three messages: three, and the business time since the first; nothing left: both zero."""
    start = Instant("2027-02-28T09:00:00Z")
    async with running(database_url, start=start, speed=3600.0) as world:
        events = [world.event(), world.event(tenant_id="other"), world.event()]
        for event in events:
            await world.accept(event)
        await world.inside.inbox_watch.count()
        assert REGISTRY.get_sample_value("redletter_delivery_inbox_unclaimed") == 3
        age = REGISTRY.get_sample_value("redletter_delivery_inbox_oldest_seconds")
        assert age is not None
        assert 0 < age < 3600 * 60
        await ack(world, events[0].event_id, events[2].event_id)
        await ack(world, events[1].event_id, tenant="other")
        await world.inside.inbox_watch.count()
        assert REGISTRY.get_sample_value("redletter_delivery_inbox_unclaimed") == 0
        assert REGISTRY.get_sample_value("redletter_delivery_inbox_oldest_seconds") == 0
