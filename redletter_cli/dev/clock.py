"""The business clock of a deployment: real, shifted, faster, held - and never back on existing data."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from whenever import Date, Instant, OffsetDateTime, Time, TimeDelta

from redletter_cli.dev.errors import Refused
from redletter_cli.dev.places import read_json, write_json

HIGHEST_SPEED = 100_000.0

# "Held" is an anchor that nobody lives to see.
_NEVER = Instant.from_utc(2999, 1, 1)

# `reached` is written every second; after a kill -9 it may be that old, and a pause of ours longer.
_UNKNOWN = 2.0


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Business time: the real one without `start`, else `start + (real - anchor) * speed`, still before `anchor`.

    An `anchor` of None means held: business time stands at `start`.
    """

    start: Instant | None = None
    anchor: Instant | None = None
    speed: float = 1.0

    @property
    def held(self) -> bool:
        """Whether business time stands still until somebody starts it."""
        return self.start is not None and self.anchor is None

    def at(self, real: Instant) -> Instant:
        """Return the business instant at the real instant `real`."""
        if self.start is None:
            return real
        if self.anchor is None or real < self.anchor:
            return self.start
        passed = real.timestamp(unit="nanosecond") - self.anchor.timestamp(unit="nanosecond")
        return Instant.from_timestamp(
            self.start.timestamp(unit="nanosecond") + int(passed * self.speed), unit="nanosecond"
        )

    def now(self) -> Instant:
        """Return the business instant."""
        return self.at(Instant.now())

    def real_seconds_until(self, instant: Instant) -> float:
        """Return the real seconds until business time reaches `instant`, 0 or less when it has; held: for ever."""
        if self.held:
            return math.inf
        real = Instant.now()
        waits = max(0.0, (self.anchor - real).total("seconds")) if self.anchor else 0.0
        return waits + (instant - self.at(real)).total("seconds") / self.speed

    def anchored(self, anchor: Instant) -> "Clock":
        """Return the clock that starts to run at the real instant `anchor`; a real clock stays as it is."""
        return self if self.start is None else replace(self, anchor=anchor)

    def environment(self) -> dict[str, str]:
        """Return the three settings that every service takes, empty for the real clock."""
        if self.start is None:
            return {}
        return {
            "REDLETTER_CLOCK_FROM": self.start.format_iso(),
            "REDLETTER_CLOCK_ANCHOR": (self.anchor or _NEVER).format_iso(),
            "REDLETTER_CLOCK_SPEED": repr(self.speed),
        }

    def describe(self) -> str:
        """Return what a person wants to know of it, in a few words."""
        if self.start is None:
            return "the real time"
        if self.held:
            return f"held at {self.start.round('second').format_iso()}"
        return f"{self.now().round('second').format_iso()}, {self.speed:g} times as fast as the real one"


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What an earlier start left: its clock, and how far business time has come for certain."""

    lapse: bool
    speed: float
    instant: Instant
    clean: bool

    @property
    def resume_at(self) -> Instant:
        """Where business time goes on; after a kill a little later, because the last second is not known."""
        if self.clean or not self.lapse:
            return self.instant
        return self.instant + TimeDelta(seconds=_UNKNOWN * self.speed)


class ClockFile:
    """`clock.json`: the clock that runs and the instant it has reached."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Reached | None:
        """Return what an earlier start left, None at the first one."""
        found = read_json(self._path)
        if not found:
            return None
        return Reached(
            lapse=found["from"] is not None,
            speed=float(found["speed"]),
            instant=Instant.parse_iso(found["reached"]),
            clean=bool(found["clean"]),
        )

    def write(self, clock: Clock, *, clean: bool = False) -> None:
        """Note where `clock` stands now; `clean` when nothing runs by it any more."""
        write_json(
            self._path,
            {
                "from": clock.start.format_iso() if clock.start else None,
                "anchor": clock.anchor.format_iso() if clock.anchor else None,
                "speed": clock.speed,
                "reached": clock.now().format_iso(),
                "clean": clean,
            },
        )


def resolve(
    reached: Reached | None, *, start: Instant | None, speed: float | None, hold: bool, real: Instant
) -> Clock:
    """Return the clock to start with, not yet anchored: what was asked for, else what an earlier start left.

    Raises:
        Refused: business time would go back.
    """
    if start is None and reached is not None and reached.lapse:
        start, speed = reached.resume_at, speed if speed is not None else reached.speed
    if start is None and (hold or speed not in (None, 1.0)):
        start = real
    begins = start or real
    if reached is not None and begins < reached.instant:
        raise Refused(_backwards(reached.instant, begins, asked=start is not None))
    return Clock(start=start, speed=speed if speed is not None else 1.0)


def _backwards(reached: Instant, begins: Instant, *, asked: bool) -> str:
    what = "--from" if asked else "this machine's clock"
    return (
        f"the business clock of this data directory has reached {reached.round('second').format_iso()}, so {what} "
        f"{begins.round('second').format_iso()} would take it back; give a later --from, leave --from out to go "
        "on where it stopped, or choose another --data"
    )


def parse_instant(text: str, *, option: str) -> Instant:
    """Return the instant that `text` names: ISO 8601 with an offset, or a date alone for its midnight in UTC.

    Raises:
        Refused: it names none.
    """
    for parse in (Instant.parse_iso, _offset_instant, _midnight):
        try:
            return parse(text)
        except ValueError:
            continue
    raise Refused(
        f'{option} "{text}" is no instant; write it like 2028-02-27T00:00:00Z or 2028-02-27T09:00:00+05:45'
    )


def require_speed(speed: float) -> float:
    """Return `speed` if a clock can run at it.

    Raises:
        Refused: it is not above 0 and at most 100,000.
    """
    if not math.isfinite(speed) or not 0 < speed <= HIGHEST_SPEED:
        raise Refused(
            f"--speed {speed:g} is not possible: business seconds per real second, above 0 and at most {HIGHEST_SPEED:,.0f}"
        )
    return speed


def _offset_instant(text: str) -> Instant:
    return OffsetDateTime.parse_iso(text).to_instant()


def _midnight(text: str) -> Instant:
    return Date.parse_iso(text).at(Time()).assume_utc()
