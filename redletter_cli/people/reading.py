"""Rows of a file as users: what a row says, or why it says too little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from redletter.user.v1 import user_pb2

from redletter_cli.people import dates
from redletter_cli.people.columns import Column, Columns
from redletter_cli.people.mapping import Incomplete, Mapping, OccasionColumn
from redletter_cli.people.problems import Note, PeopleError, Problem, Rejection
from redletter_cli.people.source import records


@dataclass(frozen=True)
class Row:
    """One row: the line it starts on (the header is line 1), the person or the rejection, and what was noted.

    `occasion_columns` names the column of each of the user's occasions, in their order.
    """

    line: int
    person: user_pb2.User | Rejection
    notes: tuple[Note, ...] = ()
    occasion_columns: tuple[str, ...] = ()


def header(path: Path, mapping: Mapping) -> Columns:
    """Return where the file has what.

    Raises:
        PeopleError: the file cannot be read, is empty, or lacks a mapped column.
    """
    return _columns(path, next(records(path, mapping), None), mapping)


def read(path: Path, mapping: Mapping) -> Iterator[Row]:
    """Yield the rows of the file in their order.

    Raises:
        PeopleError: as `header`; also later, at a byte that is not text in the mapping's encoding.
    """
    source = records(path, mapping)
    columns = _columns(path, next(source, None), mapping)
    for line, cells in islice(source, mapping.limit):
        yield _row(line, [cell.strip() for cell in cells], columns, mapping)


def _columns(path: Path, first: tuple[int, list[str]] | None, mapping: Mapping) -> Columns:
    if first is None:
        raise PeopleError(f"{path} is empty; its first line must name the columns")
    return Columns.of(first[1], mapping)


def _row(line: int, cells: Sequence[str], columns: Columns, mapping: Mapping) -> Row:
    user_id = cells[columns.user_id.index] if columns.user_id.index < len(cells) else ""
    try:
        return _person(line, user_id, cells, columns, mapping)
    except Problem as problem:
        return Row(line, problem.rejection(line, user_id))


def _person(line: int, user_id: str, cells: Sequence[str], columns: Columns, mapping: Mapping) -> Row:
    if len(cells) != columns.width:
        raise Problem(
            "row",
            "",
            f"the row has {len(cells)} fields, the header has {columns.width}",
            "as many fields as the header; a field with a comma needs quotation marks",
        )
    if not user_id:
        raise Problem(
            columns.user_id.name, "", "the id is missing", "1 to 128 bytes, no two persons the same"
        )
    notes: list[Note] = []

    def note(field: str, value: str, reason: str) -> None:
        notes.append(Note(line, user_id, field, value, reason))

    zone = _cell(cells, columns.time_zone)
    if not zone:
        zone = _default_zone(columns, mapping)
        note(_zone_name(columns), "", f"the time zone is missing; {zone} was taken")
    user = user_pb2.User(
        user_id=user_id,
        time_zone=zone,
        locale=_cell(cells, columns.locale),
        given_name=_cell(cells, columns.given_name),
        family_name=_cell(cells, columns.family_name),
    )
    used = []
    for wanted, column in columns.occasions:
        text = cells[column.index]
        if dates.shape(text) is dates.Shape.INCOMPLETE and mapping.incomplete is Incomplete.WITHOUT_OCCASION:
            note(column.name, text, f"{dates.refusal(text)}; imported without {_shown(wanted)}")
            continue
        user.occasions.append(_occasion(wanted, column, text))
        used.append(column.name)
    _set_attributes(user, cells, columns)
    return Row(line, user, tuple(notes), tuple(used))


def _occasion(wanted: OccasionColumn, column: Column, text: str) -> user_pb2.Occasion:
    if dates.shape(text) is not dates.Shape.DATE:
        raise Problem(column.name, text, dates.refusal(text), dates.ALLOWED)
    return user_pb2.Occasion(kind=wanted.kind, occasion_id=wanted.occasion_id, date=dates.date(text))


def _default_zone(columns: Columns, mapping: Mapping) -> str:
    if mapping.default_zone is None:
        raise Problem(
            _zone_name(columns),
            "",
            "the time zone is missing",
            "an IANA name such as Europe/Berlin; --default-zone ZONE gives one to everyone without",
        )
    return mapping.default_zone


def _set_attributes(user: user_pb2.User, cells: Sequence[str], columns: Columns) -> None:
    for column in columns.attributes:
        if cells[column.index]:
            user.attributes[column.name] = cells[column.index]


def _zone_name(columns: Columns) -> str:
    return columns.time_zone.name if columns.time_zone else "time_zone"


def _cell(cells: Sequence[str], column: Column | None) -> str:
    return cells[column.index] if column else ""


def _shown(wanted: OccasionColumn) -> str:
    return f"{wanted.kind}:{wanted.occasion_id}" if wanted.occasion_id else wanted.kind
