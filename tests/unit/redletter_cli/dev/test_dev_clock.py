"""The business clock of `redletter dev`: what it is told, and that it never goes back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from whenever import Instant

from chassis.clocks import BusinessClock, Lapse
from redletter_cli.dev.clock import Clock, ClockFile, Reached, parse_instant, require_speed, resolve
from redletter_cli.dev.errors import Refused

REAL = Instant.from_utc(2026, 11, 22, 12)
FUTURE = Instant.from_utc(2028, 2, 27)


def _reached(instant: Instant, *, lapse: bool = True, speed: float = 60.0, clean: bool = True) -> Reached:
    return Reached(lapse=lapse, speed=speed, instant=instant, clean=clean)


def test_the_first_start_runs_in_real_time() -> None:
    """Without options and without data the business clock is the real one."""
    clock = resolve(None, start=None, speed=None, hold=False, real=REAL)
    assert clock == Clock()
    assert clock.at(REAL) == REAL
    assert clock.environment() == {}


def test_a_second_start_goes_on_where_the_lapse_stopped() -> None:
    """The stored instant and speed count when no option is given; a given speed wins."""
    clock = resolve(_reached(FUTURE), start=None, speed=None, hold=False, real=REAL)
    assert clock == Clock(start=FUTURE, speed=60.0)
    assert resolve(_reached(FUTURE), start=None, speed=2.0, hold=False, real=REAL).speed == 2.0


def test_after_a_kill_the_lapse_goes_on_beyond_what_is_known() -> None:
    """The last second before a kill is not in the file, so business time resumes two real seconds later."""
    clock = resolve(_reached(FUTURE, clean=False), start=None, speed=None, hold=False, real=REAL)
    assert clock.start == FUTURE.add(seconds=120)


@pytest.mark.parametrize("start", [FUTURE.subtract(seconds=1), REAL])
def test_a_start_before_what_is_reached_is_refused(start: Instant) -> None:
    """An instant before the reached one names both and what to do."""
    with pytest.raises(Refused, match=r"has reached 2028-02-27T00:00:00Z, so --from .* would take it back"):
        resolve(_reached(FUTURE), start=start, speed=None, hold=False, real=REAL)


def test_a_machine_clock_that_went_back_is_refused() -> None:
    """Real-time data from the future of this machine's clock is not touched."""
    with pytest.raises(Refused, match="this machine's clock"):
        resolve(_reached(FUTURE, lapse=False), start=None, speed=None, hold=False, real=REAL)


def test_a_held_clock_stands_still_until_it_is_anchored() -> None:
    """Before the anchor business time is the start; afterwards it runs at its speed."""
    held = resolve(None, start=FUTURE, speed=3600.0, hold=True, real=REAL)
    assert held.held
    assert held.at(REAL.add(hours=9)) == FUTURE
    running = held.anchored(REAL)
    assert running.at(REAL.subtract(seconds=1)) == FUTURE
    assert running.at(REAL.add(seconds=2)) == FUTURE.add(hours=2)


def test_supervisor_and_services_compute_the_same_business_time() -> None:
    """What the services make of the three settings is what the supervisor says."""
    anchor = Instant.now().subtract(seconds=100)
    clock = Clock(start=FUTURE, anchor=anchor, speed=600.0)
    settings = clock.environment()
    lapse = Lapse.of(
        datetime.fromisoformat(settings["REDLETTER_CLOCK_FROM"]),
        datetime.fromisoformat(settings["REDLETTER_CLOCK_ANCHOR"]),
        float(settings["REDLETTER_CLOCK_SPEED"]),
    )
    apart = clock.now() - BusinessClock(lapse).now()
    assert abs(apart.total("seconds")) < 60


def test_what_is_reached_survives_the_file(tmp_path: Path) -> None:
    """The file gives back the instant at which the clock stood when it was written."""
    file = ClockFile(tmp_path / "clock.json")
    assert file.read() is None
    file.write(Clock(start=FUTURE, speed=60.0), clean=True)
    assert file.read() == _reached(FUTURE)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2028-02-27T00:00:00Z", datetime(2028, 2, 27, tzinfo=UTC)),
        ("2028-02-27T09:00:00+05:45", datetime(2028, 2, 27, 3, 15, tzinfo=UTC)),
        ("2028-02-27", datetime(2028, 2, 27, tzinfo=UTC)),
    ],
)
def test_instants_are_read_with_their_offset(text: str, instant: datetime) -> None:
    """ISO 8601 with an offset, or a date alone for its midnight in UTC."""
    assert parse_instant(text, option="--from") == Instant(instant)


@pytest.mark.parametrize("text", ["", "now", "2028-02-27T00:00:00", "2027-02-29", "2028-02-27T25:00:00Z"])
def test_what_names_no_instant_is_refused(text: str) -> None:
    """A local time without offset is no instant, nor is a day that the calendar lacks."""
    with pytest.raises(Refused, match="is no instant"):
        parse_instant(text, option="--from")


@pytest.mark.parametrize("speed", [0.0, -1.0, 100_001.0, float("inf"), float("nan")])
def test_impossible_speeds_are_refused(speed: float) -> None:
    """Time neither stands nor goes back by a speed, and the services' limit holds here too."""
    with pytest.raises(Refused, match="above 0 and at most 100,000"):
        require_speed(speed)


def test_the_wait_for_an_instant_counts_what_is_left_of_the_hold() -> None:
    """Before the anchor the rest of the hold comes first; a held clock reaches nothing."""
    clock = Clock(start=FUTURE, anchor=Instant.now().add(seconds=50), speed=3600.0)
    assert 51 < clock.real_seconds_until(FUTURE.add(hours=2)) <= 52
    assert Clock(start=FUTURE, speed=2.0).real_seconds_until(FUTURE) == float("inf")
