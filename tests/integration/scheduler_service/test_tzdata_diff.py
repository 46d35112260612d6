"""Other zone data are installed: what they move is shown, and moves when somebody approves it."""

from datetime import timedelta

import grpc
import pytest
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as pb

from chassis import zones
from scheduler_service.workers import tzdata as worker
from tests.integration.scheduler_service.conftest import (
    KEY,
    OPERATOR,
    Replica,
    World,
    eventually,
    utc,
)
from tests.integration.scheduler_service.refusals import refusal

ENROLLED = utc("2027-01-01T00:00:00+00:00")
START = utc("2027-02-01T00:00:00+00:00")
HOUR = timedelta(hours=1)
OLD = "2019a"


async def diff(replica: Replica) -> pb.TzdataDiff:
    """Return what the installed release would move."""
    return (await replica.admin.GetTzdataDiff(pb.GetTzdataDiffRequest(), metadata=OPERATOR)).diff


async def approved(replica: Replica, version: str = zones.VERSION) -> pb.TzdataDiff:
    """Let the plans move."""
    request = pb.ApproveTzdataRequest(version=version)
    return (await replica.admin.ApproveTzdata(request, metadata=OPERATOR)).diff


async def state(world: World, wanted: str) -> bool:
    """Return whether the move has come so far."""
    [row] = await world.rows("SELECT state FROM tzdata")
    return bool(row["state"] == wanted)


async def made_with_an_older_release(world: World, *, moved: bool = True) -> None:
    """Plan six people in three zones and end; let it look as if an older release had made the plans.

    Two in Berlin by an hour too early, two in New York by an hour too late, two in Tokyo as they are.
    """
    world.feed.put_tenant(ENROLLED)
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"):
        for n in range(2):
            world.feed.put_user(f"{zone}-{n}", zone, month=5, day=17 + n, enrolled=ENROLLED)
    replica = await world.start(START)

    async def planned() -> bool:
        [row] = await world.rows(
            "SELECT (SELECT count(*) FROM plans) = 6"
            " AND NOT EXISTS (SELECT FROM event_types WHERE replanned_version < timing_version) AS done"
        )
        return bool(row["done"])

    await eventually(planned)
    await eventually(lambda: state(world, "CURRENT"))
    await replica.stop()
    world.anchor = None
    await world.rows("UPDATE plans SET tzdata_version = $1", OLD)
    await world.rows("UPDATE tzdata SET version = $1", OLD)
    for zone, hours in (("Europe/Berlin", -1), ("America/New_York", 1)) if moved else ():
        await world.rows(
            "UPDATE plans SET due_time = due_time + $1, nominal_due_time = nominal_due_time + $1,"
            " deliver_by = deliver_by + $1 WHERE time_zone = $2",
            timedelta(hours=hours),
            zone,
        )


async def due_times(world: World) -> dict[str, tuple[object, str]]:
    """Return each person's due time and the release it was made with."""
    rows = await world.rows("SELECT user_id, due_time, tzdata_version FROM plans")
    return {row["user_id"]: (row["due_time"], row["tzdata_version"]) for row in rows}


