"""The header of a file against the mapping: where in a row each thing stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from redletter.user.v1 import user_pb2

from redletter_cli.people import mapping as defaults
from redletter_cli.people.mapping import Mapping, OccasionColumn
from redletter_cli.people.problems import PeopleError

_DEFAULT_OCCASION = OccasionColumn("birthday", "birthday")


@dataclass(frozen=True)
class Column:
    """A column by name and by position from 0."""

    name: str
    index: int


@dataclass(frozen=True)
class Columns:
    """Where a row of this file has what; what is None the file does not have."""

    width: int
    user_id: Column
    time_zone: Column | None
    given_name: Column | None
    family_name: Column | None
    locale: Column | None
    occasions: tuple[tuple[OccasionColumn, Column], ...]
    attributes: tuple[Column, ...]

    @classmethod
    def of(cls, header: Sequence[str], mapping: Mapping) -> Self:
        """Return where `header` has the mapped columns.

        Raises:
            PeopleError: a needed column is missing, or stands there twice; names the columns there are.
        """
        found = _Header(tuple(name.strip() for name in header))
        # The id first: of a file that is something else altogether, that is the thing to say.
        user_id = found.required(mapping.id_column, defaults.DEFAULT_ID_COLUMNS, "--id-column")
        zone = found.either(
            mapping.zone_column,
            (defaults.DEFAULT_ZONE_COLUMN,),
            "--zone-column",
            required=mapping.default_zone is None,
        )
        return cls(
            width=len(header),
            user_id=user_id,
            time_zone=zone,
            given_name=found.either(
                mapping.given_name_column, (defaults.DEFAULT_GIVEN_NAME_COLUMN,), "--given-name-column"
            ),
            family_name=found.either(
                mapping.family_name_column, (defaults.DEFAULT_FAMILY_NAME_COLUMN,), "--family-name-column"
            ),
            locale=found.either(mapping.locale_column, (defaults.DEFAULT_LOCALE_COLUMN,), "--locale-column"),
            occasions=found.occasions(mapping.occasions),
            attributes=tuple(found.named(name, "--attribute COLUMN") for name in mapping.attributes),
        )

    def of_field(self, path: str, occasion_columns: Sequence[str]) -> str:
        """Return the column that a field path of User came from, or the path itself.

        `occasion_columns` names the column of each occasion that the user was given.
        """
        if path.startswith("occasions["):
            index = path[len("occasions[") :].partition("]")[0]
            known = index.isdigit() and int(index) < len(occasion_columns)
            return occasion_columns[int(index)] if known else path
        if path.startswith("attributes."):
            return path.removeprefix("attributes.")
        column = getattr(self, path, None)
        return column.name if isinstance(column, Column) else path

    def of_largest_attribute(self, person: user_pb2.User) -> str | None:
        """Return the column of the attribute that takes the most bytes, None if the person has no attribute."""
        sizes = {name: value.ByteSize() for name, value in person.attributes.fields.items()}
        return max(sizes, key=lambda name: sizes[name], default=None)


@dataclass(frozen=True)
class _Header:
    names: tuple[str, ...]

    def named(self, name: str, option: str) -> Column:
        if self.names.count(name) > 1:
            raise PeopleError(
                f'the header has the column "{name}" {self.names.count(name)} times; rename one'
            )
        if name not in self.names:
            raise PeopleError(
                f'there is no column "{name}"; the columns are {self._listed()}; choose one by {option}'
            )
        return Column(name, self.names.index(name))

    def either(
        self, given: str | None, usual: tuple[str, ...], option: str, *, required: bool = False
    ) -> Column | None:
        name = given or next((name for name in usual if name in self.names), None)
        if name is not None:
            return self.named(name, f"{option} COLUMN")
        return self.required(given, usual, option) if required else None

    def required(self, given: str | None, usual: tuple[str, ...], option: str) -> Column:
        name = given or next((name for name in usual if name in self.names), None)
        if name is None:
            wanted = " or ".join(f'"{name}"' for name in usual)
            raise PeopleError(
                f"there is no column {wanted}; the columns are {self._listed()}; choose one by {option} COLUMN"
                + self._hint()
            )
        return self.named(name, f"{option} COLUMN")

    def occasions(self, wanted: tuple[OccasionColumn, ...]) -> tuple[tuple[OccasionColumn, Column], ...]:
        if not wanted:
            wanted = (_DEFAULT_OCCASION,) if _DEFAULT_OCCASION.column in self.names else ()
        if not wanted:
            raise PeopleError(
                'there is no column "birthday" and no other column of dates is named; the columns are '
                f"{self._listed()}; choose one by --occasion KIND=COLUMN, for example --occasion birthday=COLUMN"
            )
        named = tuple((o, self.named(o.column, "--occasion KIND=COLUMN")) for o in wanted)
        _refuse_twins(wanted)
        return named

    def _listed(self) -> str:
        return ", ".join(f'"{name}"' for name in self.names)

    def _hint(self) -> str:
        for delimiter, shown in ((";", ";"), ("\t", r"\t")):
            if len(self.names) == 1 and delimiter in self.names[0]:
                return f"; it looks as if the columns are separated otherwise: try --delimiter '{shown}'"
        return ""


def _refuse_twins(wanted: tuple[OccasionColumn, ...]) -> None:
    ids = [occasion.occasion_id or occasion.kind for occasion in wanted]
    twin = next((one for one in ids if ids.count(one) > 1), None)
    if twin:
        raise PeopleError(
            f'two occasions have the id "{twin}"; give one an id of its own by --occasion KIND:ID=COLUMN, '
            f"for example --occasion {wanted[-1].kind}:second={wanted[-1].column}"
        )
