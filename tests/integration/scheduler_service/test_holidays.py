"""A tenant's holidays, and the rules that keep away from them."""

import grpc
from redletter.scheduler.v1 import event_type_pb2 as pb

from tests.integration.scheduler_service.conftest import OPERATOR, OTHER_KEY, TENANT, World, eventually, utc
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import INVALID, Rules, greeting

START = utc("2027-04-01T08:00:00+00:00")


async def rules_with_shift(world: World) -> Rules:
    """Start one replica with a person of 1 May and one rule each that looks at weekends and that does not."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=5, day=1, year=1990, enrolled=START)
    rules = Rules(await world.start(START))
    await rules.create(greeting("shifted", weekend_shift=pb.WEEKEND_SHIFT_BEFORE))
    await rules.create(greeting("fixed"))
    return rules


async def due(world: World, rule: str, expected: str) -> None:
    """Return once the person's plan of this rule is due then."""
    wanted = utc(expected).to_stdlib()

    async def is_due() -> bool:
        return bool((await world.planned("u1", rule))["due_time"] == wanted)

    await eventually(is_due)


async def test_a_holiday_moves_the_rules_that_look_at_it(world: World) -> None:
    """Before Saturday 1 May is Friday; Friday becomes a holiday, and Thursday it is; and back again."""
    rules = await rules_with_shift(world)
    await due(world, "shifted", "2027-04-30T10:00:00+00:00")
    await due(world, "fixed", "2027-05-01T10:00:00+00:00")
    event = await world.planned("u1", "shifted")
    made = await rules.set_holiday(2027, 4, 30, "Tag vor dem Mai")
    assert (made.date.year, made.date.month, made.date.day, made.name) == (2027, 4, 30, "Tag vor dem Mai")
    await due(world, "shifted", "2027-04-29T10:00:00+00:00")
    moved = await world.planned("u1", "shifted")
    for name in ("plan_id", "cycle", "occurrence_date"):
        assert moved[name] == event[name]
    await rules.delete_holiday(2027, 4, 30)
    await due(world, "shifted", "2027-04-30T10:00:00+00:00")
    await due(world, "fixed", "2027-05-01T10:00:00+00:00")


async def test_a_change_is_a_version_of_those_rules_and_can_be_watched(world: World) -> None:
    """Version and timing of the rules that look rise with a date that comes or goes, not with its name."""
    rules = await rules_with_shift(world)
    await rules.create(greeting("gone", weekend_shift=pb.WEEKEND_SHIFT_AFTER))
    await rules.delete("gone")

    async def versions() -> dict[str, tuple[int, int]]:
        rows = await world.rows("SELECT event_type_id, version, timing_version FROM event_types")
        return {row[0]: (row[1], row[2]) for row in rows if row[0] in ("shifted", "fixed", "gone")}

    assert await versions() == {"shifted": (1, 1), "fixed": (1, 1), "gone": (2, 2)}
    await rules.set_holiday(2027, 12, 25)
    assert await versions() == {"shifted": (2, 2), "fixed": (1, 1), "gone": (2, 2)}
    operations = "SELECT 1 FROM operations WHERE subject = 'shifted'"
    assert len(await world.rows(operations)) == 2
    await rules.set_holiday(2027, 12, 25, "Christmas")
    await rules.set_holiday(2027, 12, 25, "Christmas")
    assert (await versions())["shifted"] == (2, 2)
    await rules.delete_holiday(2027, 12, 25)
    assert (await versions())["shifted"] == (3, 3)
    assert (await rules.get("shifted", version=2)).weekend_shift == pb.WEEKEND_SHIFT_BEFORE
    assert len(await world.rows(operations)) == 3


async def test_a_wrong_holiday_changes_nothing(world: World) -> None:
    """No such date, no year, no date at all, a long name: each is refused at its field."""
    rules = await rules_with_shift(world)
    for date in ((2027, 2, 29), (0, 12, 25), (2027, 13, 1), (2027, 0, 1), (10_000, 1, 1), (-1, 1, 1)):
        refused = await refusal(rules.set_holiday(*date))
        assert (refused.code, list(refused.fields)) == (INVALID, ["holiday.date"]), date
        assert refused.reason == "NO_SUCH_DATE"
        assert list((await refusal(rules.delete_holiday(*date))).fields) == ["date"]
    for name in ("x" * 201, "a\nb"):
        refused = await refusal(rules.set_holiday(2027, 12, 25, name))
        assert list(refused.fields) == ["holiday.name"]
    missing = await refusal(rules.delete_holiday(2027, 12, 25))
    assert (missing.code, "2027-12-25" in missing.message) == (grpc.StatusCode.NOT_FOUND, True)
    assert await world.rows("SELECT 1 FROM holidays") == []
    assert (await rules.get("shifted")).version == 1


async def test_pages_of_holidays(world: World) -> None:
    """In the order of dates, each on one page, each tenant's own; a token of another tenant is refused."""
    replica = await world.start(START)
    mine, theirs = Rules(replica), Rules(replica, OTHER_KEY)
    await mine.set_holiday(2027, 12, 26, "two")
    await mine.set_holiday(1, 1, 1, "first")
    await mine.set_holiday(2027, 12, 25, "one")
    page = await mine.holidays(size=2)
    assert [h.name for h in page.holidays] == ["first", "one"]
    rest = await mine.holidays(size=2, token=page.next_page_token)
    assert ([h.name for h in rest.holidays], rest.next_page_token) == (["two"], "")
    assert not (await theirs.holidays()).holidays
    foreign = await refusal(theirs.holidays(token=page.next_page_token))
    assert foreign.reason == "INVALID_PAGE_TOKEN"
    operator = await refusal(Rules(replica, OPERATOR).holidays())
    assert operator.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_tenant_has_at_most_five_thousand(world: World) -> None:
    """The 5,001st date is refused with the number; one that is there can still be renamed."""
    rules = Rules(await world.start(START))
    await world.rows(
        "INSERT INTO holidays SELECT $1, date '2027-01-01' + n, '' FROM generate_series(0, 4999) AS n", TENANT
    )
    full = await refusal(rules.set_holiday(2026, 12, 31))
    assert full.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "5000 holidays" in full.message
    await rules.set_holiday(2027, 1, 1, "New Year")
    await rules.delete_holiday(2027, 1, 2)
    await rules.set_holiday(2026, 12, 31)
