"""A tenant's own rules, made and changed while the scheduler runs."""

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_type_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb
from whenever import Instant

from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.conftest import (
    KEY,
    OPERATOR,
    OTHER_KEY,
    Replica,
    World,
    eventually,
    until,
    utc,
)
from tests.integration.scheduler_service.refusals import refusal

START = utc("2028-03-02T08:00:00+00:00")


def at(hour: int, minute: int = 0, second: int = 0) -> TimeOfDay:
    """Return a wall-clock time."""
    return TimeOfDay(hours=hour, minutes=minute, seconds=second)


def greeting(
    name: str = "greeting", *, time: TimeOfDay | None = None, title: str = "Hello", body: str = "there"
) -> pb.EventType:
    """Return an event type for birthdays."""
    return pb.EventType(
        event_type_id=name,
        occasion_kind="birthday",
        local_time=time or at(10),
        templates=[pb.Template(title=title, body=body)],
    )


async def create(replica: Replica, wire: pb.EventType) -> pb.EventType:
    """Create an event type as the tenant."""
    request = service_pb.CreateEventTypeRequest(event_type=wire)
    return (await replica.event_types.CreateEventType(request, metadata=KEY)).event_type


async def update(replica: Replica, wire: pb.EventType, *paths: str) -> pb.EventType:
    """Change the named fields as the tenant."""
    request = service_pb.UpdateEventTypeRequest(event_type=wire, update_mask=FieldMask(paths=paths))
    return (await replica.event_types.UpdateEventType(request, metadata=KEY)).event_type


async def world_with_one_person(world: World, start: Instant = START) -> Replica:
    """Start one replica with one person whose birthday is today."""
    world.feed.put_tenant(start)
    world.feed.put_user("u1", "UTC", month=3, day=2, year=1990, enrolled=start)
    replica = await world.start(start)
    await world.planned("u1")
    return replica


async def test_a_new_rule_plans_people_and_a_new_time_moves_them(world: World) -> None:
    """Everybody with the occasion is planned; another local time keeps the event's id and moves its due time."""
    replica = await world_with_one_person(world)
    made = await create(replica, greeting())
    assert (made.version, made.etag, made.state, made.display_name) == (
        1,
        "1",
        pb.EventType.STATE_ACTIVE,
        "greeting",
    )
    before = await world.planned("u1", "greeting")
    assert before["due_time"] == utc("2028-03-02T10:00:00+00:00").to_stdlib()
    changed = await update(
        replica, pb.EventType(event_type_id="greeting", local_time=at(11, 30)), "local_time"
    )
    assert changed.version == 2

    async def moved() -> object:
        plan = await world.planned("u1", "greeting")
        return plan if plan["due_time"] == utc("2028-03-02T11:30:00+00:00").to_stdlib() else None

    after = await eventually(moved)
    assert event_id(after["plan_id"], after["cycle"]) == event_id(before["plan_id"], before["cycle"])
    assert after["version"] > before["version"]


async def test_a_rule_moved_to_an_earlier_hour_sends_late(world: World) -> None:
    """The new hour has passed and the day has not: the event leaves now, marked late."""
    replica = await world_with_one_person(world)
    await create(replica, greeting(time=at(20)))
    await world.planned("u1", "greeting")
    await update(replica, pb.EventType(event_type_id="greeting", local_time=at(7)), "local_time")
    await until(lambda: world.sent_to("u1"))
    data = world.body_of("u1")["data"]
    assert (data["event_type"], data["late"]) == ("greeting", True)


async def test_paused_nothing_leaves_and_resumed_it_does_again(world: World) -> None:
    """A paused rule sends nothing at its hour while others do; resumed, its people are planned again."""
    replica = await world_with_one_person(world, utc("2028-03-02T08:59:58.8+00:00"))
    await create(replica, greeting("paused", time=at(9)))
    await world.planned("u1", "paused")
    paused = pb.EventType(event_type_id="paused", state=pb.EventType.STATE_PAUSED)
    assert (await update(replica, paused, "state")).state == pb.EventType.STATE_PAUSED
    await until(lambda: world.sent_to("u1"))
    assert world.body_of("u1")["type"] == "birthday"
    assert await world.rows("SELECT 1 FROM events WHERE event_type_id = 'paused' AND state = 'SENT'") == []
    await update(replica, pb.EventType(event_type_id="paused", state=pb.EventType.STATE_ACTIVE), "state")
    assert (await world.planned("u1", "paused"))["cycle"] == "2029"
    assert len(world.intake.accepted) == 1


async def test_a_template_edited_after_rendering_ahead_is_the_one_that_leaves(world: World) -> None:
    """The message was rendered under version 1; what is sent has the words and the version of the edit."""
    start = utc("2028-03-02T08:59:58.4+00:00")
    replica = await world_with_one_person(world, start)
    await until(lambda: replica.clock.now() > start.add(milliseconds=900))
    edited = pb.EventType(
        event_type_id="birthday", templates=[pb.Template(title="New words", body="for you")]
    )
    version = (await update(replica, edited, "templates")).version
    await until(lambda: world.sent_to("u1"))
    assert world.body_of("u1")["data"]["message"]["title"] == "New words"
    event = await world.ended("u1")
    assert event["event_type_version"] == version == 2
    assert (await world.planned("u1"))["cycle"] == "2029"


