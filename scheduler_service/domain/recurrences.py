"""Recurrences: the dates of an RFC 5545 rule of DAILY or slower that starts at an occasion's date.

The library expands the BY parts of one year; whatever depends on the start - INTERVAL, COUNT, UNTIL - is
arithmetic on the dates it gives. It would iterate from the start otherwise, and a daily rule since 1950
costs it 28,000 steps each time it is asked. A year is one of 14 calendars (leap or not, weekday of
1 January), so all people under a rule share at most 14 lists. Source: docs/adr/0006-time-rules-in-full.md.
"""

import bisect
import datetime as dt
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from whenever import Date

from chassis.errors import InvalidInput
from scheduler_service.domain.occasions import LAST_YEAR

MAX_RRULE_LENGTH: Final = 500
MAX_INTERVAL: Final = 100
MAX_COUNT: Final = 1000
ALLOWED: Final = (
    "FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, then INTERVAL (1 to 100), COUNT (1 to 1000) or UNTIL (YYYYMMDD),"
    " BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST"
)

_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BARREN_YEARS: Final = 50  # of those that INTERVAL leaves; a 29 February on a Sunday comes after 28, or 40
# A year for each of the 14 calendars, as late as the library goes: it looks for the next date until the
# year 9999 when a rule has none, so that this is soon over.
_YEARS: Final = {(year % 4 == 0, dt.date(year, 1, 1).weekday()): year for year in range(9960, 9990)}


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A parsed rule; `by` are its BY parts, in the order of the text."""

    freq: str
    interval: int
    count: int | None
    until: dt.date | None
    week_start: int
    by: tuple[tuple[str, str], ...]

    def expansion(self, start: dt.date) -> str:
        """Return the text that one year is expanded by, with what the RFC derives from the start."""
        names = {name for name, _ in self.by}
        implied = ""
        if self.freq == "WEEKLY" and "BYDAY" not in names:
            implied = f";BYDAY={_WEEKDAYS[start.weekday()]}"
        elif self.freq in ("MONTHLY", "YEARLY") and not names & {"BYDAY", "BYMONTHDAY"}:
            implied = f";BYMONTHDAY={start.day}"
            if self.freq == "YEARLY" and "BYMONTH" not in names:
                implied += f";BYMONTH={start.month}"
        parts = "".join(f";{name}={value}" for name, value in self.by)
        return f"FREQ={self.freq};WKST={_WEEKDAYS[self.week_start]}{parts}{implied}"

    def steps(self, start: dt.date, to: dt.date) -> int:
        """Return how many days, weeks, months or years `to` is after `start`; INTERVAL must divide it."""
        if self.freq == "DAILY":
            return (to - start).days
        if self.freq == "WEEKLY":
            return (self._week_of(to) - self._week_of(start)) // 7
        if self.freq == "MONTHLY":
            return (to.year - start.year) * 12 + to.month - start.month
        return to.year - start.year

    def _week_of(self, day: dt.date) -> int:
        return day.toordinal() - (day.weekday() - self.week_start) % 7


def recurrences(rrule: str, start: Date, *, since: Date) -> Iterator[Date]:
    """Yield, in order, the dates of `rrule` later than `start` and not before `since`.

    COUNT counts from `start`, if the rule meets it. Ends with the rule, after the year 9996, or after 50
    years (of those that INTERVAL leaves) without a date.
    """
    rule = parse(rrule)
    first = start.to_stdlib()
    last = rule.until if rule.count is None else _last(rrule, first)
    if rule.count is not None and last is None:
        return
    for day in _dates(rule, first, since=max(since.to_stdlib(), first + dt.timedelta(days=1))):
        if last is not None and day > last:
            return
        yield Date(day)


def check_rrule(rrule: str) -> None:
    """Refuse a rule that is not one, is faster than daily, or never has a date.

    Raises:
        InvalidInput: at field `rrule`; the sentence names the part and what is allowed.
    """
    rule = parse(rrule)
    text = rule.expansion(dt.date(2000, 1, 1))
    if not any(_days_of(text, year) for year in _YEARS.values()):
        raise _refused(f'"{rrule}" has no date in any year', rrule, "a rule that some day meets")


@functools.lru_cache(maxsize=1024)
def parse(rrule: str) -> RecurrenceRule:
    """Return the parts of a rule.

    Raises:
        InvalidInput: at field `rrule`.
    """
    if len(rrule) > MAX_RRULE_LENGTH:
        raise _refused(f"{len(rrule)} characters are too many", rrule, f"at most {MAX_RRULE_LENGTH}")
    parts: dict[str, str] = {}
    for part in rrule.upper().split(";"):
        name, _, value = part.partition("=")
        if name != "FREQ" and name not in _PARTS:
            raise _refused(f'"{part[:64]}" is not allowed', part, ALLOWED)
        if name in parts:
            raise _refused(f"{name} is there twice", part, "each part once")
        if name in _PARTS and not _PARTS[name](value):
            raise _refused(f'"{part[:64]}" is not allowed', part, _VALUES[name])
        parts[name] = value
    _check_together(parts)
    until = parts.get("UNTIL")
    return RecurrenceRule(
        freq=parts["FREQ"],
        interval=int(parts.get("INTERVAL", 1)),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=None if until is None else _date(until),
        week_start=_WEEKDAYS.index(parts.get("WKST", "MO")),
        by=tuple((name, value) for name, value in parts.items() if name.startswith("BY")),
    )


def _check_together(parts: dict[str, str]) -> None:
    """Refuse parts that RFC 5545 does not allow together."""
    freq = parts.get("FREQ", "")
    if freq not in _FREQUENCIES:
        raise _refused(f'"{freq[:64]}" is not a frequency', freq, ", ".join(_FREQUENCIES))
    if "COUNT" in parts and "UNTIL" in parts:
        raise _refused("COUNT and UNTIL exclude each other", "COUNT;UNTIL", "one of them")
    if freq == "WEEKLY" and "BYMONTHDAY" in parts:
        raise _refused("BYMONTHDAY does not go with WEEKLY", "BYMONTHDAY", "DAILY, MONTHLY or YEARLY")
    if freq in ("DAILY", "WEEKLY") and any(c in "0123456789" for c in parts.get("BYDAY", "")):
        raise _refused(
            f"BYDAY={parts['BYDAY']} does not go with {freq}", "BYDAY", "MONTHLY or YEARLY, or no number"
        )
    if "BYSETPOS" in parts and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYMONTH"}:
        raise _refused("BYSETPOS alone chooses from nothing", "BYSETPOS", "with BYDAY, BYMONTHDAY or BYMONTH")


def _dates(rule: RecurrenceRule, start: dt.date, *, since: dt.date) -> Iterator[dt.date]:
    text = rule.expansion(start)
    stride = rule.interval if rule.freq == "YEARLY" else 1
    year = since.year + (start.year - since.year) % stride
    barren = 0
    while year <= LAST_YEAR and barren < _BARREN_YEARS:
        barren += 1
        days = _days_of(text, _YEARS[_calendar_of(year)])
        begin = bisect.bisect_left(days, (since.month, since.day)) if year == since.year else 0
        for month, day in days[begin:]:
            found = dt.date(year, month, day)
            if rule.interval == 1 or rule.steps(start, found) % rule.interval == 0:
                barren = 0
                yield found
        year += stride


@functools.lru_cache(maxsize=8192)
def _last(rrule: str, start: dt.date) -> dt.date | None:
    """Return the date of the last turn of a rule with COUNT; None when it has not a single one."""
    rule = parse(rrule)
    last = None
    for last in itertools.islice(_dates(rule, start, since=start), rule.count):  # noqa: B007 - the last one is the answer
        pass
    return last


def _calendar_of(year: int) -> tuple[bool, int]:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return leap, dt.date(year, 1, 1).weekday()


@functools.lru_cache(maxsize=2048)  # 14 for a rule with BY parts; 5 KB each at the most (daily)
def _days_of(text: str, year: int) -> tuple[tuple[int, int], ...]:
    """Return (month, day) of each date that a rule has in a year, every interval counted."""
    # Here, because whoever has no such rule need not carry 4 MB of it.
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped,unused-ignore]

    first = dt.datetime(year, 1, 1)  # noqa: DTZ001 - a date; the library knows only these
    week_start = _WEEKDAYS.index(text.partition("WKST=")[2][:2])
    # A week is chosen from as a whole, also the one in which the year begins.
    begin = first - dt.timedelta(days=(first.weekday() - week_start) % 7) if "FREQ=WEEKLY" in text else first
    found: Iterator[dt.datetime] = itertools.dropwhile(first.__gt__, rrulestr(text, dtstart=begin))
    return tuple((day.month, day.day) for day in itertools.takewhile(lambda day: day.year == year, found))


def _numbers(low: int, high: int, *, signed: bool = False) -> Callable[[str], bool]:
    def are(value: str) -> bool:
        return all(_is_number(item, low, high, signed=signed) for item in value.split(","))

    return are


def _is_number(text: str, low: int, high: int, *, signed: bool = False) -> bool:
    digits = text[1:] if signed and text[:1] in ("+", "-") else text
    return digits.isascii() and digits.isdigit() and len(digits) <= 4 and low <= int(digits) <= high


def _is_one_number(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: _is_number(value, low, high)


def _are_days(value: str) -> bool:
    return all(
        item[-2:] in _WEEKDAYS and (item[:-2] == "" or _is_number(item[:-2], 1, 53, signed=True))
        for item in value.split(",")
    )


def _date(text: str) -> dt.date | None:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


_PARTS: Final[dict[str, Callable[[str], bool]]] = {
    "INTERVAL": _is_one_number(1, MAX_INTERVAL),
    "COUNT": _is_one_number(1, MAX_COUNT),
    "UNTIL": lambda value: _date(value) is not None,
    "WKST": _WEEKDAYS.__contains__,
    "BYMONTH": _numbers(1, 12),
    "BYMONTHDAY": _numbers(1, 31, signed=True),
    "BYDAY": _are_days,
    "BYSETPOS": _numbers(1, 366, signed=True),
}
_VALUES: Final = {
    "INTERVAL": f"1 to {MAX_INTERVAL}",
    "COUNT": f"1 to {MAX_COUNT}",
    "UNTIL": "a date such as 20301231",
    "WKST": ", ".join(_WEEKDAYS),
    "BYMONTH": "1 to 12, separated by commas",
    "BYMONTHDAY": "1 to 31 or -31 to -1, separated by commas",
    "BYDAY": "MO to SU, with MONTHLY and YEARLY also 1MO to 53SU and -53MO to -1SU, separated by commas",
    "BYSETPOS": "1 to 366 or -366 to -1, separated by commas",
}


def _refused(why: str, value: str, allowed: str) -> InvalidInput:
    return InvalidInput.at("rrule", why, value=value[:64], allowed=allowed)
