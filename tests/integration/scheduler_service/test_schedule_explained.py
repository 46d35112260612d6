"""Why one message leaves when it does, or why it does not: by its id, or by person, rule and date."""

import grpc
import pytest
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import leap_day_rule_pb2
from redletter.scheduler.v1 import event_pb2, event_service_pb2, event_type_pb2
from redletter.scheduler.v1 import schedule_service_pb2 as pb
from redletter.user.v1 import preferences_pb2

from chassis.wire import instant, timestamp
from tests.integration.scheduler_service.conftest import KEY, World, until, utc
from tests.integration.scheduler_service.event_calls import asked, created, planned_event
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import Rules, greeting
from tests.integration.scheduler_service.schedule_calls import (
    EXPIRED,
    PLANNED,
    SENT,
    SUPPRESSED,
    day,
    explained,
    shifts,
    stub,
)

ENROLLED = utc("2027-01-01T00:00:00+00:00")
START = utc("2027-03-02T08:59:58+00:00")


async def test_a_planned_event(world: World) -> None:
    """By its id and by person and rule: the same answer, in fields and in words."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "Asia/Kathmandu", month=5, day=17, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("ada")
    event = await planned_event(replica, "ada")
    found = await explained(replica, event_id=event.event_id)
    assert found == await explained(replica, "ada")
    assert (found.state, found.cycle, found.event_id) == (PLANNED, "2027", event.event_id)
    assert (found.time_zone, found.utc_offset) == ("Asia/Kathmandu", "+05:45")
    assert found.due_time == event.due_time == found.nominal_due_time
    assert (found.deliver_by, found.occurrence_date) == (event.deliver_by, day(2027, 5, 17))
    assert found.sentence.startswith(
        'Cycle 2027 of "birthday" (yearly, on the birthday, at 09:00) is due at 2027-05-17 09:00 in Asia/Kathmandu'
    )
    assert found.tzdata_version
    assert not found.steps


async def test_what_has_ended(world: World) -> None:
    """Sent, suppressed and expired: the state and reason as they were recorded, also by date."""
    unwanted = preferences_pb2.Preferences(
        event_types=[preferences_pb2.EventTypePreference(event_type_id="birthday", opted_out=True)]
    )
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("sent", "UTC", month=3, day=2, enrolled=ENROLLED)
    world.feed.put_user("spared", "UTC", month=3, day=2, enrolled=ENROLLED, preferences=unwanted)
    world.feed.put_user("missed", "UTC", month=3, day=1, enrolled=ENROLLED)
    replica = await world.start(START)
    await until(lambda: world.sent_to("sent"))
    wanted = {
        "sent": (SENT, event_pb2.EVENT_REASON_UNSPECIFIED, day(2027, 3, 2), "was sent."),
        "spared": (SUPPRESSED, event_pb2.EVENT_REASON_OPTED_OUT, day(2027, 3, 2), "opted out"),
        "missed": (EXPIRED, event_pb2.EVENT_REASON_MISSED, day(2027, 3, 1), "nobody decided it in time"),
    }
    for name, (state, reason, on, words) in wanted.items():
        row = await world.ended(name)
        found = await explained(replica, event_id=row["event_id"])
        assert (found.state, found.reason, found.occurrence_date) == (state, reason, on)
        assert words in found.sentence
        assert await explained(replica, name, on_or_after=on) == found
        assert (await explained(replica, name)).cycle == "2028"


async def test_a_late_event_after_the_rule_has_changed(world: World) -> None:
    """The past is told in the words of the rule as it was when it was decided."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=3, day=2, enrolled=ENROLLED)
    replica = await world.start(utc("2027-03-02T17:00:00+00:00"))
    await until(lambda: world.sent_to("ada"))
    await Rules(replica).update(greeting("birthday", local_time=TimeOfDay(hours=11)), "local_time")
    found = await explained(replica, "ada", on_or_after=day(2027, 3, 2))
    assert "at 09:00) was due at 2027-03-02 09:00 in UTC" in found.sentence
    assert "was sent late, at 2027-03-02T17:00" in found.sentence
    assert found.event_type_version == 1


