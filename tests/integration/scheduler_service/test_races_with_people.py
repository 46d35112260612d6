"""A decision against a change of the person it is about, each just before and just after the decision."""

from typing import Final

import pytest
from google.type.timeofday_pb2 import TimeOfDay
from redletter.user.v1 import care_switch_pb2, preferences_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb

from chassis.wire import timestamp
from tests.integration.scheduler_service.barriers import (
    DECISION,
    NOTHING,
    OTHER,
    SINCE,
    STOPPED,
    Act,
    Arena,
    Race,
    both,
    deleted,
)
from tests.integration.scheduler_service.conftest import World, utc

NINE_IN_LOS_ANGELES: Final = utc("2028-03-02T17:00:01+00:00")
TOMORROW: Final = utc("2028-03-03T14:00:01+00:00")


def changed(**instead: object) -> Act:
    """Return a change of u1."""

    async def change(arena: Arena, _name: str) -> str:
        arena.put(**instead)
        return await arena.followed()

    return change


def preferring(**wanted: object) -> Act:
    """Return a preference of u1 about birthdays."""
    one = preferences_pb2.EventTypePreference(event_type_id="birthday", **wanted)  # type: ignore[arg-type]
    return changed(preferences=preferences_pb2.Preferences(event_types=[one]))


def never_again(occasion_id: str = "") -> Act:
    """Return the care switch of u1, or of one of their occasions."""
    on = care_switch_pb2.CareSwitch.STATE_SET
    return changed(
        care=[feed_pb.CareSwitchState(occasion_id=occasion_id, state=on, change_time=timestamp(SINCE))]
    )


def one_after_the_other(*acts: Act) -> Act:
    """Return several changes, each applied before the next one."""

    async def several(arena: Arena, name: str) -> str:
        for act in acts:
            await act(arena, name)
        return "-"

    return several


OPTED_OUT: Final = preferring(opted_out=True)

RACES: Final = [
    *both(
        "DeleteUser",
        deleted,
        before={"events": "none", "plan": "none", **NOTHING},
        after={"plan": "closed after 2028", **STOPPED},
    ),
    *both(
        "opt-out",
        OPTED_OUT,
        before={"events": "2028 SUPPRESSED(OPTED_OUT)", **NOTHING},
        after=STOPPED,
    ),
    *both(
        "care switch, person",
        never_again(),
        before={"events": "2028 SUPPRESSED(CARE_SWITCH)", **NOTHING},
        after=STOPPED,
    ),
    *both(
        "care switch, occasion",
        never_again("birthday"),
        before={"events": "2028 SUPPRESSED(CARE_SWITCH)", **NOTHING},
        after=STOPPED,
    ),
    *both(
        "zone move, later",
        changed(zone="America/Los_Angeles"),
        before={"events": "2028 SENT, due 17:00", "moment": NINE_IN_LOS_ANGELES},
        after={},
        plan="2029, due 2029-03-02 17:00",
    ),
    *both(
        "zone move, earlier",
        changed(zone="UTC"),
        before={"events": "2028 SENT late, due 09:00"},
        after={},
        plan="2029, due 2029-03-02 09:00",
    ),
    *both(
        "zone move, day over",
        changed(zone="Pacific/Kiritimati"),
        before={"events": "2028 EXPIRED(MISSED_BY_MOVE)", **NOTHING},
        after={},
        plan="2029, due 2029-03-01 19:00",
    ),
    *both(
        "own local time, later",
        preferring(local_time=TimeOfDay(hours=12)),
        before={"events": "2028 SENT, due 17:00", "moment": NINE_IN_LOS_ANGELES},
        after={},
        plan="2029, due 2029-03-02 17:00",
    ),
    *both(
        "own local time, earlier",
        preferring(local_time=TimeOfDay(hours=8)),
        before={"events": "2028 SENT late, due 13:00"},
        after={},
        plan="2029, due 2029-03-02 13:00",
    ),
    *both(
        "date corrected to tomorrow",
        changed(day=3),
        before={"moment": TOMORROW},
        after={},
        plan="2029, due 2029-03-03 14:00",
    ),
    *both(
        "date corrected to yesterday",
        changed(day=1),
        before={"events": "2028 EXPIRED(MISSED_BY_MOVE)", **NOTHING},
        after={},
        plan="2029, due 2029-03-01 14:00",
    ),
    *both(
        "deleted, and imported again opted out",
        one_after_the_other(deleted, OPTED_OUT),
        before={"events": "2028 SUPPRESSED(OPTED_OUT)", **NOTHING},
        after=STOPPED,
    ),
    *both(
        "date taken away, and added again as tomorrow",
        one_after_the_other(changed(kind="wedding"), changed(day=3)),
        before={"moment": TOMORROW},
        after={},
        plan="2029, due 2029-03-03 14:00",
    ),
    *both(
        "another name",
        changed(given_name="Grace"),
        before={"words": "Happy birthday, Grace!"},
        after={},
    ),
]


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == OTHER], ids=str)
async def test_just_before_the_decision(world: World, race: Race) -> None:
    """A change applied while a decision waits to begin its transaction counts: the decision is made again."""
    await race.run_before(world)


@pytest.mark.parametrize("race", [race for race in RACES if race.line.first == DECISION], ids=str)
async def test_just_after_the_decision(world: World, race: Race) -> None:
    """A change that comes when a decision is written waits for its commit; this cycle stays as decided."""
    await race.run_after(world)
