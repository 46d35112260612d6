"""Working days: where a message goes whose day is a Saturday, a Sunday or a holiday of the tenant."""

from typing import Final, assert_never

from whenever import Date, Weekday

from scheduler_service.domain.event_types import WeekendShift

MAX_SHIFT_DAYS: Final = 31
"""How far a message is moved at most; with more holidays in a row it stays where it is."""

_WEEKEND: Final = (Weekday.SATURDAY, Weekday.SUNDAY)


def working_day(day: Date, shift: WeekendShift, *, holidays: frozenset[Date]) -> Date:
    """Return the nearest working day before or after; `day` itself when it is one."""
    found = day
    for _ in range(MAX_SHIFT_DAYS + 1):
        if found.day_of_week() not in _WEEKEND and found not in holidays:
            return found
        match shift:
            case WeekendShift.NONE:
                return day
            case WeekendShift.BEFORE:
                found = found.prev_day()
            case WeekendShift.AFTER:
                found = found.next_day()
            case _:
                assert_never(shift)
    return day
