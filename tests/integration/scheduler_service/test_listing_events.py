"""Reading events: one list of what was sent and what is planned, for one tenant only."""

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from redletter.common.v1 import outcome_pb2
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb

from chassis.wire import instant, timestamp
from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.conftest import (
    KEY,
    OTHER_KEY,
    OTHER_TENANT,
    Replica,
    World,
    until,
    utc,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-03-02T08:59:59.6+00:00")
SENT, PLANNED = event_pb2.Event.STATE_SENT, event_pb2.Event.STATE_PLANNED


async def listed(replica: Replica, request: pb.ListEventsRequest) -> list[event_pb2.Event]:
    """Return all events of a listing, page by page."""
    found: list[event_pb2.Event] = []
    while True:
        answer = await replica.events.ListEvents(request, metadata=KEY)
        found += answer.events
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def test_filters_order_and_pages_across_sent_and_planned(world: World) -> None:
    """Five people are sent and planned again: ten events in due order, each on one page, by every filter."""
    world.feed.put_tenant(START)
    world.feed.put_tenant(START, tenant_id=OTHER_TENANT)
    for n in range(5):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=START)
    for n in range(3):
        world.feed.put_user(f"later{n}", "UTC", month=4, day=1 + n, enrolled=START, kind="anniversary")
    world.feed.put_user("theirs", "UTC", month=3, day=9, enrolled=START, tenant_id=OTHER_TENANT)
    replica = await world.start(START)
    await until(lambda: len(world.intake.accepted) == 5)
    await world.drained()

    whole = await listed(replica, pb.ListEventsRequest())
    assert len(whole) == 13
    keys = [(instant(e.due_time), e.event_id) for e in whole]
    assert keys == sorted(set(keys))
    assert [e.state for e in whole] == [SENT] * 5 + [PLANNED] * 8
    for size in (1, 2, 4):
        assert await listed(replica, pb.ListEventsRequest(page_size=size)) == whole

    async def ids(request: pb.ListEventsRequest) -> set[str]:
        return {e.event_id for e in await listed(replica, request)}

    assert await ids(pb.ListEventsRequest(states=[SENT])) == set(world.intake.accepted)
    assert len(await ids(pb.ListEventsRequest(states=[PLANNED], page_size=3))) == 8
    assert len(await ids(pb.ListEventsRequest(event_type_id="anniversary"))) == 3
    assert len(await ids(pb.ListEventsRequest(user_id="u1"))) == 2
    assert len(await ids(pb.ListEventsRequest(user_id="u1", event_type_id="anniversary"))) == 0
    april = utc("2028-04-01T00:00:00+00:00")
    year = utc("2029-01-01T00:00:00+00:00")
    window = pb.ListEventsRequest(due_after=timestamp(april), due_before=timestamp(year), page_size=2)
    assert len(await ids(window)) == 3

    others = await replica.events.ListEvents(pb.ListEventsRequest(), metadata=OTHER_KEY)
    assert [e.user_id for e in others.events] == ["theirs"]
    for event in (whole[0], whole[-1]):
        mine = await replica.events.GetEvent(pb.GetEventRequest(event_id=event.event_id), metadata=KEY)
        assert mine.event == event
        foreign = replica.events.GetEvent(pb.GetEventRequest(event_id=event.event_id), metadata=OTHER_KEY)
        assert (await refusal(foreign)).code is grpc.StatusCode.NOT_FOUND


async def test_the_outcome_is_deliverys_and_says_when_it_cannot_be_known(world: World) -> None:
    """Sent events carry their outcome; with delivery down they are still listed, and say so."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u1"))
    sent = pb.ListEventsRequest(states=[SENT])
    (event,) = (await replica.events.ListEvents(sent, metadata=KEY)).events
    assert event.outcome != outcome_pb2.OUTCOME_NONE
    assert not event.outcome_unavailable
    world.intake.down = True
    (event,) = (await replica.events.ListEvents(sent, metadata=KEY)).events
    assert event.outcome_unavailable
    one = await replica.events.GetEvent(pb.GetEventRequest(event_id=event.event_id), metadata=KEY)
    assert one.event.outcome_unavailable


async def test_wrong_questions_are_refused(world: World) -> None:
    """A token of another filter, an instant that does not exist, an id that is none, an event of nobody."""
    world.feed.put_tenant(START)
    for n in range(3):
        world.feed.put_user(f"u{n}", "UTC", month=4, day=2, enrolled=START)
    replica = await world.start(START)
    for n in range(3):
        await world.planned(f"u{n}")
    first = await replica.events.ListEvents(pb.ListEventsRequest(page_size=1), metadata=KEY)
    token = first.next_page_token
    for request in (
        pb.ListEventsRequest(page_token=token, user_id="u1"),
        pb.ListEventsRequest(page_token=token + "x"),
        pb.ListEventsRequest(page_token="!"),
    ):
        wrong = await refusal(replica.events.ListEvents(request, metadata=KEY))
        assert (wrong.code, wrong.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
    never = pb.ListEventsRequest(due_after=Timestamp(seconds=10**15))
    wrong = await refusal(replica.events.ListEvents(never, metadata=KEY))
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "due_after" in wrong.fields
    assert not (
        await replica.events.ListEvents(
            pb.ListEventsRequest(due_before=Timestamp(seconds=-62135596800)), metadata=KEY
        )
    ).events
    wrong = await refusal(replica.events.GetEvent(pb.GetEventRequest(event_id="evt_x"), metadata=KEY))
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    nobody = pb.GetEventRequest(event_id=event_id(b"\x00" * 16, "2028"))
    assert (await refusal(replica.events.GetEvent(nobody, metadata=KEY))).code is grpc.StatusCode.NOT_FOUND
