"""DESIGN 4: zone_mode - at home, or where the person is, with a freeze before due against flapping."""

import pytest

from scheduler_service.domain.decisions import Send
from scheduler_service.domain.recipients import ZoneMode
from tests.unit.scheduler_service.domain.domain_examples import Road, at, occasion, rule

FOLLOW, HOME = ZoneMode.FOLLOW, ZoneMode.HOME


def berliner_in(zone: str, mode: ZoneMode = FOLLOW) -> Road:
    return Road.begin(occasion(), zone_mode=mode, current_time_zone=zone)


def test_who_follows_is_greeted_where_they_are() -> None:
    """In Tokyo nine o'clock is 00:00 UTC; the plan says which zone it was."""
    road = berliner_in("Asia/Tokyo")
    assert (road.due, road.row.time_zone) == (at("2026-05-17T00:00:00Z"), "Asia/Tokyo")


def test_who_follows_from_an_unknown_place_is_greeted_at_home() -> None:
    """Without a current zone it is the home's, and without that the tenant's."""
    assert berliner_in("").row.time_zone == "Europe/Berlin"
    assert Road.begin(occasion(), zone="", zone_mode=FOLLOW).row.time_zone == "UTC"


def test_whoever_stays_at_home_ignores_the_phone() -> None:
    """HOME is where they live, wherever they are."""
    assert berliner_in("Asia/Tokyo", HOME).row.time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("now", "zone"),
    [
        ("2026-05-17T05:59:59Z", "Asia/Kathmandu"),
        ("2026-05-17T06:00:00Z", "Europe/Berlin"),
        ("2026-05-17T07:30:00Z", "Europe/Berlin"),
    ],
)
def test_in_the_last_hour_a_phone_no_longer_moves_what_is_due(now: str, zone: str) -> None:
    """Berlin to Kathmandu more than an hour before nine moves the plan; from an hour before on it does not."""
    road = berliner_in("").until(now).wants(current_time_zone="Asia/Kathmandu")
    assert road.row.time_zone == zone
    assert (road.due == at("2026-05-17T07:00:00Z")) == (zone == "Europe/Berlin")


def test_the_freeze_holds_for_its_cycle_only() -> None:
    """What comes next year is planned where the person is now."""
    road = berliner_in("").until("2026-05-17T06:30:00Z").wants(current_time_zone="Asia/Kathmandu")
    road.now = road.due
    assert road.decide() == Send(road.row, late=False)
    row = road.commit().row
    assert (row.time_zone, row.due_time) == ("Asia/Kathmandu", at("2027-05-17T03:15:00Z"))


def test_moving_house_is_not_frozen() -> None:
    """Half an hour before nine a new home still moves the plan: nobody flaps between homes."""
    road = Road.begin(occasion()).until("2026-05-17T06:30:00Z").moves_to("Asia/Kathmandu")
    assert road.row.time_zone == "Asia/Kathmandu"


def test_decision_under_a_new_timing_keeps_the_frozen_zone() -> None:
    """A rule retimed at the last moment is recomputed in the zone the plan was frozen in."""
    road = berliner_in("").until("2026-05-17T07:00:00Z").wants(current_time_zone="Asia/Kathmandu")
    plan = road.has_rule(rule(deliver_within=None, timing_version=2)).decide().plan
    assert (plan.time_zone, plan.due_time) == ("Europe/Berlin", at("2026-05-17T07:00:00Z"))
