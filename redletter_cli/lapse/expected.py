"""The independent count: who must get what on which date, straight from the CSV file.

It shares nothing with the services: the csv module, datetime and zoneinfo, and the rules of DESIGN 4 written once
more. An error that both have in common is what it cannot find.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from redletter_cli.lapse.window import Window

LOCAL_TIME = time(9)

_DATE = re.compile(r"(\d{4}|-)-(\d{2})-(\d{2})", re.ASCII)
_PARTIAL = re.compile(r"(\d{4}(-\d{2})?)?", re.ASCII)
_LEAP_YEAR = 2000


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the file has what: column names, and what becomes of gaps.

    `occasions` are event type and column.
    """

    user_id: str
    time_zone: str
    occasions: tuple[tuple[str, str], ...]
    keep_incomplete: bool
    default_zone: str | None
    encoding: str
    delimiter: str
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One message that must arrive: for whom, which, on which nominal date, due when (UTC)."""

    user_id: str
    event_type: str
    occurrence_date: date
    due: datetime
    zone: ZoneInfo


@dataclass(frozen=True)
class Person:
    """One row that says enough: `dates` are event type, year (None: unknown), month, day."""

    user_id: str
    zone: ZoneInfo
    dates: tuple[tuple[str, int | None, int, int], ...]


@dataclass(frozen=True)
class Census:
    """The people of a file: those that count, by id, and on which lines the others stand."""

    people: dict[str, Person]
    unfit_lines: tuple[int, ...]
    rows: int


def take_census(path: Path, layout: Layout, *, without_lines: frozenset[int] = frozenset()) -> Census:
    """Read the file; a later row with the same id replaces the earlier. `without_lines` are left out."""
    people: dict[str, Person] = {}
    unfit: list[int] = []
    zones = available_timezones() - {"Factory", "localtime"}
    rows = 0
    for line, cells in _rows(path, layout):
        rows += 1
        person = _person(cells, layout, zones)
        if person is None:
            unfit.append(line)
        elif line not in without_lines:
            people[person.user_id] = person
    return Census(people, tuple(unfit), rows)


def expect(census: Census, window: Window) -> list[Expected]:
    """Return every message that is due within `window`."""
    return [
        expected
        for person in census.people.values()
        for expected in _of_person(person, window)
        if expected.due in window
    ]


def kept_on(year: int, month: int, day: int) -> date:
    """Return the date on which month and day are kept in `year`: 29 February on the 28th in common years."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, month, 28 if (month, day) == (2, 29) and not leap else day)


def _of_person(person: Person, window: Window) -> Iterator[Expected]:
    # A date just outside the window may fall into it by its instant, also across New Year.
    for year in range(window.begin.year - 1, window.end.year + 2):
        for event_type, since, month, day in person.dates:
            if since is not None and year <= since:
                continue  # the day itself is no anniversary, and before it there is nothing
            on = kept_on(year, month, day)
            # fold=0: the first of two; in a gap the offset before it, which moves forward by its length.
            due = datetime.combine(on, LOCAL_TIME, person.zone).astimezone(UTC)
            yield Expected(
                user_id=person.user_id, event_type=event_type, occurrence_date=on, due=due, zone=person.zone
            )


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, str] | None]]:
    encoding = "utf-8-sig" if layout.encoding.lower() in ("utf-8", "utf8") else layout.encoding
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter)
        header = [name.strip() for name in next(reader)]
        line, count = reader.line_num + 1, 0
        for cells in reader:
            if cells and (layout.limit is None or count < layout.limit):
                count += 1
                yield line, _named(header, cells)
            line = reader.line_num + 1


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, str] | None:
    if len(header) != len(cells):
        return None
    return dict(zip(header, (cell.strip() for cell in cells), strict=True))


def _person(row: dict[str, str] | None, layout: Layout, zones: set[str]) -> Person | None:
    if row is None or not row[layout.user_id]:
        return None
    zone = row.get(layout.time_zone, "") or layout.default_zone
    if zone not in zones or zone is None:
        return None
    dates = []
    for event_type, column in layout.occasions:
        text = row[column]
        if _PARTIAL.fullmatch(text) and layout.keep_incomplete:
            continue
        found = _civil_date(text)
        if found is None:
            return None
        dates.append((event_type, *found))
    return Person(row[layout.user_id], ZoneInfo(zone), tuple(dates))


def _civil_date(text: str) -> tuple[int | None, int, int] | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year = None if match[1] == "-" else int(match[1])
    try:
        date(_LEAP_YEAR if year is None else year, int(match[2]), int(match[3]))
    except ValueError:
        return None
    return year, int(match[2]), int(match[3])
