"""Every zone of the pinned tzdata x every day from 1990 to 2060: one instant each, and the right one.

`python -m benchmarks.zones [--first 1990 --last 2060] [--json FILE]`. Compares `due_moment`, uncached, with a
derivation of its own: RFC 5545 section 3.3.5 on `zoneinfo`, which shares no code with `whenever`. Names whose
files in the wheel are byte for byte the same are links to the same rules and are swept once; the names are
counted with their twin. Takes some minutes of one core.
"""

import argparse
import collections
import datetime as dt
import functools
import hashlib
import importlib.resources
import json
import pathlib
import time
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from whenever import Date, Time

from chassis import zones
from scheduler_service.domain.moments import due_moment

LOCAL_TIMES = (dt.time(0), dt.time(2, 30), dt.time(9), dt.time(23, 59, 30))
"""Midnight, in the middle of most gaps, the usual hour, the last minute."""

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a wall time has no zone, that is the point
HOUR, DAY = 3600, 86_400


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return the zone as `zoneinfo` reads it from the wheel."""
    return _zone(name)


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def families() -> dict[str, list[str]]:
    """Return first name -> all names with the same rules: their files in the wheel are the same bytes."""
    files = importlib.resources.files("tzdata") / "zoneinfo"
    found: dict[str, list[str]] = collections.defaultdict(list)
    for name in sorted(zones.names()):
        found[hashlib.sha256(files.joinpath(*name.split("/")).read_bytes()).hexdigest()].append(name)
    return {names[0]: names for names in found.values()}


def offset_at(utc: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return the offset in seconds at a POSIX time."""
    offset = dt.datetime.fromtimestamp(utc, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def instants_of(wall: int, zone: zoneinfo.ZoneInfo) -> list[int]:
    """Return every POSIX time at which the wall shows `wall` (seconds since 1970-01-01T00:00 local), sorted."""
    there = EPOCH + dt.timedelta(seconds=wall)
    offsets = {int(zone.utcoffset(there.replace(fold=fold)).total_seconds()) for fold in (0, 1)}  # type: ignore[union-attr]
    return sorted(wall - offset for offset in offsets if offset_at(wall - offset, zone) == offset)


def rfc5545(wall: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return the POSIX time of a wall time: the first if it repeats, by the offset before a gap if it has none.

    A date that has no instant at all is the next that has one, at the same wall time.
    """
    found = instants_of(wall, zone)
    if found:
        return found[0]
    day = wall // DAY
    if not any(
        (utc + offset_at(utc, zone)) // DAY == day for utc in range(wall - 40 * HOUR, wall + 40 * HOUR, HOUR)
    ):
        return rfc5545(wall + DAY, zone)
    # In a gap `fold=0` is the offset before it (PEP 495).
    offset = zone.utcoffset(EPOCH + dt.timedelta(seconds=wall))
    assert offset is not None
    return wall - int(offset.total_seconds())


def wall_of(on: dt.date, at: dt.time) -> int:
    """Return a wall time in seconds since 1970-01-01T00:00."""
    return int((dt.datetime.combine(on, at) - EPOCH).total_seconds())


def mismatches(name: str, days: Iterable[dt.date], times: Iterable[dt.time] = LOCAL_TIMES) -> Iterator[str]:
    """Yield each (zone, date, time) at which the domain's one moment is not the one of the RFC."""
    zone = zone_of(name)
    pairs = [(at, Time(at)) for at in times]
    uncached = due_moment.__wrapped__
    for day in days:
        on = Date(day)
        for at, ours in pairs:
            moment = uncached(on, ours, name)
            if moment.time.timestamp() != rfc5545(wall_of(day, at), zone):
                yield f"{name} {day} {at}"


def days_between(first: int, last: int) -> list[dt.date]:
    """Return every day of the years `first` to `last`."""
    begin = dt.date(first, 1, 1).toordinal()
    return [dt.date.fromordinal(n) for n in range(begin, dt.date(last + 1, 1, 1).toordinal())]


@dataclass
class Result:
    """What a sweep found."""

    tzdata: str
    names: int
    distinct: int
    days: int
    pairs: int
    pairs_with_links: int
    moments: int
    mismatches: int
    seconds: float


def sweep(first: int, last: int) -> Result:
    """Sweep everything and count."""
    begun = time.monotonic()
    groups, days = families(), days_between(first, last)
    wrong = 0
    for done, name in enumerate(groups):
        for found in mismatches(name, days):
            wrong += 1
            print("MISMATCH", found)
        if done % 50 == 49:
            print(
                f"{done + 1} of {len(groups)} zones, {wrong} mismatches, {time.monotonic() - begun:.0f} s",
                flush=True,
            )
    names = sum(map(len, groups.values()))
    pairs = len(groups) * len(days)
    return Result(
        tzdata=zones.VERSION,
        names=names,
        distinct=len(groups),
        days=len(days),
        pairs=pairs,
        pairs_with_links=names * len(days),
        moments=pairs * len(LOCAL_TIMES),
        mismatches=wrong,
        seconds=round(time.monotonic() - begun, 1),
    )


def main() -> None:
    """Read the years from the command line, sweep, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=1990)
    parser.add_argument("--last", type=int, default=2060)
    parser.add_argument("--json", type=pathlib.Path)
    asked = parser.parse_args()
    zones.pin()
    result = sweep(asked.first, asked.last)
    for name, value in asdict(result).items():
        print(f"{name:>17}: {value}")
    if asked.json:
        asked.json.write_text(json.dumps(asdict(result), indent=2) + "\n")
    raise SystemExit(1 if result.mismatches else 0)


if __name__ == "__main__":
    main()
