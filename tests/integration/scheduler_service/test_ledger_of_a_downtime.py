"""Six hours of downtime over nine o'clock in twelve zones: the books of that day."""

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay

from tests.integration.scheduler_service.conftest import World, eventually, utc
from tests.integration.scheduler_service.ledger_calls import kept, ledger, sides, table
from tests.integration.scheduler_service.rule_calls import Rules, days, greeting

DAY = Date(year=2028, month=2, day=10)
ENROLLED = utc("2027-06-01T00:00:00+00:00")
ZONES = {
    "Europe/Moscow": 6,
    "Africa/Nairobi": 6,
    "Europe/Athens": 7,
    "Africa/Cairo": 7,
    "Africa/Johannesburg": 7,
    "Europe/Berlin": 8,
    "Europe/Paris": 8,
    "Africa/Lagos": 8,
    "Europe/London": 9,
    "Africa/Accra": 9,
    "Atlantic/Azores": 10,
    "America/Noronha": 11,
}
"""When it is nine there, in UTC: the scheduler is down from six to twelve."""
STAY, FLEETING = 5, 2


async def test_six_hours_of_downtime_over_twelve_zones(world: World) -> None:
    """Everything leaves late or ends as EXPIRED(MISSED), and the day balances to the last event."""
    world.feed.put_tenant(ENROLLED)
    for zone in ZONES:
        for n in range(STAY):
            world.feed.put_user(f"{zone}-{n}", zone, month=2, day=10, enrolled=ENROLLED)
        for n in range(FLEETING):
            world.feed.put_user(
                f"{zone}-fleeting-{n}", zone, kind="fleeting", month=2, day=10, enrolled=ENROLLED
            )
    replica = await world.start(utc("2028-02-10T05:58:00+00:00"))
    fleeting = greeting(
        "fleeting",
        occasion_kind="fleeting",
        local_time=TimeOfDay(hours=9),
        deliver_within=days(2 / 24),
        on_enrol=1,
    )
    await world.drained()
    await Rules(replica).create(fleeting)
    await world.rows("UPDATE event_types SET enrol_time = '2027-06-01Z', timing_version = timing_version + 1")
    everybody = len(ZONES) * (STAY + FLEETING)
    await eventually(lambda: _counts(world, "plans WHERE due_time < '2028-02-11Z'", everybody))
    await replica.stop()
    world.anchor = None

    replica = await world.start(utc("2028-02-10T12:00:30+00:00"))
    await eventually(lambda: _counts(world, "events", everybody))
    await eventually(lambda: _counts(world, "handovers", 0))
    found = await ledger(replica, DAY)
    print("\n" + table(found))
    missed = FLEETING * sum(due + 2 <= 12 for due in ZONES.values())
    assert {count.name: count.count for count in found.ended} == {
        "SENT": everybody - missed,
        "EXPIRED(MISSED)": missed,
    }
    assert sides(found.expected) == (everybody, everybody, 0)
    assert sides(found.sent) == (everybody - missed, everybody - missed, 0)
    assert (found.difference, len(found.expected.differences)) == (0, 0)
    assert await _counts(world, "events WHERE state = 'SENT' AND NOT late", 0)
    await replica.stop()
    world.anchor = None

    replica = await world.start(utc("2028-02-11T14:00:05+00:00"))
    [day] = await eventually(lambda: _kept(replica))  # type: ignore[arg-type]
    assert (day.closed, day.difference, day.expected.left) == (True, 0, everybody)


async def _counts(world: World, table_and_condition: str, number: int) -> bool:
    [row] = await world.rows(f"SELECT count(*) AS n FROM {table_and_condition}")
    return bool(row["n"] == number)


async def _kept(replica: object) -> list[object]:
    return [one for one in (await kept(replica)).days if one.date == DAY]  # type: ignore[arg-type]