async def test_shown_by_zone_and_moved_after_approval(world: World) -> None:
    """Plans keep their instants while the diff waits; those that are the same are only restamped."""
    await made_with_an_older_release(world)
    before = await due_times(world)
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    found = await diff(replica)
    assert (found.current_version, found.pending_version) == (OLD, zones.VERSION)
    assert (found.complete, found.checked) == (True, 6)
    assert [(z.time_zone, z.plans, z.people, z.min_minutes, z.max_minutes) for z in found.zones] == [
        ("America/New_York", 2, 2, -60, -60),
        ("Europe/Berlin", 2, 2, 60, 60),
    ]
    assert (await replica.status()).pending_tzdata_version == zones.VERSION
    waiting = await due_times(world)
    assert {name: due for name, (due, _) in waiting.items()} == {
        name: due for name, (due, _) in before.items()
    }
    assert {name for name, (_, version) in waiting.items() if version == zones.VERSION} == {
        "Asia/Tokyo-0",
        "Asia/Tokyo-1",
    }
    assert (await approved(replica)).zones == found.zones
    await eventually(lambda: state(world, "CURRENT"))
    after = await due_times(world)
    assert {version for _, version in after.values()} == {zones.VERSION}
    for name, (due, _) in after.items():
        hours = 1 if name.startswith("Europe") else -1 if name.startswith("America") else 0
        assert due == before[name][0] + hours * HOUR  # type: ignore[operator]
    over = await diff(replica)
    assert (over.current_version, over.pending_version, list(over.zones)) == (zones.VERSION, "", [])
    assert await world.rows("SELECT 1 FROM tzdata_changes") == []


async def test_when_nothing_moves_nobody_is_asked(world: World) -> None:
    """The empty diff approves itself, and every plan is restamped under the version that was read."""
    await made_with_an_older_release(world, moved=False)
    versions = await world.rows("SELECT plan_id, version, due_time FROM plans ORDER BY 1")
    await world.start(START)

    async def done() -> bool:
        [row] = await world.rows("SELECT version, state FROM tzdata")
        return tuple(row) == (zones.VERSION, "CURRENT")

    await eventually(done)
    assert await world.rows("SELECT plan_id, version, due_time FROM plans ORDER BY 1") == versions
    assert {version for _, version in (await due_times(world)).values()} == {zones.VERSION}


async def test_what_cannot_be_approved(world: World) -> None:
    """A tenant may not; another release is STALE; one that is still compared is not complete."""
    await made_with_an_older_release(world)
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    request = pb.ApproveTzdataRequest(version=zones.VERSION)
    for call in (
        replica.admin.ApproveTzdata(request, metadata=KEY),
        replica.admin.GetTzdataDiff(pb.GetTzdataDiffRequest(), metadata=KEY),
    ):
        assert (await refusal(call)).code is grpc.StatusCode.PERMISSION_DENIED
    stale = await refusal(approved(replica, OLD))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    assert zones.VERSION in stale.message
    await replica.stop()
    world.anchor = None
    await world.rows("UPDATE tzdata SET state = 'COMPARING'")
    await world.rows(
        "UPDATE leadership SET renew_time = clock_timestamp() + interval '1 hour', term = term + 1"
    )
    follower = await world.start(START, redis=False)
    early = await refusal(approved(follower))
    assert early.code is grpc.StatusCode.FAILED_PRECONDITION
    assert not (await diff(follower)).complete


async def test_nothing_waits(world: World) -> None:
    """The installed release is the plans': there is nothing to approve."""
    world.feed.put_tenant(ENROLLED)
    replica = await world.start(START)
    await eventually(lambda: _is_noted(world))
    found = await diff(replica)
    assert (found.current_version, found.pending_version, found.complete) == (zones.VERSION, "", True)
    assert "none waits" in (await refusal(approved(replica))).message


async def _is_noted(world: World) -> bool:
    return bool(await world.rows("SELECT 1 FROM tzdata WHERE version <> ''"))


async def test_a_person_who_is_edited_meanwhile(world: World) -> None:
    """Their plan is made with the installed release and leaves the diff; the approval moves the others."""
    await made_with_an_older_release(world)
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    version = world.feed.put_user("Europe/Berlin-0", "Europe/Berlin", month=7, day=1, enrolled=ENROLLED)
    edited = await world.planned("Europe/Berlin-0", version=version)
    assert edited["tzdata_version"] == zones.VERSION
    world.feed.delete_user("Europe/Berlin-1")
    await world.drained()
    assert [(z.time_zone, z.plans) for z in (await diff(replica)).zones] == [("America/New_York", 2)]
    await approved(replica)
    await eventually(lambda: state(world, "CURRENT"))
    again = await world.planned("Europe/Berlin-0")
    assert (again["due_time"], again["version"]) == (edited["due_time"], edited["version"])


