"""Which column of a file means what; the options of `users import` as one value."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Self

DEFAULT_ID_COLUMNS = ("user_id", "person_id", "id")
DEFAULT_ZONE_COLUMN = "time_zone"
DEFAULT_GIVEN_NAME_COLUMN = "given_name"
DEFAULT_FAMILY_NAME_COLUMN = "family_name"
DEFAULT_LOCALE_COLUMN = "locale"

_OCCASION = re.compile(
    r"(?P<kind>[a-z][a-z0-9_-]{0,39})(:(?P<id>[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}))?=(?P<column>.+)"
)


class Incomplete(Enum):
    """What becomes of a person whose date is missing or partial."""

    REJECT = "reject"
    WITHOUT_OCCASION = "without-occasion"


class OnEnrol(Enum):
    """What happens to an occasion that falls on the day of the import, after its hour."""

    NEXT = "next"
    SAME_DAY = "same-day"


@dataclass(frozen=True)
class OccasionColumn:
    """A column of dates: the kind of occasion it holds and, if it needs one, the occasion's own id."""

    kind: str
    column: str
    occasion_id: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `KIND=COLUMN` or `KIND:ID=COLUMN` says.

        Raises:
            ValueError: it is written in another way.
        """
        match = _OCCASION.fullmatch(text)
        if not match:
            raise ValueError(
                f'"{text}" is not KIND=COLUMN or KIND:ID=COLUMN, for example birthday=date_of_birth '
                "(a kind is lower-case letters, digits, _ and -, a letter first)"
            )
        return cls(match["kind"], match["column"].strip(), match["id"] or "")


@dataclass(frozen=True)
class Mapping:
    """How a file of people is read. A column that is None has its default name and may then be absent,
    except the id and, without `default_zone`, the zone.
    """

    id_column: str | None = None
    given_name_column: str | None = None
    family_name_column: str | None = None
    zone_column: str | None = None
    locale_column: str | None = None
    occasions: tuple[OccasionColumn, ...] = ()
    """Empty: column `birthday` as kind `birthday`, if there is one."""
    attributes: tuple[str, ...] = ()
    incomplete: Incomplete = Incomplete.REJECT
    default_zone: str | None = None
    """The zone of persons who have none; None: they are rejected."""
    on_enrol: OnEnrol = OnEnrol.NEXT
    encoding: str = "utf-8"
    delimiter: str = ","
    limit: int | None = None
    """At most this many rows are read."""
