"""Which dates and instants questions about the schedule may name."""

from whenever import Date, Instant

from chassis.errors import InvalidInput
from scheduler_service.domain.occasions import FIRST_YEAR, LAST_YEAR


def covered(on: Date, *, field: str) -> Date:
    """Return a date in whose year there are cycles.

    Raises:
        InvalidInput: reason NO_SUCH_DATE; before the year 4 or after 9995.
    """
    _check(on.year, f"{on}", field)
    return on


def covered_instant(time: Instant, *, field: str) -> Instant:
    """Return an instant in whose year (UTC) there are cycles.

    Raises:
        InvalidInput: reason NO_SUCH_DATE; before the year 4 or after 9995.
    """
    _check(time.to_tz("UTC").year, f"{time}", field)
    return time


def _check(year: int, value: str, field: str) -> None:
    if not FIRST_YEAR < year < LAST_YEAR:
        raise InvalidInput.at(
            field,
            f"nothing can be due at {value}",
            value=value,
            allowed=f"the years {FIRST_YEAR + 1} to {LAST_YEAR - 1}",
            reason="NO_SUCH_DATE",
        )
