"""AcceptEvents judges each item; the good ones are kept."""

from tests.integration.delivery_service.conftest import World


async def test_a_broken_event_is_refused_and_the_others_are_kept(world: World) -> None:
    """A wrong id, 30 February, no body, too large a body, no deadline: each REFUSED with its reason."""
    good, bad_id, bad_date, empty, large, endless = (world.event() for _ in range(6))
    bad_id.event_id = "evt_1"
    bad_date.occurrence_date.day = 30
    empty.body = b""
    large.body = b"x" * 20_481
    endless.ClearField("deliver_by")
    assert await world.accept(bad_id, bad_date, good, empty, large, endless) == [
        "REFUSED",
        "REFUSED",
        "ACCEPTED",
        "REFUSED",
        "REFUSED",
        "REFUSED",
    ]
    assert len(await world.rows("SELECT event_id FROM messages")) == 1


async def test_an_event_of_any_century_has_a_partition(world: World) -> None:
    """Partitions are made when they are needed, also for December 9999 and for two months in one call."""
    last, first = world.event(), world.event()
    last.occurrence_date.year, last.occurrence_date.month, last.occurrence_date.day = 9999, 12, 30
    first.occurrence_date.year, first.occurrence_date.month, first.occurrence_date.day = 1, 1, 2
    assert await world.accept(last, first) == ["ACCEPTED", "ACCEPTED"]
    assert len(await world.listed()) == 2