async def test_a_store_that_is_older_than_the_comparison(world: World) -> None:
    """No release was noted, and the plans carry an older one: it is compared like any other."""
    await made_with_an_older_release(world)
    await world.rows("UPDATE tzdata SET version = ''")
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    assert (await diff(replica)).current_version == OLD


async def test_back_to_the_older_release(world: World) -> None:
    """While the diff of a newer one waited it was taken back: what was made with it is compared, not kept."""
    await made_with_an_older_release(world, moved=False)
    await world.rows(
        "UPDATE tzdata SET version = $1, pending_version = '2031z', state = 'WAITING'", zones.VERSION
    )
    await world.rows("UPDATE plans SET tzdata_version = $1", zones.VERSION)
    await world.rows(
        "UPDATE plans SET tzdata_version = '2031z', due_time = due_time + interval '1 hour',"
        " nominal_due_time = nominal_due_time + interval '1 hour' WHERE user_id = 'Asia/Tokyo-0'"
    )
    replica = await world.start(START)

    async def compared() -> bool:
        return (await diff(replica)).pending_version == zones.VERSION and await state(world, "WAITING")

    await eventually(compared)
    found = await diff(replica)
    assert found.current_version == "2031z"
    assert [(z.time_zone, z.plans, z.min_minutes) for z in found.zones] == [("Asia/Tokyo", 1, -60)]


async def test_a_zone_that_the_release_does_not_have_stops_nobody(world: World) -> None:
    """Whoever lives there keeps their plan as it is; everybody else's is compared and moved."""
    await made_with_an_older_release(world)
    await world.rows("UPDATE recipients SET time_zone = 'Mars/Olympus' WHERE user_id = 'Europe/Berlin-0'")
    before = (await due_times(world))["Europe/Berlin-0"]
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    assert [(z.time_zone, z.plans) for z in (await diff(replica)).zones] == [
        ("America/New_York", 2),
        ("Europe/Berlin", 1),
    ]
    await approved(replica)
    await eventually(lambda: state(world, "CURRENT"))
    assert (await due_times(world))["Europe/Berlin-0"] == before


async def test_by_itself_where_the_setting_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `tzdata_automatic` the plans move without anybody, also those that were waiting before."""
    await made_with_an_older_release(world)
    replica = await world.start(START)
    await eventually(lambda: state(world, "WAITING"))
    await replica.stop()
    world.anchor = None
    monkeypatch.setenv("REDLETTER_TZDATA_AUTOMATIC", "true")
    await world.start(START)
    await eventually(lambda: state(world, "CURRENT"))
    assert {version for _, version in (await due_times(world)).values()} == {zones.VERSION}


async def test_a_leader_that_dies_in_the_middle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, each in its transaction: the next leader goes on where this one was, and skips nobody."""
    monkeypatch.setattr(worker, "PAGE", 1)
    await made_with_an_older_release(world)
    await world.rows(
        "CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN RAISE 'dead'; END $$ LANGUAGE plpgsql"
    )
    await world.rows(
        "CREATE TRIGGER stop BEFORE UPDATE ON tzdata FOR EACH ROW WHEN (NEW.checked = 4) EXECUTE FUNCTION stop()"
    )
    first = await world.start(START)

    async def in_the_middle() -> bool:
        [row] = await world.rows("SELECT checked FROM tzdata")
        return bool(row["checked"] == 3)

    await eventually(in_the_middle)
    await first.vanish()
    await world.rows("DROP TRIGGER stop ON tzdata")
    second = await world.start(START)
    await eventually(lambda: state(world, "WAITING"), within=20)
    found = await diff(second)
    assert (found.checked, [(z.time_zone, z.plans) for z in found.zones]) == (
        6,
        [("America/New_York", 2), ("Europe/Berlin", 2)],
    )
