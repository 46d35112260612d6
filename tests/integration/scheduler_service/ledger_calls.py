"""Calls about the books, and a day on which everything happens that can happen to an event."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import leap_day_rule_pb2
from redletter.scheduler.v1 import ledger_pb2 as pb
from redletter.scheduler.v1 import ledger_service_pb2 as service_pb
from redletter.scheduler.v1 import ledger_service_pb2_grpc as service_grpc
from redletter.user.v1 import preferences_pb2
from whenever import Instant

from tests.integration.scheduler_service.conftest import KEY, OPERATOR, Replica, World, eventually, until, utc
from tests.integration.scheduler_service.event_calls import asked, created
from tests.integration.scheduler_service.rule_calls import Metadata, Rules, days, greeting

DAY = Date(year=2027, month=2, day=28)
ENROLLED = utc("2026-06-01T00:00:00+00:00")
START = utc("2027-02-28T08:59:55+00:00")
Why = pb.LedgerDifference


async def ledger(replica: Replica, on: Date = DAY, *, key: Metadata = KEY, tenant_id: str = "") -> pb.Ledger:
    """Return the balance of a date as it stands now."""
    stub = service_grpc.LedgerServiceStub(replica.channel)
    request = service_pb.GetLedgerRequest(date=on, tenant_id=tenant_id)
    return (await stub.GetLedger(request, metadata=key)).ledger


async def kept(
    replica: Replica, *, key: Metadata = OPERATOR, **filters: Any
) -> service_pb.ListLedgerDaysResponse:
    """Return a page of the kept balances."""
    stub = service_grpc.LedgerServiceStub(replica.channel)
    request = service_pb.ListLedgerDaysRequest(**filters)
    answer: service_pb.ListLedgerDaysResponse = await stub.ListLedgerDays(request, metadata=key)
    return answer


def sides(equation: pb.LedgerEquation) -> tuple[int, int, int]:
    """Return the left side, the right side and the difference."""
    return equation.left, equation.right, equation.difference


def listed(equation: pb.LedgerEquation) -> dict[str, str]:
    """Return event id -> reason of what an equation lists."""
    return {d.event_id: Why.Reason.Name(d.reason).removeprefix("REASON_") for d in equation.differences}


def table(found: pb.Ledger) -> str:
    """Return a balance as people read it."""
    lines = [f"ledger of {found.date.year}-{found.date.month:02d}-{found.date.day:02d}, {found.tenant_id}"]
    for name in ("expected", "sent", "outcomes"):
        equation = getattr(found, name)
        lines.append(
            f"  {name:<9} {equation.left:>6} = {equation.right:>6}   difference {equation.difference}"
        )
    lines += [f"  {count.name:<28} {count.count:>6}" for count in found.ended]
    return "\n".join([*lines, f"  difference {found.difference}"])


@dataclass
class FullDay:
    """28 February 2027 in UTC, seen at nine: ids of the events by what became of them."""

    world: World
    replica: Replica
    ids: dict[str, str] = field(default_factory=dict)

    async def id_of(self, user_id: str) -> str:
        """Return the id of the one event of somebody that has ended."""
        rows = await self.world.rows("SELECT event_id FROM events WHERE user_id = $1", user_id)
        assert len(rows) == 1, (user_id, rows)
        return str(rows[0]["event_id"])


async def full_day(world: World) -> FullDay:
    """Let the day come to a few seconds after nine, with every kind of event on it."""
    feed = world.feed
    people: dict[str, Any] = {"month": 2, "day": 28, "enrolled": ENROLLED}
    feed.put_tenant(ENROLLED)
    unwanted = preferences_pb2.Preferences(
        event_types=[preferences_pb2.EventTypePreference(event_type_id="birthday", opted_out=True)]
    )
    for name in ("sent", "corrected", "deleted"):
        feed.put_user(name, "UTC", **people)
    feed.put_user("suppressed", "UTC", **people, preferences=unwanted)
    feed.put_user("open", "America/New_York", **people)
    for name, leap in (("leapling", 0), ("omitted", leap_day_rule_pb2.LEAP_DAY_RULE_OMIT)):
        feed.put_user(name, "UTC", month=2, day=29, enrolled=ENROLLED, leap=leap)
    feed.put_user("moved", "UTC", month=2, day=28, enrolled=utc("2027-02-28T08:30:00+00:00"))
    feed.put_user("missed", "UTC", kind="dawn", **people)
    feed.put_user("stopped", "UTC", kind="stopping", **people)
    feed.put_user("idle", "UTC", kind="pausing", **people)
    replica = await world.start(utc("2026-07-01T00:00:00+00:00"))
    rules = Rules(replica)
    await world.planned("moved")
    await rules.create(
        greeting("dawn", occasion_kind="dawn", local_time=TimeOfDay(hours=5), deliver_within=days(1 / 24))
    )
    await rules.create(greeting("stopping", occasion_kind="stopping", local_time=TimeOfDay(hours=8)))
    await rules.create(greeting("pausing", occasion_kind="pausing"))
    for name, rule in (("missed", "dawn"), ("stopped", "stopping"), ("idle", "pausing")):
        await world.planned(name, rule)
    await rules.pause("pausing")
    await eventually(
        lambda: _none(world, "SELECT 1 FROM event_types WHERE replanned_version < timing_version")
    )
    await replica.stop()
    world.anchor = None
    day = FullDay(world, await world.start(START))
    version = feed.put_user(
        "moved", "Europe/Berlin", month=2, day=28, enrolled=utc("2027-02-28T08:30:00+00:00")
    )
    await created(day.replica, asked("own", "open"))
    for name in ("sent", "corrected", "deleted", "leapling", "moved", "stopped"):
        await until(lambda name=name: world.sent_to(name))  # type: ignore[misc]
    assert version
    await Rules(day.replica).pause("stopping")
    for name in ("suppressed", "missed", "sent", "corrected", "deleted", "leapling", "moved", "stopped"):
        await eventually(lambda name=name: _some(world, name))  # type: ignore[misc]
        day.ids[name] = await day.id_of(name)
    feed.put_user("corrected", "UTC", month=3, day=5, enrolled=day.replica.clock.now())
    feed.put_user("late", "UTC", month=2, day=28, enrolled=day.replica.clock.now())
    feed.delete_user("deleted")
    await world.drained()
    await eventually(
        lambda: _none(world, "SELECT 1 FROM event_types WHERE replanned_version < timing_version")
    )
    await eventually(lambda: _none(world, "SELECT 1 FROM handovers"))
    return day


async def _none(world: World, query: str) -> bool:
    return await world.rows(query) == []


async def _some(world: World, user_id: str) -> bool:
    return await world.rows("SELECT 1 FROM events WHERE user_id = $1", user_id) != []


def stamp(instant: Instant) -> Timestamp:
    """Return an instant as the wire has it, in whole seconds."""
    return Timestamp(seconds=instant.timestamp())
