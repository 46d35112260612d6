"""How many events fall due in a window: as many as are then really made."""

import asyncio
import gc
import time
from collections import Counter

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_type_pb2
from whenever import Instant

from chassis.wire import instant
from tests.integration.scheduler_service.conftest import World, eventually, utc
from tests.integration.scheduler_service.ledger_calls import stamp
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import INVALID, Rules, greeting
from tests.integration.scheduler_service.schedule_calls import forecast

ENROLLED = utc("2027-01-01T00:00:00+00:00")
START = utc("2027-05-17T00:00:00+00:00")
END = utc("2027-05-19T00:00:00+00:00")
ZONES = ("UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "Pacific/Honolulu")


async def crowd(world: World) -> None:
    """Make sixty people known whose days lie around the window, in six zones."""
    world.feed.put_tenant(ENROLLED)
    for n in range(60):
        world.feed.put_user(f"u{n}", ZONES[n % 6], month=5, day=15 + n % 5, enrolled=ENROLLED)


async def known(world: World, number: int) -> bool:
    """Return whether the scheduler knows so many people and has planned them all."""
    [row] = await world.rows(
        "SELECT (SELECT count(*) FROM recipients) = $1 AND EXISTS (SELECT FROM tenants)"
        " AND NOT EXISTS (SELECT FROM event_types WHERE replanned_version < timing_version) AS done",
        number,
    )
    return bool(row["done"])


async def test_it_is_what_then_happens(world: World) -> None:
    """Total, hours, rules and the worst second are those of the events that are made in the window."""
    await crowd(world)
    replica = await world.start(START)
    await Rules(replica).create(greeting("later", local_time=TimeOfDay(hours=10)))
    await eventually(lambda: known(world, 60))
    shown = await forecast(replica, end_time=stamp(END), start_time=stamp(START))
    await replica.stop()
    world.anchor = None
    await world.start(START, speed=100_000)
    window = f"due_time >= '{START}' AND due_time < '{END}'"

    async def over() -> bool:
        return not await world.rows(f"SELECT 1 FROM plans WHERE {window}")

    await eventually(over, within=30)
    rows = await world.rows(f"SELECT due_time, event_type_id FROM events WHERE {window}")
    assert shown.total == len(rows) > 20
    assert {one.event_type_id: one.count for one in shown.by_event_type} == Counter(
        row["event_type_id"] for row in rows
    )
    hours = Counter(Instant(row["due_time"].replace(minute=0)) for row in rows)
    assert {instant(one.start_time): one.count for one in shown.buckets} == hours
    seconds = Counter(row["due_time"] for row in rows)
    assert shown.peak_per_second == max(seconds.values())
    assert seconds[instant(shown.peak_time).to_stdlib()] == shown.peak_per_second
    assert instant(shown.peak_time).to_stdlib() == min(
        second for second, count in seconds.items() if count == shown.peak_per_second
    )


async def test_under_a_changed_rule(world: World) -> None:
    """As an update would leave it, without being stored: another hour, paused no more, a rule that is new."""
    await crowd(world)
    replica = await world.start(START)
    rules = Rules(replica)
    await eventually(lambda: known(world, 60))
    bounds = {"start_time": stamp(START), "end_time": stamp(END)}
    before = await forecast(replica, **bounds)
    changed = await rules.get("birthday")
    changed.spread.CopyFrom(Duration(seconds=3600))
    spread = await forecast(replica, **bounds, changed_event_type=changed)
    assert spread.total == before.total
    assert spread.peak_per_second < before.peak_per_second
    assert (await rules.get("birthday")).version == changed.version
    fresh = event_type_pb2.EventType(
        event_type_id="fresh", occasion_kind="birthday", local_time=TimeOfDay(hours=12)
    )
    both = await forecast(replica, **bounds, changed_event_type=fresh)
    assert {one.event_type_id for one in both.by_event_type} == {"birthday", "fresh"}
    alone = await forecast(replica, **bounds, changed_event_type=fresh, event_type_id="fresh")
    assert [one.event_type_id for one in alone.by_event_type] == ["fresh"]
    assert 0 < alone.total == both.total - before.total
    other = await forecast(replica, **bounds, changed_event_type=fresh, event_type_id="birthday")
    assert other == before
    wedding = await rules.get("birthday")
    wedding.occasion_kind = "wedding"
    refused = await refusal(forecast(replica, **bounds, changed_event_type=wedding))
    assert (refused.code, list(refused.fields)) == (INVALID, ["changed_event_type.occasion_kind"])
    fresh.day_offset = 400
    refused = await refusal(forecast(replica, **bounds, changed_event_type=fresh))
    assert list(refused.fields) == ["changed_event_type.day_offset"]


async def test_a_paused_rule_makes_nothing(world: World) -> None:
    """Not counted while it is paused; counted when asked how it would be if it were not."""
    await crowd(world)
    replica = await world.start(START)
    rules = Rules(replica)
    await eventually(lambda: known(world, 60))
    bounds = {"start_time": stamp(START.add(hours=1)), "end_time": stamp(END)}
    paused = await rules.pause("birthday")
    assert (await forecast(replica, **bounds)).total == 0
    paused.state = event_type_pb2.EventType.STATE_ACTIVE
    assert (await forecast(replica, **bounds, changed_event_type=paused)).total > 0


async def test_dates_that_look_invented(world: World) -> None:
    """Forty of a hundred on 1 January: named with how far above the average that is."""
    world.feed.put_tenant(ENROLLED)
    for n in range(100):
        month, number = (1, 1) if n < 40 else (1 + n % 12, 2 + n % 27)
        world.feed.put_user(f"u{n}", "UTC", month=month, day=number, enrolled=ENROLLED)
    replica = await world.start(START)
    await eventually(lambda: known(world, 100))
    found = await forecast(replica, end_time=stamp(END))
    [cluster] = found.clusters
    assert (cluster.occasion_kind, cluster.month, cluster.day, cluster.count) == ("birthday", 1, 1, 40)
    assert round(cluster.times_average) == round(40 / (100 / 365.25))


async def test_windows_that_are_refused(world: World) -> None:
    """Backwards, empty, too long, at the ends of the calendar, in too many steps: refused at their field."""
    world.feed.put_tenant(ENROLLED)
    replica = await world.start(START)
    await eventually(lambda: known(world, 0))
    at = stamp(START)
    first, last = Timestamp(seconds=-62135596800), Timestamp(seconds=253402300799)
    for bounds, field in (
        ({"start_time": at, "end_time": at}, "end_time"),
        ({"start_time": at, "end_time": stamp(START.subtract(seconds=1))}, "end_time"),
        ({"start_time": at, "end_time": stamp(START.add(hours=24 * 400, seconds=1))}, "end_time"),
        ({"start_time": at}, "end_time"),
        ({"start_time": first, "end_time": first}, "start_time"),
        ({"start_time": last, "end_time": last}, "start_time"),
        ({"start_time": at, "end_time": last}, "end_time"),
        (
            {"start_time": at, "end_time": stamp(START.add(hours=24 * 30)), "step": Duration(seconds=60)},
            "step",
        ),
        ({"start_time": at, "end_time": stamp(END), "step": Duration(seconds=59)}, "step"),
    ):
        found = await refusal(forecast(replica, **bounds))
        assert (found.code, list(found.fields)) == (INVALID, [field])
    unknown = await refusal(forecast(replica, end_time=stamp(END), event_type_id="nothing"))
    assert unknown.code is grpc.StatusCode.NOT_FOUND
    assert (await forecast(replica, end_time=stamp(START.add(hours=24 * 399)))).total == 0


_FILL = """
    INSERT INTO recipients (tenant_id, user_id, epoch, version, time_zone, locale, given_name, family_name,
        occasions, attributes)
    SELECT 'tenant-1', 'u' || n, 'epoch-1', 1, ($1::text[])[1 + n % 6], 'en', 'Ada', 'L',
        jsonb_build_array(jsonb_build_object('id', 'birthday', 'kind', 'birthday', 'month', 1 + n % 12,
            'day', 1 + n / 12 % 28, 'year', 1950 + n % 60, 'leap_day_rule', NULL,
            'enrol_time', '2026-01-01T00:00:00Z', 'on_enrol', 'NEXT')), '{}'
    FROM generate_series(1, 100000) AS n
"""


async def test_a_hundred_thousand_people(world: World) -> None:
    """A year of them is counted in seconds, while the loop is never held for long: deciding goes on."""
    world.feed.put_tenant(ENROLLED)
    replica = await world.start(START)
    await eventually(lambda: known(world, 0))
    await world.rows(_FILL, list(ZONES))
    await world.rows("ANALYZE recipients")
    await world.rows("UPDATE event_types SET enrol_time = '2026-01-01Z'")
    call = asyncio.create_task(forecast(replica, end_time=stamp(START.add(hours=24 * 366))))
    gc.freeze()  # the heap of a test run is not a scheduler's: collecting it takes a fifth of a second
    began, held = time.monotonic(), []
    while not call.done():
        # Of this thread: what other processes of the machine take is not held by the forecast.
        before = time.thread_time()
        await asyncio.sleep(0.001)
        held.append(time.thread_time() - before)
    found = await call
    took = time.monotonic() - began
    gc.unfreeze()
    held.sort()
    print(
        f"\nforecast of 100,000 people over a year: {took:.1f} s; the loop was held for"
        f" {held[len(held) // 2] * 1000:.1f} ms (median), {held[int(len(held) * 0.99)] * 1000:.1f} ms (p99),"
        f" {held[-1] * 1000:.1f} ms (longest)"
    )
    assert found.total == 100_000
    assert took < 20
    assert held[int(len(held) * 0.99)] < 0.02
