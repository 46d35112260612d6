"""The one time-zone source: the tzdata wheel, whatever the machine has."""

import importlib.resources
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
import tzdata
import whenever

from chassis import zones
from chassis.errors import InvalidInput

WHEEL = Path(tzdata.__file__).parent


@pytest.fixture(autouse=True)
def pinned_again() -> Iterator[None]:
    """Leave the process pinned, whatever a test did to it."""
    yield
    zones.names.cache_clear()
    zones.pin()


def berlin_in_january() -> tuple[float, float]:
    """Return the hours Berlin is ahead of UTC, by whenever and by zoneinfo."""
    noon = whenever.Instant.from_utc(2027, 1, 1, 12)
    by_zoneinfo = noon.to_stdlib().astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset()
    assert by_zoneinfo is not None
    return noon.to_tz("Europe/Berlin").offset.total("hours"), by_zoneinfo.total_seconds() / 3600


def test_pin_ignores_the_machines_zone_files(tmp_path: Path) -> None:
    """A machine that thinks Berlin is Tokyo is believed before the pin and not after it."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes((WHEEL / "zoneinfo" / "Asia" / "Tokyo").read_bytes())
    whenever.reset_tzpath([str(tmp_path)])
    whenever.clear_tzcache()
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    assert berlin_in_january() == (9, 9)
    zones.pin()
    assert berlin_in_january() == (1, 1)


def test_no_wheel_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel's zone files the process refuses to start, in a sentence."""
    monkeypatch.setattr(importlib.resources, "files", lambda _package: tmp_path)
    with pytest.raises(RuntimeError, match=r"The tzdata wheel \d{4}[a-z] has no zone files at .*install it"):
        zones.pin()


def test_version_is_the_wheels() -> None:
    """The version is the IANA release of the installed wheel."""
    assert zones.version() == zones.VERSION == tzdata.IANA_VERSION


def test_names_are_the_wheels_list_without_factory() -> None:
    """Every listed zone is known, links included; Factory and what machines add are not."""
    listed = set((WHEEL / "zones").read_text().split())
    assert zones.names() == listed - {"Factory"}
    assert {"Asia/Calcutta", "Europe/Kyiv", "Europe/Kiev", "UTC"} <= zones.names()
    assert not {"localtime", "posixrules", "Factory", "right/UTC", ""} & zones.names()


def test_every_name_can_be_loaded() -> None:
    """Both libraries know every zone that is accepted."""
    zones.pin()
    noon = whenever.Instant.from_utc(2027, 1, 1, 12)
    for name in zones.names():
        assert noon.to_tz(name).tz_id == zoneinfo.ZoneInfo(name).key == name


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("New_York", "America/New_York"),
        ("america/new york", "America/New_York"),
        ("America/Los Angeles", "America/Los_Angeles"),
        ("EUROPE/BERLIN", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("Kolkata", "Asia/Kolkata"),
        ("US/Pacfic", "US/Pacific"),
    ],
)
def test_nearest_name_comes_first(written: str, meant: str) -> None:
    """What people write leads to the zone they mean."""
    assert zones.nearest(written)[0] == meant


def test_nearest_gives_at_most_n_names_each_once() -> None:
    """Suggestions are few, different and known; nonsense has none."""
    assert len(zones.nearest("Europe/Be", n=2)) == 2
    assert len(set(zones.nearest("Europe/Berlin", n=10))) == 10
    assert set(zones.nearest("Europe/Berlin", n=10)) <= zones.names()
    assert zones.nearest("") == zones.nearest("123456789") == ()


def test_known_zone_is_returned_as_given() -> None:
    """A link stays the link the caller gave."""
    assert zones.require_known("Asia/Calcutta", field="user.time_zone") == "Asia/Calcutta"


def test_unknown_zone_is_refused_with_value_and_nearest_names() -> None:
    """The sentence names the field, the value, and what may have been meant."""
    with pytest.raises(InvalidInput) as refused:
        zones.require_known("Europe/Berln", field="users[3].time_zone")
    assert str(refused.value).startswith(
        'users[3].time_zone: "Europe/Berln" is not a known time zone (allowed: '
    )
    assert "nearest: Europe/Berlin, " in str(refused.value)
    assert refused.value.reason == "UNKNOWN_TIME_ZONE"
    assert refused.value.violations[0].value == "Europe/Berln"


@pytest.mark.parametrize("name", ["", "Factory", "../../etc/passwd", "europe/berlin", "x" * 100_000])
def test_anything_else_is_refused_in_a_short_sentence(name: str) -> None:
    """No spelling is guessed, nothing is looked up as a path, and no long value is repeated."""
    with pytest.raises(InvalidInput) as refused:
        zones.require_known(name, field="time_zone")
    assert len(str(refused.value)) < 300
