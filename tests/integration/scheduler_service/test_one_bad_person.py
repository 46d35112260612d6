"""One person who cannot be planned or rendered stops nobody else."""

import pytest
from redletter.user.v1 import care_switch_pb2, preferences_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import World, eventually, until, utc

START = utc("2028-03-02T08:59:59.5+00:00")


async def test_who_cannot_be_planned_is_kept_aside(world: World) -> None:
    """A zone of a newer tzdata, a date that is none, broken attributes: kept, and nobody behind them waits."""
    world.feed.put_tenant(START)
    world.feed.put_user("zone", "Mars/Olympus", month=3, day=2, enrolled=START)
    world.feed.put_user("date", "UTC", month=13, day=45, enrolled=START)
    world.feed.put_user("attributes", "UTC", month=3, day=2, enrolled=START, attributes=b"{")
    world.feed.put_user("good", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: bool(world.sent_to("good")) and not world.feed.changes)
    assert await parked_people(world) == {"zone", "date", "attributes"}
    world.feed.put_user("zone", "UTC", month=3, day=2, enrolled=START)
    await world.planned("zone")
    assert await parked_people(world) == {"date", "attributes"}


async def test_the_next_leader_tries_whom_the_last_one_could_not_plan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed for old zone data is planned by a leader with newer ones, without another change."""
    world.feed.put_tenant(START)
    with monkeypatch.context() as patch:
        patch.setattr("scheduler_service.workers.people.recipient_of", refuse)
        world.feed.put_user("late", "UTC", month=7, day=1, enrolled=START)
        first = await world.start(START)
        await until(lambda: not world.feed.changes)
        assert await parked_people(world) == {"late"}
        await first.stop()
    await world.start(START)
    await world.planned("late")
    assert await parked_people(world) == set()


async def test_never_again_holds_for_somebody_who_cannot_be_planned(world: World) -> None:
    """The switch and the opt-out come with a zone that nobody knows here, or with broken attributes."""
    world.feed.put_tenant(START)
    for name in ("care", "opted", "broken"):
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=START)
    await world.start(START.subtract(seconds=4))
    for name in ("care", "opted", "broken"):
        await world.planned(name)
    switch = [
        feed_pb2.CareSwitchState(state=care_switch_pb2.CareSwitch.STATE_SET, change_time=timestamp(START))
    ]
    out = preferences_pb2.Preferences(
        event_types=[preferences_pb2.EventTypePreference(event_type_id="birthday", opted_out=True)]
    )
    world.feed.put_user("care", "Mars/Olympus", month=3, day=2, enrolled=START, care=switch)
    world.feed.put_user("opted", "Mars/Olympus", month=3, day=2, enrolled=START, preferences=out)
    world.feed.put_user("broken", "UTC", month=3, day=2, enrolled=START, attributes=b"{", care=switch)
    await world.drained()
    reasons = {name: (await world.ended(name))["reason"] for name in ("care", "opted", "broken")}
    assert reasons == {"care": "CARE_SWITCH", "opted": "OPTED_OUT", "broken": "CARE_SWITCH"}
    assert await parked_people(world) == {"care", "opted", "broken"}


async def test_who_is_kept_aside_is_no_ghost_after_a_restore(world: World) -> None:
    """The new epoch has confirmed them, although they could not be planned again."""
    world.feed.put_tenant(START)
    world.feed.put_user("odd", "UTC", month=7, day=1, enrolled=START)
    world.feed.put_user("gone", "UTC", month=7, day=1, enrolled=START)
    await world.start(START)
    await world.planned("odd")
    await world.planned("gone")
    world.feed.epoch = "epoch-2"
    world.feed.put_tenant(START)
    world.feed.put_user("odd", "Mars/Olympus", month=7, day=1, enrolled=START)

    async def only_odd() -> bool:
        return [r["user_id"] for r in await world.rows("SELECT user_id FROM recipients")] == ["odd"]

    await eventually(only_odd)
    assert await world.planned("odd")


def refuse(_change: object) -> None:
    """Fail as zone data that do not know the zone."""
    raise ValueError("unknown zone")


async def parked_people(world: World) -> set[str]:
    """Return who is kept aside."""
    return {row["user_id"] for row in await world.rows("SELECT user_id FROM parked")}


async def test_whose_message_cannot_be_made_fails_alone(world: World) -> None:
    """FAILED with its reason, next year is planned, and the others of the same batch are sent."""
    world.feed.put_tenant(START)
    world.feed.put_user("odd", "UTC", month=3, day=2, enrolled=START, attributes=b"[1]")
    world.feed.put_user("good", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)
    await until(lambda: world.sent_to("good"))
    event = await world.ended("odd")
    assert (event["state"], event["reason"]) == ("FAILED", "RENDER")
    assert (await world.planned("odd"))["cycle"] == "2029"
    assert not world.sent_to("odd")