async def test_bad_templates_are_refused_at_their_field(world: World) -> None:
    """Each refusal names the template and what is wrong with it, and stores nothing."""
    replica = await world.start(START)
    cases = {
        "You turn {{ turns }}": "a person whose birth year is unknown",
        "{% set x = 1 %}{{ x }}": "'set' is not allowed",
        "{{ user.name | replace('a', 'b') }}": "'replace' is not allowed",
        "{{ user.name ": "never closed",
        "{% if turns is defined %}x": "is not a template",
        "{% for a in user.name | default('x') %}{{ user.name | default('x') }}{% endfor %}": "very long name",
    }
    for body, why in cases.items():
        refused = await refusal(create(replica, greeting(body=body)))
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT, body
        assert refused.reason == "INVALID_TEMPLATE"
        assert why in refused.fields["event_type.templates[0].body"]
    huge = await refusal(create(replica, greeting(body="x" * 8193)))
    assert huge.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "event_type.templates[0].body" in huge.fields
    many = greeting()
    many.templates.extend(
        pb.Template(locale=f"de-{n:08d}", title="{{ a ~ b }}", body="{{ a ~ b }}") for n in range(49)
    )
    refused = await refusal(create(replica, many))
    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_TEMPLATE")
    assert "event_type.templates[1].title" in refused.fields
    twice = greeting()
    twice.templates.extend([pb.Template(locale="de", body="a"), pb.Template(locale="DE", body="b")])
    assert "same locale" in (await refusal(create(replica, twice))).fields["event_type.templates"]
    fallback = greeting()
    fallback.templates[0].locale = "de"
    assert (await refusal(create(replica, fallback))).code is grpc.StatusCode.INVALID_ARGUMENT
    assert await world.rows("SELECT 1 FROM event_types") == []


async def test_wrong_calls_are_answered_with_their_own_status(world: World) -> None:
    """A stale etag, a taken id, an unknown id, an operator's key, a wrong mask and a wrong token differ."""
    replica = await world.start(START)
    await create(replica, greeting())
    fresh = await update(
        replica, pb.EventType(event_type_id="greeting", display_name="Hi", etag="1"), "display_name"
    )
    assert fresh.etag == "2"
    stale = await refusal(
        update(replica, pb.EventType(event_type_id="greeting", display_name="No", etag="1"), "display_name")
    )
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    same = await update(replica, pb.EventType(event_type_id="greeting", display_name="Hi"), "display_name")
    assert same.etag == "2"
    taken = await refusal(create(replica, greeting()))
    assert taken.code is grpc.StatusCode.ALREADY_EXISTS
    stub = replica.event_types
    get = service_pb.GetEventTypeRequest
    unknown = await refusal(stub.GetEventType(get(event_type_id="nothing"), metadata=KEY))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    foreign = await refusal(stub.GetEventType(get(event_type_id="greeting"), metadata=OTHER_KEY))
    assert foreign.code is grpc.StatusCode.NOT_FOUND
    operator = await refusal(stub.GetEventType(get(event_type_id="greeting"), metadata=OPERATOR))
    assert operator.code is grpc.StatusCode.PERMISSION_DENIED
    nobody = await refusal(stub.GetEventType(get(event_type_id="greeting")))
    assert nobody.code is grpc.StatusCode.UNAUTHENTICATED
    mask = await refusal(update(replica, greeting(), "occasion_kind"))
    assert mask.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "update_mask" in mask.fields
    late = await refusal(create(replica, greeting("late", time=at(24))))
    assert late.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "event_type.local_time" in late.fields


async def test_pages_of_event_types(world: World) -> None:
    """Every event type is on exactly one page; a token of another listing or of nobody is refused."""
    replica = await world.start(START)
    names = [f"rule-{n:02d}" for n in range(7)]
    for name in names:
        await create(replica, greeting(name))
    seen: list[str] = []
    token = ""
    while True:
        request = service_pb.ListEventTypesRequest(page_size=3, page_token=token)
        page = await replica.event_types.ListEventTypes(request, metadata=KEY)
        seen += [found.event_type_id for found in page.event_types]
        if not page.next_page_token:
            break
        token = page.next_page_token
    assert seen == names
    other = await replica.event_types.ListEventTypes(service_pb.ListEventTypesRequest(), metadata=OTHER_KEY)
    assert not other.event_types
    for metadata, given in ((OTHER_KEY, token), (KEY, "nonsense")):
        request = service_pb.ListEventTypesRequest(page_token=given)
        wrong = await refusal(replica.event_types.ListEventTypes(request, metadata=metadata))
        assert (wrong.code, wrong.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
