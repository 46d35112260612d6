"""Once a date is over everywhere its balance is computed, signed and kept, once for each tenant."""

from typing import Any

from google.type.date_pb2 import Date
from prometheus_client import REGISTRY
from redletter.scheduler.v1 import ledger_pb2 as pb
from whenever import Instant

from chassis.rpc.credentials import OPERATOR as OPERATOR_SCOPE
from tests.integration.scheduler_service.conftest import (
    KEY,
    OTHER_KEY,
    OTHER_TENANT,
    TENANT,
    Replica,
    World,
    eventually,
    utc,
)
from tests.integration.scheduler_service.ledger_calls import ENROLLED, kept
from tests.integration.scheduler_service.refusals import refusal

BEFORE_ITS_END = utc("2027-03-01T13:59:00+00:00")
ITS_END = utc("2027-03-01T14:00:01+00:00")
FIRST, LAST = "2027-02-21", "2027-02-28"
CHANGES = (
    "difference = 1",
    "compute_time = compute_time + interval '1 second'",
    "tenant_id = 'tenant-9'",
    "ledger_date = ledger_date + 30",
    """body = jsonb_set(body, '{sent}', '[7, 7, 0]')""",
    """body = jsonb_set(body, '{difference}', '1')""",
    "body = '{}'",
    "body = '[1]'",
    """body = jsonb_set(body, '{message_outcomes}', '{"OUTCOME_NEVER": 1}')""",
    """body = jsonb_set(body, '{ended}', '{"SENT": "many"}')""",
    "signature = '\\x00'",
)


def iso(on: Date) -> str:
    """Return a date as text."""
    return f"{on.year}-{on.month:02d}-{on.day:02d}"


def gauge(name: str) -> float | None:
    """Return what the leader says."""
    return REGISTRY.get_sample_value(f"redletter_scheduler_ledger_{name}")


async def days_of(replica: Replica, tenant_id: str, **filters: Any) -> list[pb.Ledger]:
    """Return the kept balances of one tenant, the newest first."""
    return list((await kept(replica, tenant_id=tenant_id, **filters)).days)


async def complete(replica: Replica, tenant_id: str = TENANT, *, on: str = LAST) -> list[pb.Ledger]:
    """Return a tenant's balances once the newest is of this date and all before it are made up for."""

    async def all_there() -> list[pb.Ledger]:
        found = await days_of(replica, tenant_id)
        return found if len(found) >= 8 and iso(found[0].date) == on else []

    found: list[pb.Ledger] = await eventually(all_there, within=20)
    return found


async def over(world: World, start: Instant = ITS_END) -> Replica:
    """Start a scheduler when 28 February is over in the west of the world, with one message on it."""
    world.feed.put_tenant(ENROLLED)
    world.feed.put_tenant(ENROLLED, tenant_id=OTHER_TENANT)
    world.feed.put_user("u1", "Etc/GMT+12", month=2, day=28, enrolled=ENROLLED)
    return await world.start(start)


async def test_before_a_date_is_over_everywhere(world: World) -> None:
    """Thirty-eight hours after its begin in UTC; a minute earlier the newest balance is the day before's."""
    replica = await over(world, BEFORE_ITS_END)
    found = await complete(replica, on="2027-02-27")
    assert [iso(one.date) for one in found] == [f"2027-02-{n}" for n in range(27, 19, -1)]


async def test_one_balance_for_each_tenant_and_date(world: World) -> None:
    """Closed, balanced, said by the leader's gauges; and never computed a second time."""
    replica = await over(world)
    found = await complete(replica)
    assert found[0].closed
    assert (found[0].expected.left, found[0].expected.right, found[0].difference) == (1, 1, 0)
    assert iso((await complete(replica, OTHER_TENANT))[0].date) == LAST
    await eventually(
        lambda: _says("last_day_timestamp_seconds", utc("2027-02-28T00:00:00+00:00").timestamp())
    )
    await _says("difference", 0)
    rows = await world.rows("SELECT tenant_id, ledger_date, compute_time FROM ledger_days")
    assert len(rows) == 16
    assert max(row["compute_time"] for row in rows) >= ITS_END.to_stdlib()


async def test_a_downtime_of_weeks_is_made_up_for_a_week(world: World) -> None:
    """The date that is over last and seven days before it, the earliest first."""
    replica = await over(world)
    found = await complete(replica)
    assert [iso(one.date) for one in found] == [f"2027-02-{n}" for n in range(28, 20, -1)]
    assert iso(found[-1].date) == FIRST
    assert [one.compute_time.ToNanoseconds() for one in found] == sorted(
        (one.compute_time.ToNanoseconds() for one in found), reverse=True
    )


