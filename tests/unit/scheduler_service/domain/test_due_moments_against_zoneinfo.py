"""`due_moment` against an independent reading of RFC 5545 section 3.3.5 on top of zoneinfo."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Date, Time

from chassis import zones
from scheduler_service.domain.moments import due_moment, end_of_local_day

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a wall time has no zone, that is the point
HOUR, DAY = 3600, 86_400
ZONES = sorted(zones.names())


@functools.cache
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def offset_at(utc: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return the offset in seconds at a POSIX time."""
    offset = dt.datetime.fromtimestamp(utc, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def bisect_change(low: int, high: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return the first second of (low, high] at which the offset is no longer that of `low`."""
    before = offset_at(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
    return high


def rfc5545(wall: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return the POSIX time of a wall time: the first if it repeats, by the offset before a gap if none."""
    scanned = range(wall - 28 * HOUR, wall + 28 * HOUR, HOUR)
    if all((utc + offset_at(utc, zone)) // DAY != wall // DAY for utc in scanned):
        return rfc5545(wall + DAY, zone)
    offsets = [offset_at(utc, zone) for utc in scanned]
    matching = [wall - offset for offset in set(offsets) if offset_at(wall - offset, zone) == offset]
    if matching:
        return min(matching)
    for utc, before, after in zip(scanned, offsets, offsets[1:], strict=False):
        change = bisect_change(utc, utc + HOUR, zone) if before != after else 0
        if before != after and change + before <= wall < change + after:
            return wall - before
    raise AssertionError("a wall time that is neither reached nor in a gap")


def seconds_of(on: dt.date, at: dt.time) -> int:
    return int((dt.datetime.combine(on, at) - EPOCH).total_seconds())


def due_seconds(wall: int, zone: str) -> int:
    """Return what the domain answers for a wall time given in seconds since 1970-01-01T00:00."""
    there = EPOCH + dt.timedelta(seconds=wall)
    moment = due_moment(Date(there.date()), Time(there.time()), zone)
    assert end_of_local_day(moment.local_date, zone) > moment.time
    return moment.time.timestamp()


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.dates(dt.date(1970, 1, 2), dt.date(2060, 12, 30)),
    st.times().map(lambda t: t.replace(microsecond=0)),
)
def test_any_local_time_is_reached_where_rfc_5545_says(zone: str, on: dt.date, at: dt.time) -> None:
    """For random zones, dates and times the instant is the one of the RFC's definition."""
    wall = seconds_of(on, at)
    assert due_seconds(wall, zone) == rfc5545(wall, zone_of(zone))


def changes(zone: zoneinfo.ZoneInfo, first: int, last: int) -> Iterator[int]:
    """Yield the seconds at which the offset changes; changes that cancel within ten days are not seen."""
    utc, before = first, offset_at(first, zone)
    while utc < last:
        after = offset_at(utc + 10 * DAY, zone)
        if after != before:
            yield bisect_change(utc, utc + 10 * DAY, zone)
        utc, before = utc + 10 * DAY, after


def check_around(change: int, name: str, zone: zoneinfo.ZoneInfo) -> int:
    """Compare the wall times at and around one change of offset; return how many were compared."""
    before, after = offset_at(change - 1, zone), offset_at(change, zone)
    low, high = sorted((change + before, change + after))
    for wall in (low - 1, low, (low + high) // 2, high - 1, high):
        inside = low <= wall < high
        expected = wall - (before if inside or wall < low else after)
        assert due_seconds(wall, name) == expected, (name, change, wall)
    return 5


def test_every_change_of_every_zone_from_1990_to_2060() -> None:
    """Just before, at, in and just after each gap and fold of each zone the instant is the RFC's."""
    first, last = seconds_of(dt.date(1990, 1, 1), dt.time()), seconds_of(dt.date(2060, 1, 1), dt.time())
    seen: set[tuple[int, ...]] = set()
    compared = 0
    for name in ZONES:
        zone = zone_of(name)
        found = tuple(changes(zone, first, last))
        # Links and zones with one history are one case; the first name stands for all of them.
        shape = (*found, *(offset_at(change, zone) for change in found))
        if shape not in seen:
            seen.add(shape)
            compared += sum(check_around(change, name, zone) for change in found)
    assert compared > 20_000
