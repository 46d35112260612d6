"""The people every template is tried on when it is saved: the ones that break templates."""

from typing import Final

from whenever import Instant

from scheduler_service.domain.occasions import Occasion, OnEnrol
from scheduler_service.domain.recipients import Recipient
from scheduler_service.rendering.messages import values_of
from scheduler_service.rendering.templates import Values

_DATE: Final = "2028-02-29"


def _values(given: str, family: str, *, year: int | None, kind: str) -> Values:
    enrolled = Instant.from_utc(2027, 1, 1)
    occasion = Occasion(kind, kind, 2, 29, year, None, enrolled, OnEnrol.NEXT)
    person = Recipient("tenant", "user", 1, "UTC", "en", given, family, (occasion,), {})
    return values_of(person, occasion, turned=None if year is None else 2028 - year, occurrence_date=_DATE)


def people(kind: str) -> dict[str, Values]:
    """Return a leap-day child, a person without year, without name, right to left, and a very long name."""
    return {
        "a person born on 29 February": _values("Ada", "Leap", year=2000, kind=kind),
        "a person whose birth year is unknown": _values("Noor", "Yearless", year=None, kind=kind),
        "a person without a given name": _values("", "Mononym", year=1990, kind=kind),
        "a person without any name": _values("", "", year=1990, kind=kind),
        "a person with a right-to-left name": _values("ליאור", "כהן", year=1985, kind=kind),
        "a person with a very long name": _values("x" * 500, "y" * 500, year=1985, kind=kind),
    }
