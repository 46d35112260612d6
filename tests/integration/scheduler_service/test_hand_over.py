"""Delivery does not answer for a while: nothing is lost, nothing doubled, the bytes stay the same."""

from redletter.delivery.v1 import intake_service_pb2 as intake_pb2

from tests.integration.scheduler_service.conftest import World, eventually, until, utc

START = utc("2028-03-02T08:59:59.5+00:00")


async def test_an_unanswered_hand_over_is_offered_again_with_the_same_bytes(world: World) -> None:
    """The second offer is byte for byte the first; there is one event, and the store forgets the hand-over."""
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, year=1990, enrolled=START)
    world.intake.fail_next = 1
    await world.start(START)
    await until(lambda: len(world.intake.offers) == 1)
    await world.end_leases()
    await until(lambda: len(world.intake.accepted) == 1)
    assert len(world.intake.offers) == 2
    assert world.intake.offers[0] == world.intake.offers[1]

    async def forgotten() -> bool:
        return not await world.rows("SELECT 1 FROM handovers")

    await eventually(forgotten)
    (event,) = await world.rows("SELECT event_id, state FROM events")
    assert dict(event) == {"event_id": next(iter(world.intake.accepted)), "state": "SENT"}


async def test_delivery_is_down_at_the_due_moment_and_comes_back(world: World) -> None:
    """Everybody decided while delivery was down is handed over once after its return."""
    world.feed.put_tenant(START)
    people = {f"u{n}" for n in range(40)}
    for name in people:
        world.feed.put_user(name, "UTC", month=3, day=2, enrolled=START)
    world.intake.down = True
    replica = await world.start(START)
    await world.start(START)

    async def all_decided() -> bool:
        (count,) = await world.rows("SELECT count(*) FROM events WHERE state = 'SENT'")
        return count[0] == 40 and (await replica.status()).open_handovers > 0

    await eventually(all_decided)
    assert not world.intake.accepted
    world.intake.down = False
    await world.end_leases()
    await until(lambda: {e.user_id for e in world.intake.accepted.values()} == people)
    assert len(world.intake.accepted) == 40
    by_handover: dict[str, set[bytes]] = {}
    for offer in world.intake.offers:
        name = intake_pb2.AcceptEventsRequest.FromString(offer).handover_id
        by_handover.setdefault(name, set()).add(offer)
    assert all(len(versions) == 1 for versions in by_handover.values())


async def test_too_many_waiting_hand_overs_stop_deciding(world: World) -> None:
    """What delivery does not answer must not pile up without end: a full store holds decisions back."""
    await world.rows(
        "INSERT INTO handovers (handover_id, offered_until, events, body)"
        " SELECT gen_random_uuid(), clock_timestamp() + interval '1 hour', 0, ''::bytea FROM generate_series(1, 64)"
    )
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    replica = await world.start(START)
    await world.drained()
    await until(lambda: replica.clock.now() > utc("2028-03-02T09:00:00.7+00:00"))
    assert await world.rows("SELECT 1 FROM events") == []
    await world.rows("DELETE FROM handovers")
    await until(lambda: world.sent_to("u1"))
    assert len(world.intake.accepted) == 1


async def test_an_item_that_delivery_refuses_is_kept_for_a_person(world: World) -> None:
    """A refused hand-over is not offered for ever, stays in the store, and the others go on."""
    world.intake.refuse = "u1"
    world.feed.put_tenant(START)
    world.feed.put_user("u1", "UTC", month=3, day=2, enrolled=START)
    await world.start(START)

    async def stuck() -> bool:
        return bool(await world.rows("SELECT 1 FROM handovers WHERE stuck"))

    await eventually(stuck)
    later = utc("2028-03-02T09:00:02+00:00")
    world.feed.put_user("u2", "UTC", month=3, day=2, enrolled=later, on_enrol=2)
    await until(lambda: world.sent_to("u2"))
    offered = [intake_pb2.AcceptEventsRequest.FromString(offer) for offer in world.intake.offers]
    assert [[e.user_id for e in offer.events] for offer in offered] == [["u1"], ["u2"]]
