"""The life of an event type: paused and resumed, deleted and revived, with what a caller can watch of it."""

import grpc
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_type_pb2 as pb

from tests.integration.scheduler_service.conftest import World, eventually, until, utc
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import Rules, greeting

START = utc("2028-03-02T08:00:00+00:00")
NOT_FOUND = grpc.StatusCode.NOT_FOUND


async def with_one_person(world: World, start: object = START) -> Rules:
    """Start one replica with one person whose birthday is today."""
    since = utc("2028-03-01T08:00:00+00:00")
    world.feed.put_tenant(since)
    world.feed.put_user("u1", "UTC", month=3, day=2, year=1990, enrolled=since)
    replica = await world.start(START if start is START else start)  # type: ignore[arg-type]
    await world.planned("u1")
    return Rules(replica)


async def ended(world: World, operation_id: str) -> str:
    """Return the state of an operation, once it is over."""

    async def state() -> str:
        rows = await world.rows(
            "SELECT state FROM operations WHERE operation_id::text = $1 AND end_time IS NOT NULL",
            operation_id,
        )
        return rows[0][0] if rows else ""

    return str(await eventually(state))


async def test_pause_and_resume_can_be_repeated(world: World) -> None:
    """The second call changes nothing; a resumed rule begins anew, so that nothing missed is made up for."""
    rules = await with_one_person(world)
    await rules.create(greeting())
    ((created,),) = await world.rows("SELECT enrol_time FROM event_types WHERE event_type_id = 'greeting'")
    paused = await rules.pause("greeting")
    assert (paused.state, paused.version) == (pb.EventType.STATE_PAUSED, 2)
    assert await rules.pause("greeting") == paused
    resumed = await rules.resume("greeting")
    assert (resumed.state, resumed.version) == (pb.EventType.STATE_ACTIVE, 3)
    assert await rules.resume("greeting") == resumed
    ((row, timing),) = await world.rows(
        "SELECT enrol_time, timing_version FROM event_types WHERE event_type_id = 'greeting'"
    )
    assert row > created
    assert timing == 3
    for call in (rules.pause, rules.resume):
        assert (await refusal(call("nothing"))).code is NOT_FOUND


async def test_deleted_is_gone_but_not_forgotten(world: World) -> None:
    """Open plans end, the list hides it unless asked, its id and words can still be read; again is the same."""
    rules = await with_one_person(world)
    await rules.create(greeting())
    await world.planned("u1", "greeting")
    stale = await refusal(rules.delete("greeting", etag="7"))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    operation = await rules.delete("greeting", etag="1")
    assert await ended(world, operation) == "SUCCEEDED"
    assert (
        await world.rows("SELECT 1 FROM plans WHERE event_type_id = 'greeting' AND due_time IS NOT NULL")
        == []
    )
    assert await rules.delete("greeting") == ""
    assert await rules.delete("greeting", etag="1") == ""
    assert "greeting" not in await rules.names()
    assert "greeting" in await rules.names(show_deleted=True)
    assert (await rules.get("greeting")).state == pb.EventType.STATE_DELETED
    assert (await refusal(rules.delete("nothing"))).code is NOT_FOUND


async def test_nothing_is_done_with_a_deleted_rule(world: World) -> None:
    """A change, a pause, a preview and a test of it are NOT_FOUND, with the way back."""
    rules = await with_one_person(world)
    await rules.create(greeting())
    await rules.delete("greeting")
    for call in (
        rules.update(pb.EventType(event_type_id="greeting", display_name="x"), "display_name"),
        rules.pause("greeting"),
        rules.resume("greeting"),
        rules.preview("greeting"),
        rules.test("greeting", "u1"),
    ):
        refused = await refusal(call)
        assert refused.code is NOT_FOUND
        assert "create it again to revive it" in refused.message
    assert (await rules.get("greeting")).version == 2


async def test_revived_it_remembers_its_cycles(world: World) -> None:
    """Sent, deleted and created anew on the same day: nobody gets a second message of the cycle."""
    rules = await with_one_person(world, utc("2028-03-02T08:59:59+00:00"))
    await until(lambda: world.sent_to("u1"))
    first = await rules.get("birthday")
    await rules.delete("birthday")
    revived = await rules.create(
        greeting("birthday", local_time=TimeOfDay(hours=23), templates=[pb.Template(body="again")])
    )
    assert (revived.version, revived.state, revived.built_in) == (3, pb.EventType.STATE_ACTIVE, True)
    assert revived.create_time == first.create_time
    assert revived.templates[0].body == "again"
    plan = await world.planned("u1")
    assert (plan["cycle"], plan["last_cycle"]) == ("2029", "2028")
    assert len(world.intake.accepted) == 1


