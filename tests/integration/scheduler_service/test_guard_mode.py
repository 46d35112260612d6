"""After a restore nobody knows what of the lost time was sent: it is held until an operator says what becomes of it."""

import pytest
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as pb
from whenever import Instant

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import OPERATOR, Replica, World, eventually, until, utc

BACKUP = utc("2028-03-02T06:00:00+00:00")
EARLY = utc("2028-03-02T08:59:58.5+00:00")
NOON = utc("2028-03-02T12:00:00+00:00")
RELEASE = pb.ReleaseGuardRequest.Release


async def guard(replica: Replica) -> pb.Guard:
    """Return what is held."""
    return (await replica.admin.GetGuard(pb.GetGuardRequest(), metadata=OPERATOR)).guard


async def begin(replica: Replica, since: Instant | None = None) -> pb.Guard:
    """Begin guard mode by hand."""
    request = pb.StartGuardRequest() if since is None else pb.StartGuardRequest(since=timestamp(since))
    return (await replica.admin.StartGuard(request, metadata=OPERATOR)).guard


async def release(replica: Replica, what: "RELEASE.ValueType") -> pb.Guard:
    """End guard mode."""
    request = pb.ReleaseGuardRequest(release=what)
    return (await replica.admin.ReleaseGuard(request, metadata=OPERATOR)).guard


def people(world: World) -> None:
    """Three who were due at 09:00 UTC, and one who is due later today."""
    world.feed.put_tenant(BACKUP)
    for n in range(3):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=BACKUP)
    world.feed.put_user("later", "America/New_York", month=3, day=2, enrolled=BACKUP)


async def restored(world: World, *, cluster: str = "1:00000001", seen: Instant = BACKUP) -> None:
    """Let the store look as if it came from another PostgreSQL, last alive at `seen`."""
    await world.rows("UPDATE controls SET cluster = $1, seen_time = $2", cluster, seen.to_stdlib())


async def test_a_restored_store_holds_what_fell_due_since_the_backup(world: World) -> None:
    """Noticed by itself before anything is decided: three are held and listed; what is due later goes as always."""
    people(world)
    planner = await world.start(BACKUP)
    await world.drained()
    await planner.stop()
    world.anchor = None
    await restored(world)
    replica = await world.start(utc("2028-03-02T13:59:58.5+00:00"))
    await until(lambda: world.sent_to("later"))
    held = await guard(replica)
    assert (held.active, held.held, len(held.event_ids)) == (True, 3, 3)
    assert (held.since.seconds, held.reason != "") == (BACKUP.timestamp(), True)
    assert (await replica.status()).guarded
    assert {e.user_id for e in world.intake.accepted.values()} == {"later"}


async def test_released_it_leaves_late(world: World) -> None:
    """RELEASE_SEND: all three leave, marked late, once; nothing is held any more."""
    people(world)
    replica = await held_since_backup(world)
    assert not (await release(replica, RELEASE.RELEASE_SEND)).active
    await until(lambda: len(world.intake.accepted) == 3)
    assert all(world.body_of(f"u{n}")["data"]["late"] for n in range(3))
    assert not (await replica.status()).guarded


async def held_since_backup(world: World) -> Replica:
    """Start a replica at noon on a store that holds three."""
    planner = await world.start(BACKUP)
    await world.drained()
    await begin(planner)
    await planner.stop()
    world.anchor = None
    replica = await world.start(NOON)
    await begin(replica, BACKUP)

    async def three() -> bool:
        return (await guard(replica)).held == 3

    await eventually(three)
    return replica


async def test_released_to_expire_it_ends(world: World) -> None:
    """RELEASE_EXPIRE: EXPIRED(HELD_BACK), nothing is sent, the next cycle is planned, the guard ends by itself."""
    people(world)
    replica = await held_since_backup(world)
    await release(replica, RELEASE.RELEASE_EXPIRE)
    for n in range(3):
        event = await world.ended(f"u{n}")
        assert (event["state"], event["reason"]) == ("EXPIRED", "HELD_BACK")

    async def over() -> bool:
        return not (await guard(replica)).active

    await eventually(over)
    assert world.intake.accepted == {}
    assert (await world.planned("u0"))["cycle"] == "2029"


async def test_what_delivery_has_already_is_not_sent_twice(world: World) -> None:
    """The store goes back to before 09:00 while delivery keeps its messages: released, the same ids are KNOWN there."""
    world.feed.put_tenant(BACKUP)
    for n in range(3):
        world.feed.put_user(f"u{n}", "UTC", month=3, day=2, enrolled=BACKUP)
    first = await world.start(EARLY)
    await world.drained()
    backup = await world.rows("SELECT * FROM plans")
    await until(lambda: len(world.intake.accepted) == 3)
    sent = dict(world.intake.accepted)
    await first.stop()
    await go_back(world, backup)
    await restored(world)
    world.anchor = None
    replica = await world.start(NOON)

    async def three() -> bool:
        return (await guard(replica)).held == 3

    await eventually(three)
    await release(replica, RELEASE.RELEASE_SEND)

    async def decided() -> bool:
        return len(await world.rows("SELECT 1 FROM events")) == 3

    await eventually(decided)
    await until(lambda: offered(world) == 6)
    assert world.intake.accepted == sent


def offered(world: World) -> int:
    """Return how many events delivery was offered, new or known."""
    requests = map(intake_pb2.AcceptEventsRequest.FromString, world.intake.offers)
    return sum(len(request.events) for request in requests)


async def go_back(world: World, backup: list) -> None:
    """Give plans back the state of a backup, and forget the events since."""
    await world.rows("DELETE FROM events")
    for row in backup:
        await world.rows(
            "UPDATE plans SET cycle = $2, last_cycle = $3, last_date = $4, occurrence_date = $5,"
            " nominal_due_time = $6, due_time = $7, deliver_by = $8, version = version + 1 WHERE plan_id = $1",
            *(row["plan_id"], row["cycle"], row["last_cycle"], row["last_date"], row["occurrence_date"]),
            *(row["nominal_due_time"], row["due_time"], row["deliver_by"]),
        )


async def test_a_failover_holds_nothing(world: World) -> None:
    """Another timeline of a store that was alive half a minute ago is recognised without guard mode."""
    people(world)
    replica = await world.start(EARLY)
    await world.drained()
    await restored(world, seen=EARLY.subtract(seconds=30))
    await until(lambda: len(world.intake.accepted) == 3)
    assert not (await guard(replica)).active


async def test_a_first_start_holds_nothing(world: World) -> None:
    """A store that nobody has ever used is nobody's restore."""
    people(world)
    replica = await world.start(NOON)
    await until(lambda: len(world.intake.accepted) == 3)
    assert not (await guard(replica)).active


@pytest.mark.parametrize("since", [NOON.add(hours=1)])
async def test_a_guard_cannot_begin_in_the_future(world: World, since: Instant) -> None:
    """It is refused with what is allowed."""
    replica = await world.start(NOON)
    with pytest.raises(Exception, match="is in the future"):
        await begin(replica, since)
