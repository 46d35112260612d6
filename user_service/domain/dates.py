"""Civil dates of occasions: a month, a day, perhaps a year."""

from typing import Final

from chassis.errors import InvalidInput

MAX_YEAR: Final = 9999
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def check_date(year: int | None, month: int, day: int, *, field: str) -> None:
    """Refuse a date that the calendar lacks; without a year 29 February exists.

    Raises:
        InvalidInput: reason NO_SUCH_DATE; the sentence names the date and what would be one.
    """
    if year is not None and not 1 <= year <= MAX_YEAR:
        raise _refused(
            field, str(year), f"there is no year {year}", f"1 to {MAX_YEAR}, or 0 for an unknown year"
        )
    if not 1 <= month <= 12:
        raise _refused(field, str(month), f"there is no month {month}", "1 to 12")
    days = _days_of(year, month)
    if not 1 <= day <= days:
        whole = f"{day} {_NAMES[month - 1]}" + (f" {year}" if year is not None else "")
        raise _refused(field, whole, f"there is no {whole}", f"day 1 to {days}")


def is_leap_year(year: int) -> bool:
    """Return whether the year has a 29 February; 2000 has, 1900 and 2100 have not."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_of(year: int | None, month: int) -> int:
    if month == 2 and year is not None and not is_leap_year(year):
        return 28
    return _DAYS[month - 1]


def _refused(field: str, value: str, why: str, allowed: str) -> InvalidInput:
    return InvalidInput.at(field, why, value=value, allowed=allowed, reason="NO_SUCH_DATE")
