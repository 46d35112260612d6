"""Documents as tables for people at a terminal."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from redletter_cli.render.plain import plain

_PIPE_WIDTH = 10_000  # nothing is cut when another program reads


def console(file: IO[str]) -> Console:
    """Return a console on `file` that takes text as it is: no markup, no emoji codes, no guessed colours."""
    width = None if file.isatty() else _PIPE_WIDTH
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def print_rows(file: IO[str], columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one line per row; `columns` is heading -> path in the row (`decision.time_zone`)."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(text(value_at(row, path)) for path in columns.values()))
    _print(file, table)


def print_fields(file: IO[str], row: Mapping[str, Any]) -> None:
    """Print one line per field that has a value."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _flat(row):
        table.add_row(name, text(value))
    _print(file, table)


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a dotted path, None if any part of it is missing."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: Any) -> str:
    """Return a cell: lists joined by commas, mappings as `name=value`, nothing for None, yes or no for bool."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(
            f"{name}={text(item)}" for name, item in value.items() if item not in (None, "", [], {})
        )
    if isinstance(value, list):
        return ", ".join(text(item) for item in value)
    return plain(str(value))


def _print(file: IO[str], table: Table) -> None:
    out = console(file)
    if file.isatty():
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    # Columns are filled up with blanks; at the end of a line they are in every reader's way.
    file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def _flat(row: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = []
    for name, value in row.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for index, item in enumerate(value):
                lines.append((f"{prefix}{name}[{index}]", item))
        elif value not in (None, "", []):
            lines.append((f"{prefix}{name}", value))
    return lines