async def test_a_difference_is_kept_and_told(world: World) -> None:
    """A plan was deleted behind everybody's back: listed with its id, found by the filter, in the metric."""
    replica = await over(world, utc("2027-02-20T00:00:00+00:00"))
    await world.planned("u1")
    await eventually(lambda: _is_planned(world))
    await replica.stop()
    world.anchor = None
    await world.rows("DELETE FROM plans")
    replica = await world.start(ITS_END)
    found = await complete(replica)
    assert found[0].difference == 1
    [only] = await days_of(replica, TENANT, only_differences=True)
    assert iso(only.date) == LAST
    assert await days_of(replica, OTHER_TENANT, only_differences=True) == []
    await eventually(lambda: _says("difference", 1))
    [row] = await world.rows("SELECT body FROM ledger_days WHERE difference <> 0")
    assert "NEVER_PLANNED" in row["body"]


async def _is_planned(world: World) -> bool:
    return await world.rows("SELECT 1 FROM event_types WHERE replanned_version < timing_version") == []


async def _says(name: str, value: float) -> bool:
    return gauge(name) == value


async def test_a_row_that_was_changed_is_shown_unsigned(world: World) -> None:
    """Whatever was changed in it, it is listed without a signature; the others stay signed."""
    replica = await over(world)
    found = await complete(replica)
    assert all(len(one.signature) == 64 for one in found)
    await world.rows("CREATE TABLE untouched AS SELECT * FROM ledger_days")
    for change in CHANGES:
        await world.rows(
            f"UPDATE ledger_days SET {change} WHERE tenant_id = $1 AND ledger_date = '{LAST}'",
            TENANT,
        )
        every = (await kept(replica)).days
        [unsigned] = [one for one in every if not one.signature]
        assert (unsigned.tenant_id, iso(unsigned.date)) in {
            (TENANT, LAST),
            ("tenant-9", LAST),
            (TENANT, "2027-03-30"),
        }, change
        assert len(every) >= 9
        await world.rows("DELETE FROM ledger_days")
        await world.rows("INSERT INTO ledger_days SELECT * FROM untouched")


async def test_pages_and_who_sees_what(world: World) -> None:
    """A tenant its own, an operator all of them or one; page after page, the newest first."""
    replica = await over(world)
    await complete(replica)
    await complete(replica, OTHER_TENANT)
    assert {one.tenant_id for one in (await kept(replica, key=KEY)).days} == {TENANT}
    assert {one.tenant_id for one in (await kept(replica, key=OTHER_KEY)).days} == {OTHER_TENANT}
    assert OPERATOR_SCOPE not in {one.tenant_id for one in (await kept(replica)).days}
    foreign = await refusal(kept(replica, key=KEY, tenant_id=OTHER_TENANT))
    assert foreign.reason == "FORBIDDEN"
    seen: list[tuple[str, str]] = []
    token = ""
    while True:
        page = await kept(replica, page_size=5, page_token=token)
        seen += [(iso(one.date), one.tenant_id) for one in page.days]
        if not (token := page.next_page_token):
            break
    assert len(seen) == len(set(seen)) >= 16
    assert seen == sorted(seen, reverse=True)
    first = await kept(replica, page_size=5)
    other = await refusal(kept(replica, page_size=5, page_token=first.next_page_token, only_differences=True))
    assert other.reason == "INVALID_PAGE_TOKEN"


async def test_one_tenant_whose_books_cannot_be_made_holds_up_nobody(world: World) -> None:
    """Its zone is one that the installed data do not have: the other tenants' days are kept."""
    world.feed.put_tenant(ENROLLED, "UTC")
    world.feed.put_tenant(ENROLLED, tenant_id=OTHER_TENANT)
    world.feed.put_user("u1", "", month=2, day=28, enrolled=ENROLLED)
    replica = await world.start(utc("2027-02-01T00:00:00+00:00"))
    await world.planned("u1")
    await replica.stop()
    world.anchor = None
    await world.rows("UPDATE tenants SET time_zone = 'Mars/Olympus' WHERE tenant_id = $1", TENANT)
    replica = await world.start(ITS_END)
    assert iso((await complete(replica, OTHER_TENANT))[0].date) == LAST
    assert LAST not in [iso(one.date) for one in await days_of(replica, TENANT)]