async def test_a_future_turn_by_date(world: World) -> None:
    """In five years, with the id it will have; a leap day shows where it is kept, and what it passes over."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "Europe/Berlin", month=2, day=29, enrolled=ENROLLED)
    omit = leap_day_rule_pb2.LEAP_DAY_RULE_OMIT
    world.feed.put_user("eve", "Europe/Berlin", month=2, day=29, enrolled=ENROLLED, leap=omit)
    replica = await world.start(START)
    plan = await world.planned("ada")
    found = await explained(replica, "ada", on_or_after=day(2030, 1, 1))
    assert (found.cycle, found.occurrence_date, found.state) == ("2030", day(2030, 2, 28), PLANNED)
    open_one = await explained(replica, "ada")
    assert found.event_id == open_one.event_id.removesuffix(plan["cycle"]) + "2030"
    assert shifts(found) == ["LEAP_DAY"]
    assert "2030-02-29 does not exist, BACKWARD: 2030-02-28" in found.sentence
    await world.planned("eve")
    omitted = await explained(replica, "eve", on_or_after=day(2029, 1, 1))
    assert (omitted.cycle, omitted.occurrence_date) == ("2032", day(2032, 2, 29))
    assert "with OMIT has no cycle in 2029" in omitted.sentence


async def test_a_skipped_hour_in_berlin(world: World) -> None:
    """02:30 on the last Sunday in March does not exist: 03:30, with the step in words."""
    wants = preferences_pb2.Preferences(
        event_types=[
            preferences_pb2.EventTypePreference(
                event_type_id="birthday", local_time=TimeOfDay(hours=2, minutes=30)
            )
        ]
    )
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "Europe/Berlin", month=3, day=28, enrolled=ENROLLED, preferences=wants)
    replica = await world.start(START)
    await world.planned("ada")
    found = await explained(replica, "ada")
    assert shifts(found) == ["GAP"]
    assert found.steps[0].text == "2027-03-28 02:30 does not exist in Europe/Berlin: 2027-03-28 03:30"
    assert instant(found.due_time) == utc("2027-03-28T01:30:00+00:00")
    assert list(found.preferences) == ["own local time 02:30"]


async def test_preferences_quiet_hours_and_what_was_moved_by_hand(world: World) -> None:
    """Quiet hours defer it and are named; an instant chosen by hand stands above them."""
    quiet = preferences_pb2.QuietHours(start=TimeOfDay(hours=8), end=TimeOfDay(hours=10, minutes=30))
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user(
        "ada",
        "UTC",
        month=5,
        day=17,
        enrolled=ENROLLED,
        preferences=preferences_pb2.Preferences(quiet_hours=quiet),
    )
    replica = await world.start(START)
    await world.planned("ada")
    found = await explained(replica, "ada")
    assert (shifts(found), list(found.preferences)) == (["QUIET_HOURS"], ["quiet hours 08:00 to 10:30"])
    assert instant(found.nominal_due_time) == utc("2027-05-17T09:00:00+00:00")
    assert instant(found.due_time) == utc("2027-05-17T10:30:00+00:00")
    chosen = utc("2027-05-17T08:15:00+00:00")
    request = event_service_pb2.RescheduleEventRequest(event_id=found.event_id, due_time=timestamp(chosen))
    await replica.events.RescheduleEvent(request, metadata=KEY)
    moved = await explained(replica, event_id=found.event_id)
    assert (shifts(moved), instant(moved.due_time)) == (["OVERRIDE"], chosen)
    assert "chosen by hand" in moved.sentence


async def test_why_there_is_no_turn(world: World) -> None:
    """Enrolled after the hour; a rule on request; paused; no occasion of the kind: each says so."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("late", "UTC", month=3, day=2, enrolled=START.add(seconds=5))
    replica = await world.start(START.add(seconds=5))
    await world.planned("late")
    after = await explained(replica, "late", on_or_after=day(2027, 3, 2))
    assert "it was due before the person or the rule was enrolled" in after.sentence
    assert (after.state, after.cycle) == (event_pb2.Event.STATE_UNSPECIFIED, "2027")
    wedding = await explained(replica, "late", "anniversary")
    assert (wedding.reason, wedding.event_id) == (event_pb2.EVENT_REASON_OCCASION_REMOVED, "")
    assert (await explained(replica, "late", occasion_id="other")).reason == wedding.reason
    rules = Rules(replica)
    await rules.create(greeting("note", occasion_kind="", recurrence=event_type_pb2.RECURRENCE_NONE))
    assert "made through the API" in (await explained(replica, "late", "note")).sentence
    await rules.pause("birthday")
    paused = await explained(replica, "late", on_or_after=day(2028, 3, 2))
    assert (paused.state, paused.reason) == (SUPPRESSED, event_pb2.EVENT_REASON_PAUSED)


async def test_a_callers_own_event(world: World) -> None:
    """Planned and sent: the words say who asked for it."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=5, day=17, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("ada")
    later = timestamp(START.add(hours=100))
    planned = (await created(replica, asked("later", "ada", due_time=later))).event.event_id
    found = await explained(replica, event_id=planned)
    assert (found.state, found.cycle, found.due_time) == (PLANNED, "once", later)
    assert "asked for by a caller" in found.sentence
    now = (await created(replica, asked("now", "ada"))).event.event_id
    await until(lambda: now in world.intake.accepted)
    sent = await explained(replica, event_id=now)
    assert sent.state == SENT
    assert "(made by a caller)" in sent.sentence


async def test_what_cannot_be_explained(world: World) -> None:
    """Unknown people, rules and events are NOT_FOUND; dates and missing fields are refused where they are."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "UTC", month=5, day=17, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("ada")
    event_id = (await explained(replica, "ada")).event_id
    for wrong in (
        explained(replica, "nobody"),
        explained(replica, "ada", "nothing"),
        explained(replica, event_id=event_id.replace("_2027", "_2031")),
    ):
        assert (await refusal(wrong)).code is grpc.StatusCode.NOT_FOUND
    for on in (day(2027, 2, 30), Date(year=2027), day(1, 1, 1), day(9999, 12, 31)):
        found = await refusal(explained(replica, "ada", on_or_after=on))
        assert (found.code, list(found.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["on_or_after"])
    for request, field in (
        (pb.ExplainScheduleRequest(), "user_id"),
        (pb.ExplainScheduleRequest(user_id="ada"), "event_type_id"),
        (pb.ExplainScheduleRequest(event_id="evt_" + "z" * 26 + "_2027"), "event_id"),
        (pb.ExplainScheduleRequest(event_id="birthday"), "event_id"),
    ):
        found = await refusal(stub(replica).ExplainSchedule(request, metadata=KEY))
        assert (found.code, list(found.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


@pytest.mark.parametrize("year", [4, 9995])
async def test_the_ends_of_the_calendar(world: World, year: int) -> None:
    """The first and the last year that may be asked about are answered, not an internal error."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("ada", "Pacific/Kiritimati", month=12, day=31, enrolled=ENROLLED)
    replica = await world.start(START)
    await world.planned("ada")
    assert (await explained(replica, "ada", on_or_after=day(year, 12, 31))).cycle == f"{year:04d}"
