"""What a person has chosen counts at the next decision, and stops what is under way."""

from google.type.timeofday_pb2 import TimeOfDay
from redletter.user.v1 import preferences_pb2 as pb
from whenever import Instant

from tests.integration.scheduler_service.conftest import World, until, utc

START = utc("2028-03-02T08:59:58+00:00")


def _opted_out(*names: str) -> pb.Preferences:
    return pb.Preferences(
        event_types=[pb.EventTypePreference(event_type_id=n, opted_out=True) for n in names]
    )


async def test_who_opted_out_before_due_gets_nothing(world: World) -> None:
    """The cycle ends as SUPPRESSED(OPTED_OUT), and next year's is planned."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START, preferences=_opted_out("birthday"))
    world.feed.put_user("u2", "UTC", month=3, day=2, enrolled=START, preferences=_opted_out("anniversary"))
    await world.start(START)
    event = await world.ended("u1")
    assert (event["state"], event["reason"]) == ("SUPPRESSED", "OPTED_OUT")
    assert (await world.planned("u1"))["cycle"] == "2029"
    await until(lambda: world.sent_to("u2"))
    assert not world.sent_to("u1")


async def test_opting_out_after_the_decision_stops_what_is_under_way(world: World) -> None:
    """Delivery is told of that event by its id; another type of the same person is not stopped."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: world.sent_to("u1"))
    (accepted,) = world.intake.accepted
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START, preferences=_opted_out("anniversary"))
    await world.drained()
    world.feed.put_user(
        "u1", "UTC", month=3, day=2, enrolled=START, preferences=_opted_out("anniversary", "birthday")
    )
    await until(lambda: bool(world.intake.cancelled))
    (told,) = world.intake.cancelled
    assert list(told.events.event_ids) == [accepted]
    world.feed.put_user(
        "u1", "UTC", month=3, day=2, enrolled=START, preferences=_opted_out("anniversary", "birthday"), leap=1
    )
    await world.drained()
    assert len(world.intake.cancelled) == 1
    assert await world.rows("SELECT 1 FROM cancellations") == []


async def test_own_local_time_and_quiet_hours_move_the_plan(world: World) -> None:
    """The plan says when it will really leave, and why."""
    world.feed.put_tenant(START)
    own = pb.Preferences(
        event_types=[
            pb.EventTypePreference(event_type_id="birthday", local_time=TimeOfDay(hours=18, minutes=30))
        ]
    )
    quiet = pb.Preferences(quiet_hours=pb.QuietHours(start=TimeOfDay(hours=22), end=TimeOfDay(hours=10)))
    world.feed.put_user("own", "Europe/Lisbon", month=5, day=17, enrolled=START, preferences=own)
    world.feed.put_user("quiet", "Europe/Lisbon", month=5, day=17, enrolled=START, preferences=quiet)
    await world.start(START)
    assert _due(await world.planned("own")) == utc("2028-05-17T17:30:00+00:00")
    plan = await world.planned("quiet")
    assert _due(plan) == utc("2028-05-17T09:00:00+00:00")
    assert plan["shifts"] == "QUIET_HOURS"
    assert Instant(plan["nominal_due_time"]) == utc("2028-05-17T08:00:00+00:00")


async def test_who_follows_is_greeted_where_they_are(world: World) -> None:
    """The zone that an app reports counts, until the last hour."""
    world.feed.put_tenant(START)
    away = pb.Preferences(zone_mode=pb.ZONE_MODE_FOLLOW, current_time_zone="Asia/Tokyo")
    home = pb.Preferences(zone_mode=pb.ZONE_MODE_FOLLOW, current_time_zone="Europe/Lisbon")
    world.feed.put_user(
        "u1", "Europe/Lisbon", month=3, day=2, enrolled=START.subtract(hours=24), preferences=away
    )
    world.feed.put_user("u2", "Europe/Lisbon", month=3, day=3, enrolled=START, preferences=away)
    world.feed.put_user("u3", "Europe/Lisbon", month=3, day=2, enrolled=START.subtract(hours=24))
    await world.start(START.subtract(minutes=30))
    assert _due(await world.planned("u2")) == utc("2028-03-03T00:00:00+00:00")
    assert _due(await world.planned("u3")) == utc("2028-03-02T09:00:00+00:00")
    moved = world.feed.put_user("u2", "Europe/Lisbon", month=3, day=3, enrolled=START, preferences=home)
    assert _due(await world.planned("u2", version=moved)) == utc("2028-03-03T09:00:00+00:00")
    frozen = pb.Preferences(zone_mode=pb.ZONE_MODE_FOLLOW, current_time_zone="America/Sao_Paulo")
    wavers = world.feed.put_user(
        "u3", "Europe/Lisbon", month=3, day=2, enrolled=START.subtract(hours=24), preferences=frozen
    )
    assert _due(await world.planned("u3", version=wavers)) == utc("2028-03-02T09:00:00+00:00")


def _due(plan: dict[str, object]) -> Instant:
    return Instant(plan["due_time"])  # type: ignore[call-overload]


async def test_who_wants_the_inbox_alone_gets_it_there(world: World) -> None:
    """Delivery is told the inbox for that event type, and nothing for another person's."""
    world.feed.put_tenant(START)
    wish = pb.EventTypePreference(event_type_id="birthday", channel=pb.CHANNEL_INBOX)
    world.feed.put_user(
        "u1", "UTC", month=3, day=2, enrolled=START, preferences=pb.Preferences(event_types=[wish])
    )
    world.feed.put_user("u2", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: world.sent_to("u1") and world.sent_to("u2"))
    told = {event.user_id: event.endpoint_id for event in world.intake.accepted.values()}
    assert told == {"u1": "inbox", "u2": ""}