async def test_only_the_same_kind_of_rule_is_revived(world: World) -> None:
    """Another kind of occasion or another recurrence is ALREADY_EXISTS, and so is what is not deleted."""
    rules = await with_one_person(world)
    await rules.create(greeting())
    taken = await refusal(rules.create(greeting()))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS_DIFFERENT")
    await rules.delete("greeting")
    for other in (greeting(occasion_kind="anniversary"), greeting(recurrence=pb.RECURRENCE_MONTHLY)):
        refused = await refusal(rules.create(other))
        assert refused.code is grpc.StatusCode.ALREADY_EXISTS
        assert "revived with the same" in refused.message
    assert (await rules.create(greeting())).version == 3


async def test_a_new_timing_can_be_watched(world: World) -> None:
    """The operation of a change is there with the answer, and succeeds once everybody is planned anew."""
    rules = await with_one_person(world)
    await rules.create(greeting())
    await world.planned("u1", "greeting")
    edit = pb.EventType(event_type_id="greeting", local_time=TimeOfDay(hours=12))
    operation = (await rules.update(edit, "local_time")).operation_id
    ((kind, subject),) = await world.rows(
        "SELECT kind, subject FROM operations WHERE operation_id::text = $1", operation
    )
    assert (kind, subject) == ("replan_event_type", "greeting")
    assert await ended(world, operation) == "SUCCEEDED"
    plan = await world.planned("u1", "greeting")
    assert plan["due_time"] == utc("2028-03-02T12:00:00+00:00").to_stdlib()


async def test_a_newer_timing_takes_over(world: World) -> None:
    """Of two changes in a row the older operation is cancelled and names the newer one."""
    replica = await world.start(START)  # without a tenant in the feed nothing is planned: both stay open
    rules = Rules(replica)
    await rules.create(greeting())
    edits = [pb.EventType(event_type_id="greeting", day_offset=n) for n in (1, 2)]
    first, second = [(await rules.update(edit, "day_offset")).operation_id for edit in edits]
    rows = await world.rows("SELECT operation_id::text, state, error, end_time FROM operations")
    found = {row[0]: (row[1], row[2], row[3]) for row in rows}
    assert len(found) == 3  # creating plans people, too
    assert found[second] == ("PENDING", "", None)
    state, error, end = found[first]
    assert (state, end is None) == ("CANCELLED", False)
    assert second in error


async def test_every_version_can_be_read(world: World) -> None:
    """What a rule was under a version that an event names is answered, and what it never was is NOT_FOUND."""
    rules = await with_one_person(world)
    first = await rules.create(greeting(deliver_within={"seconds": 7200}, min_gap={"seconds": 86400}))
    edit = pb.EventType(event_type_id="greeting", templates=[pb.Template(title="New", body="words")])
    second = (await rules.update(edit, "templates")).event_type
    await rules.delete("greeting")
    assert await rules.get("greeting", version=1) == first
    assert await rules.get("greeting", version=2) == second
    assert (await rules.get("greeting", version=3)).state == pb.EventType.STATE_DELETED
    assert await rules.get("greeting") == await rules.get("greeting", version=3)
    refused = await refusal(rules.get("greeting", version=4))
    assert refused.code is NOT_FOUND
    assert "the current one is 3" in refused.message
    assert (await refusal(rules.get("nothing", version=1))).code is NOT_FOUND
    assert (await refusal(rules.get("greeting", version=-1))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_version_from_before_the_memory_is_kept(world: World) -> None:
    """A rule that was stored before versions were is remembered with its first change."""
    rules = Rules(await world.start(START))
    first = await rules.create(greeting())
    await world.rows("DELETE FROM event_type_versions")
    await rules.pause("greeting")
    assert await rules.get("greeting", version=1) == first


async def test_an_event_names_the_version_it_was_decided_with(world: World) -> None:
    """The words of a message can be read under the version that its event records."""
    rules = await with_one_person(world, utc("2028-03-02T08:59:59+00:00"))
    await until(lambda: world.sent_to("u1"))
    event = await world.ended("u1")
    edit = pb.EventType(event_type_id="birthday", templates=[pb.Template(title="New", body="words")])
    await rules.update(edit, "templates")
    then = await rules.get("birthday", version=event["event_type_version"])
    assert "Happy birthday" in then.templates[0].title


async def test_late_messages_have_their_own_words(world: World) -> None:
    """A rule moved to an hour that is over sends at once, late, in its belated words."""
    rules = await with_one_person(world)
    words = pb.Template(title="Today", body="on time", belated_title="", belated_body="sorry, late")
    await rules.create(greeting(local_time=TimeOfDay(hours=20), templates=[words]))
    await world.planned("u1", "greeting")
    edit = pb.EventType(event_type_id="greeting", local_time=TimeOfDay(hours=7))
    await rules.update(edit, "local_time")
    await until(lambda: world.sent_to("u1"))
    data = world.body_of("u1")["data"]
    assert data["late"] is True
    assert data["message"] == {"title": "Today", "body": "sorry, late", "locale": "en"}
