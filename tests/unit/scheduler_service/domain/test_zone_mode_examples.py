"""The worked examples that the contract gives for ZoneMode, word for word."""

import pytest
from whenever import Time

from scheduler_service.domain.recipients import ZoneMode
from tests.unit.scheduler_service.domain.domain_examples import Road, at, local, occasion, rule

LISBON, TOKYO = "Europe/Lisbon", "Asia/Tokyo"


def somebody(mode: ZoneMode) -> Road:
    """Return a birthday on 17 May 2027, rule 09:00, time_zone Europe/Lisbon, current_time_zone Asia/Tokyo."""
    born = occasion("1990-05-17", enrolled="2027-01-01T00:00:00Z")
    nine = rule(local_time=Time(9))
    return Road.begin(born, what=nine, zone=LISBON, zone_mode=mode, current_time_zone=TOKYO)


def test_home_in_lisbon() -> None:
    """HOME: 09:00 is due 2027-05-17T08:00:00Z, which is 09:00 in Lisbon and 17:00 in Tokyo."""
    due = somebody(ZoneMode.HOME).due
    assert due == at("2027-05-17T08:00:00Z")
    assert local(due, LISBON) == "2027-05-17T09:00:00+01:00"
    assert local(due, TOKYO) == "2027-05-17T17:00:00+09:00"


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ("2027-05-16T22:59:59Z", "2027-05-17T08:00:00Z"),
        ("2027-05-16T23:00:00Z", "2027-05-17T00:00:00Z"),
        ("2027-05-16T23:00:01Z", "2027-05-17T00:00:00Z"),
    ],
)
def test_follow_to_tokyo(moved: str, expected: str) -> None:
    """FOLLOW: 09:00 is due 2027-05-17T00:00:00Z, 09:00 in Tokyo; in the last hour it stays so."""
    road = somebody(ZoneMode.FOLLOW)
    assert local(road.due, TOKYO) == "2027-05-17T09:00:00+09:00"
    assert road.until(moved).wants(current_time_zone=LISBON).due == at(expected)
