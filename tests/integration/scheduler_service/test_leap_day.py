"""Born on 29 February: 28 February unless somebody wants it otherwise, and the real day when there is one."""

import pytest

from tests.integration.scheduler_service.conftest import World, until, utc


@pytest.mark.parametrize(
    ("due", "date"),
    [("2027-02-28T09:00:00+00:00", "2027-02-28"), ("2028-02-29T09:00:00+00:00", "2028-02-29")],
)
async def test_a_leap_day_child(world: World, due: str, date: str) -> None:
    """Without a rule the day before 1 March is it; nobody drifts."""
    start = utc(due).subtract(milliseconds=500)
    world.feed.put_tenant(start)
    world.feed.put_user("u1", "UTC", month=2, day=29, year=2000, enrolled=start)
    await world.start(start)
    await until(lambda: world.sent_to("u1"))
    data = world.body_of("u1")["data"]
    assert data["occurrence_date"] == date
    assert data["turns"] == int(date[:4]) - 2000
    shifts = "LEAP_DAY" if date.endswith("28") else ""
    assert (await world.ended("u1"))["shifts"] == shifts
