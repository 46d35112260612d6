"""Reading events: one list of what was sent and what is planned, for one tenant only."""

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from redletter.common.v1 import outcome_pb2, priority_pb2
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
from tests.integration.scheduler_service.event_calls import PLANNED, SENT, asked, created
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-03-02T08:59:59.6+00:00")


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


async def test_what_callers_asked_for_by_its_filters(world: World) -> None:
    """Metadata, priority and creation find events planned and ended; rules' planned events have no creation."""
    world.feed.put_tenant(START)
    for n in range(2):
        world.feed.put_user(f"u{n}", "UTC", month=4, day=2, enrolled=START)
    replica = await world.start(START)
    await world.planned("u0")
    await world.planned("u1")
    due = timestamp(START.add(hours=1))
    high = priority_pb2.PRIORITY_HIGH

    async def make(instance: str, **fields: object) -> str:
        return (await created(replica, asked(instance, "u0", **fields))).event.event_id

    later = await make("later", due_time=due, metadata={"order": "7", "campaign": "x"}, priority=high)
    plain = await make("plain", due_time=due, metadata={"order": "8", "campaign": "x"})
    now = await make("now", metadata={"order": "7"})
    await until(lambda: now in world.intake.accepted)

    async def ids(**fields: object) -> set[str]:
        events = await listed(replica, pb.ListEventsRequest(**fields))
        paged = await listed(replica, pb.ListEventsRequest(page_size=1, **fields))
        assert paged == events
        return {event.event_id for event in events}

    rules = await ids() - {later, plain, now}
    assert len(rules) == 2
    assert await ids(metadata={"order": "7"}) == {later, now}
    assert await ids(metadata={"order": "7", "campaign": "x"}) == {later}
    assert await ids(metadata={"campaign": "x"}, user_id="u0") == {later, plain}
    assert await ids(metadata={"campaign": "x"}, user_id="u1") == set()
    assert await ids(metadata={"order": "9"}) == set()
    assert await ids(metadata={"order": "7"}, states=[PLANNED]) == {later}
    assert await ids(priority=high) == {later}
    assert await ids(priority=priority_pb2.PRIORITY_NORMAL, states=[PLANNED]) == rules | {plain}
    assert await ids(priority=priority_pb2.PRIORITY_LOW) == set()
    assert await ids(priority=high, user_id="u0") == {later}
    made = (await replica.events.GetEvent(pb.GetEventRequest(event_id=plain), metadata=KEY)).event.create_time
    assert await ids(created_after=made) == {plain, now}
    assert await ids(created_before=made) == {later}
    assert await ids(created_before=timestamp(instant(made).add(hours=1))) == {later, plain, now}
    assert await ids(created_after=made, states=[PLANNED], user_id="u0") == {plain}


async def test_windows_are_half_open(world: World) -> None:
    """An event due exactly at `due_after` is in, one due exactly at `due_before` is not; planned and ended."""
    world.feed.put_tenant(START)
    world.feed.put_user("u0", "UTC", month=3, day=2, enrolled=START)
    world.feed.put_user("u1", "UTC", month=4, day=2, enrolled=START)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u0"))
    await world.planned("u1")
    nine, april = utc("2028-03-02T09:00:00+00:00"), utc("2028-04-02T09:00:00+00:00")
    for at in (nine, april):
        after = await listed(
            replica, pb.ListEventsRequest(due_after=timestamp(at), due_before=timestamp(at.add(hours=1)))
        )
        assert [instant(event.due_time) for event in after] == [at]
        before = pb.ListEventsRequest(due_after=timestamp(at.subtract(hours=1)), due_before=timestamp(at))
        assert await listed(replica, before) == []


async def test_a_rules_event_has_a_creation_once_it_is_decided(world: World) -> None:
    """Planned it has none; ended it came to be when it was decided, and can be found by that."""
    world.feed.put_tenant(START)
    world.feed.put_user("u0", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START)
    await until(lambda: world.sent_to("u0"))
    sent, planned = await listed(replica, pb.ListEventsRequest())
    assert sent.create_time == sent.decide_time
    assert not planned.HasField("create_time")
    found = await listed(replica, pb.ListEventsRequest(created_after=sent.create_time))
    assert found == [sent]


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
        pb.ListEventsRequest(page_token=token, metadata={"a": "b"}),
        pb.ListEventsRequest(page_token=token, priority=2),
        pb.ListEventsRequest(page_token=token, created_before=Timestamp(seconds=1)),
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
    early, late = Timestamp(seconds=1), Timestamp(seconds=2)
    for turned, field in (
        (pb.ListEventsRequest(due_after=late, due_before=early), "due_after"),
        (pb.ListEventsRequest(created_after=late, created_before=late), "created_after"),
    ):
        wrong = await refusal(replica.events.ListEvents(turned, metadata=KEY))
        assert field in wrong.fields
    nul = pb.ListEventsRequest(metadata={"a": "\x00"})
    assert "metadata" in (await refusal(replica.events.ListEvents(nul, metadata=KEY))).fields
    many = pb.ListEventsRequest(metadata={str(n): "" for n in range(11)})
    assert "metadata" in (await refusal(replica.events.ListEvents(many, metadata=KEY))).fields
    wrong = await refusal(replica.events.GetEvent(pb.GetEventRequest(event_id="evt_x"), metadata=KEY))
    assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT
    nobody = pb.GetEventRequest(event_id=event_id(b"\x00" * 16, "2028"))
    assert (await refusal(replica.events.GetEvent(nobody, metadata=KEY))).code is grpc.StatusCode.NOT_FOUND
