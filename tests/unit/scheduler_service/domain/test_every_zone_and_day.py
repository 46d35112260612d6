"""Every zone has exactly one moment for each date: around every change of its clocks, and a random sample.

All days of all zones from 1990 to 2060 are swept by `python -m benchmarks.zones`; here, with the same
derivation from `zoneinfo`, all zones with the two days before and after each of their changes.
"""

import datetime as dt
import functools
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Date, Time

from benchmarks.zones import (
    DAY,
    EPOCH,
    LOCAL_TIMES,
    families,
    instants_of,
    mismatches,
    offset_at,
    rfc5545,
    wall_of,
    zone_of,
)
from chassis import zones
from scheduler_service.domain.event_types import FoldPolicy, GapPolicy, SkippedDatePolicy
from scheduler_service.domain.moments import Shift, due_moment

FIRST, LAST = dt.date(1990, 1, 1), dt.date(2060, 12, 31)
FAMILIES = families()


@functools.cache
def changes_of(name: str) -> tuple[tuple[int, int], ...]:
    """Return (POSIX time, offset from then on) of each change; what cancels within a week is not seen."""
    zone = zone_of(name)
    weeks = range(wall_of(FIRST, dt.time()), wall_of(LAST, dt.time()), 7 * DAY)
    offsets = [offset_at(week, zone) for week in weeks]
    found = []
    for week, before, after in zip(weeks, offsets, offsets[1:], strict=False):
        low, high = week, week + 7 * DAY
        while before != after and high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
        if before != after:
            found.append((high, after))
    return tuple(found)


@functools.cache
def days_around_changes(name: str) -> list[dt.date]:
    """Return every date within two days of a change, in order."""
    changed = [(EPOCH + dt.timedelta(seconds=utc + offset)).date() for utc, offset in changes_of(name)]
    near = {day + dt.timedelta(days=n) for day in changed for n in range(-2, 3)}
    return sorted(day for day in near if FIRST <= day <= LAST)


def test_names_are_grouped_by_the_bytes_of_their_files() -> None:
    """Every accepted name is in one group, and a link's `zoneinfo` has the same offsets as its twin."""
    names = [name for group in FAMILIES.values() for name in group]
    assert sorted(names) == sorted(zones.names())
    sample = range(wall_of(FIRST, dt.time()), wall_of(LAST, dt.time()), 97 * DAY)
    for first, *links in FAMILIES.values():
        for link in links:
            assert all(offset_at(t, zone_of(first)) == offset_at(t, zone_of(link)) for t in sample)


def test_every_zone_around_each_of_its_changes() -> None:
    """At 00:00, 02:30, 09:00 and 23:59:30 of the days around each change the moment is the RFC's."""
    # Zones whose clocks change alike from 1990 on differ only before; one stands for them.
    alike = {(offset_at(wall_of(FIRST, dt.time()), zone_of(n)), changes_of(n)): n for n in FAMILIES}
    compared = 0
    for name in alike.values():
        days = days_around_changes(name)
        compared += len(days)
        assert list(mismatches(name, days)) == []
    assert compared > 50_000


def test_a_random_sample_of_all_zones_and_days() -> None:
    """Ten days of each zone, other ones in each run, at the times of the sweep."""
    span = (LAST - FIRST).days
    drawn = random.Random()
    for name in FAMILIES:
        days = [FIRST + dt.timedelta(days=drawn.randrange(span)) for _ in range(10)]
        assert list(mismatches(name, days)) == []


zone_names = st.one_of(
    st.sampled_from(
        ["Pacific/Apia", "Pacific/Kwajalein", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Gaza"]
    ),
    st.sampled_from(sorted(zones.names())),
)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, dt.date, dt.time]:
    """Draw a zone and, one time in two, a day around one of its changes."""
    name = draw(zone_names)
    near = days_around_changes(name)
    anywhere = st.dates(FIRST, LAST)
    day = draw(st.sampled_from(near) | anywhere if near else anywhere)
    at = draw(st.sampled_from(LOCAL_TIMES) | st.times().map(lambda t: t.replace(microsecond=0)))
    return name, day, at


@settings(max_examples=300, deadline=None)
@given(moments(), st.sampled_from(GapPolicy), st.sampled_from(FoldPolicy), st.sampled_from(SkippedDatePolicy))
def test_policies_differ_only_where_clocks_change(
    drawn: tuple[str, dt.date, dt.time], gap: GapPolicy, fold: FoldPolicy, skipped: SkippedDatePolicy
) -> None:
    """A wall time that exists once is itself under all policies; else the policy says which instant it is."""
    name, day, at = drawn
    zone, wall = zone_of(name), wall_of(day, at)
    moment = due_moment(Date(day), Time(at), name, gap, fold, skipped)
    ours, instants = moment.time.timestamp(), instants_of(wall, zone)
    if instants:
        assert ours == (instants[0] if fold is FoldPolicy.FIRST else instants[-1])
        assert (Shift.FOLD in moment.shifts) == (len(instants) > 1)
    elif Shift.SKIPPED_DATE in moment.shifts:
        expected = rfc5545(wall + DAY if skipped is SkippedDatePolicy.NEXT else wall - DAY, zone)
        assert ours == expected or Shift.GAP in moment.shifts or Shift.FOLD in moment.shifts
    else:
        before = int((zone.utcoffset(EPOCH + dt.timedelta(seconds=wall)) or dt.timedelta()).total_seconds())
        forward = wall - before
        after = offset_at(forward, zone)
        assert Shift.GAP in moment.shifts
        if gap is GapPolicy.FORWARD:
            assert ours == forward
        elif gap is GapPolicy.BACKWARD:
            assert ours == wall - after
        else:
            assert offset_at(ours - 1, zone) == before
            assert offset_at(ours, zone) == after
            assert wall - after < ours <= forward
