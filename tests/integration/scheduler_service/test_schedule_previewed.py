"""The next events of a person, as they then really are planned and sent."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_pb2, event_service_pb2, event_type_pb2
from redletter.user.v1 import preferences_pb2

from chassis.wire import instant, timestamp
from tests.integration.scheduler_service.conftest import KEY, World, eventually, until, utc
from tests.integration.scheduler_service.event_calls import asked, created
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import Rules, greeting
from tests.integration.scheduler_service.schedule_calls import PLANNED, SUPPRESSED, previewed

ENROLLED = utc("2027-01-01T00:00:00+00:00")
START = utc("2027-05-17T06:00:00+00:00")
DAILY = {
    "occasion_kind": "habit",
    "recurrence": event_type_pb2.RECURRENCE_RRULE,
    "rrule": "FREQ=DAILY",
    "local_time": TimeOfDay(hours=9),
}


async def test_it_is_what_then_happens(world: World) -> None:
    """A daily rule with a spread, seen at 100,000 times the speed of time: ids and due times come true."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "Europe/Berlin", kind="habit", month=5, day=1, enrolled=START)
    replica = await world.start(START)
    await Rules(replica).create(greeting("habit", **DAILY, spread=Duration(seconds=7200)))
    await world.planned("ada", "habit")
    await eventually(lambda: _walked(world))
    shown = await previewed(replica, "ada", count=8)
    assert [event.cycle for event in shown] == [f"202705{n}" for n in range(17, 25)]
    await replica.stop()
    world.anchor = None
    await world.start(START, speed=100_000)

    async def happened() -> bool:
        return len(await world.rows("SELECT 1 FROM events WHERE state = 'SENT'")) >= len(shown)

    await eventually(happened, within=30)
    rows = await world.rows("SELECT event_id, due_time FROM events ORDER BY due_time")
    assert [(row["event_id"], row["due_time"]) for row in rows[: len(shown)]] == [
        (event.event_id, instant(event.due_time).to_stdlib()) for event in shown
    ]


async def _walked(world: World) -> bool:
    return await world.rows("SELECT 1 FROM event_types WHERE replanned_version < timing_version") == []


async def test_everything_of_a_person_in_due_order(world: World) -> None:
    """Rules, their later cycles, what a caller asked for and what was moved by hand, next to each other."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=6, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    plan = await world.planned("ada")
    own = await created(replica, asked("own", "ada", due_time=timestamp(utc("2027-09-01T00:00:00+00:00"))))
    shown = await previewed(replica, "ada")
    assert len(shown) == 10
    assert [event.cycle for event in shown[:4]] == ["2027", "once", "2028", "2029"]
    assert shown[1].event_id == own.event.event_id
    moved = utc("2027-12-24T18:00:00+00:00")
    request = event_service_pb2.RescheduleEventRequest(event_id=shown[0].event_id, due_time=timestamp(moved))
    await replica.events.RescheduleEvent(request, metadata=KEY)
    shown = await previewed(replica, "ada", count=3)
    assert [event.cycle for event in shown] == ["once", "2027", "2028"]
    assert instant(shown[1].due_time) == moved
    assert plan["cycle"] == "2027"
    only = await previewed(replica, "ada", count=2, event_type_id="birthday")
    assert {event.event_type_id for event in only} == {"birthday"}


async def test_what_will_not_leave_says_why(world: World) -> None:
    """Opted out: each of its turns is shown as it will end."""
    unwanted = preferences_pb2.Preferences(
        event_types=[preferences_pb2.EventTypePreference(event_type_id="birthday", opted_out=True)]
    )
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=6, day=1, enrolled=ENROLLED, preferences=unwanted)
    replica = await world.start(START)
    await world.planned("ada")
    for event in await previewed(replica, "ada", count=2):
        assert (event.state, event.reason) == (SUPPRESSED, event_pb2.EVENT_REASON_OPTED_OUT)


async def test_what_was_decided_is_behind(world: World) -> None:
    """After nine the next one is next year's."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=5, day=17, enrolled=ENROLLED)
    replica = await world.start(utc("2027-05-17T08:59:58+00:00"))
    await world.planned("ada")
    [before] = await previewed(replica, "ada", count=1)
    assert (before.cycle, before.state) == ("2027", PLANNED)
    await until(lambda: world.sent_to("ada"))

    async def next_year() -> bool:
        return (await previewed(replica, "ada", count=1))[0].cycle == "2028"

    await eventually(next_year)


async def test_nothing_to_show(world: World) -> None:
    """No event of a rule without turns; unknown people and rules are NOT_FOUND."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=6, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("ada")
    assert await previewed(replica, "ada", event_type_id="anniversary") == []
    for wrong in (previewed(replica, "nobody"), previewed(replica, "ada", event_type_id="nothing")):
        assert (await refusal(wrong)).code is grpc.StatusCode.NOT_FOUND
    assert list((await refusal(previewed(replica, "ada", count=101))).fields) == ["count"]
