"""The people every template is tried on when it is saved: the ones that break templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from whenever import Instant

from scheduler_service.domain.cycles import turns
from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.occasions import Occasion, OnEnrol
from scheduler_service.domain.recipients import Recipient
from scheduler_service.rendering.messages import values_of
from scheduler_service.rendering.subset import names_below
from scheduler_service.rendering.templates import MAX_TEXT_BYTES, Values

LONG: Final = 10_000
"""Characters of the longest invented name, fifty times what the API lets in."""
LONGEST_TEXT_BYTES: Final = 256 * 1024
"""What that name may make of a part: room for 25 of it, none for text that grows by its square."""

_DATE: Final = "2028-02-29"
_ENROLLED: Final = Instant.from_utc(2027, 1, 1)
_NAMES: Final = ("id", "name", "given_name", "family_name")


@dataclass(frozen=True, slots=True)
class Fixture:
    """An invented person: in words, what a template sees of them, and how long a part may become.

    `guessed`: some values are of a kind that nobody knows, so a template that cannot take them is no
    worse for it; only one that ends the process is.
    """

    person: str
    values: Values
    longest: int = MAX_TEXT_BYTES
    guessed: bool = False


def people(event_type: EventType) -> list[Fixture]:
    """Return those whom `event_type` is tried on.

    A leap-day child, a person without year, without names, right to left, with names as long as the API
    allows, with one of 10,000 characters, of an event with metadata, and one for whom every attribute and
    every piece of metadata that the templates name is a text of 10,000 characters.
    """
    return [
        _fixture(event_type, "a person born on 29 February", "Ada", "Leap", year=2000),
        _fixture(event_type, "a person whose birth year is unknown", "Noor", "Yearless", year=None),
        _fixture(event_type, "a person without a given name", "", "Mononym"),
        _fixture(event_type, "a person without any name", "", ""),
        _fixture(event_type, "a person with a right-to-left name", "ליאור", "כהן"),
        _fixture(event_type, "a person with a very long name", "x" * 200, "y" * 200),
        _fixture(event_type, "a person of an event with metadata", "Ada", "Told", metadata={"note": "4711"}),
        _fixture(
            event_type,
            "a person with a name of 10,000 characters",
            "x" * (LONG // 2),
            "y" * (LONG // 2),
            longest=LONGEST_TEXT_BYTES,
        ),
        _guessed(event_type),
    ]


def _fixture(
    event_type: EventType,
    person: str,
    given: str,
    family: str,
    *,
    year: int | None = 1985,
    metadata: Mapping[str, str] | None = None,
    attributes: Mapping[str, object] | None = None,
    longest: int = MAX_TEXT_BYTES,
    guessed: bool = False,
) -> Fixture:
    kind = event_type.occasion_kind
    occasion = Occasion(kind, kind, 2, 29, year, None, _ENROLLED, OnEnrol.NEXT)
    known = None if event_type.recurrence is Recurrence.NONE else occasion
    is_yearly = event_type.recurrence is Recurrence.YEARLY
    who = Recipient("tenant", "user", 1, "UTC", "en", given, family, (occasion,), attributes or {})
    values = values_of(
        who,
        known,
        turned=turns(occasion, "2028") if is_yearly else None,
        occurrence_date=_DATE,
        metadata=metadata,
    )
    return Fixture(person, values, longest, guessed)


def _guessed(event_type: EventType) -> Fixture:
    sources = tuple(
        source for t in event_type.templates for source in (t.title, t.body, t.belated_title, t.belated_body)
    )
    return _fixture(
        event_type,
        "a person with attributes of 10,000 characters",
        "Ada",
        "Wordy",
        attributes=dict.fromkeys(names_below("user", sources) - set(_NAMES), "x" * LONG),
        metadata=dict.fromkeys(names_below("metadata", sources), "x" * LONG),
        longest=LONGEST_TEXT_BYTES,
        guessed=True,
    )
