"""The file itself: its bytes as lines of text, or a sentence that says which byte is in the way."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from redletter_cli.people.mapping import Mapping
from redletter_cli.people.problems import PeopleError

# The csv module refuses fields over 128 KiB by an exception in the middle of the file. The service refuses
# them too (16 KiB), but by row and with a reason; so the file is read up to a size that memory bears.
_LARGEST_FIELD = 64 * 1024 * 1024
_BYTE_ORDER_MARK = codecs.BOM_UTF8


def lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of the file with their line ends; a byte order mark is not part of the first one.

    Raises:
        PeopleError: there is no such file, or a byte of it is not text in `encoding`.
    """
    codec = _codec(encoding)
    try:
        yield from _utf8(path) if codec == "utf-8" else _decoded(path, codec)
    except OSError as error:
        raise PeopleError(f"cannot read {path}: {error.strerror or error}") from None


def records(path: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it starts on, from 1, the header first; empty lines are passed over.

    Raises:
        PeopleError: as `lines`, or a quotation mark is not closed.
    """
    csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(lines(path, mapping.encoding), delimiter=mapping.delimiter, strict=True)
    start = 1
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise PeopleError(f"line {start} of {path.name} is not CSV: {error}") from None
        if record is None:
            return
        if record:
            yield start, record
        start = reader.line_num + 1


def count_rows(path: Path, mapping: Mapping) -> int:
    """Return how many rows the file has, at most `mapping.limit`; reads the whole file once.

    Call it before an import: a wrong byte or an open quotation mark at the end is then found before the first
    person is stored.

    Raises:
        PeopleError: as `records`.
    """
    rows = sum(1 for _ in records(path, mapping)) - 1
    return max(0, rows if mapping.limit is None else min(rows, mapping.limit))


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise PeopleError(
            f'"{encoding}" is not an encoding; usual ones are utf-8, latin-1 and cp1252'
        ) from None
    return "utf-8" if name == "utf-8-sig" else name


def _utf8(path: Path) -> Iterator[str]:
    _refuse_other_than_file(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            plain = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            try:
                yield plain.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(path, number, len(line) - len(plain) + error.start, line) from None


def _decoded(path: Path, codec: str) -> Iterator[str]:
    _refuse_other_than_file(path)
    # Not line by line as above: in UTF-16 the byte of a line end is half of other characters.
    with path.open(encoding=codec, newline="") as file:
        try:
            yield from file
        except UnicodeError as error:
            raise PeopleError(f"{path.name} is not {codec}: {error}; choose another --encoding") from None


def _refuse_other_than_file(path: Path) -> None:
    # The file is read twice: once to count and check, once to import.
    if path.exists() and not path.is_file():
        what = "a directory" if path.is_dir() else "not a regular file"
        raise PeopleError(f"cannot read {path}: it is {what}")


def _not_utf8(path: Path, number: int, offset: int, line: bytes) -> PeopleError:
    other = "utf-16" if number == 1 and line[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin-1"
    shown = f"0x{line[offset]:02X}"
    return PeopleError(
        f"{path.name} is not UTF-8: line {number}, byte {offset + 1} is {shown}; "
        f"if the file was saved in another encoding, name it, for example --encoding {other}"
    )
