"""One array statement for hundreds of rows: columns travel as arrays, `unnest` makes rows of them again."""

from collections.abc import Sequence
from typing import Any

Columns = dict[str, str]
"""Column name -> PostgreSQL type of its array."""


def source(columns: Columns, *, name: str, renamed: str = "") -> str:
    """Return `unnest(...) AS name(columns)` with one bind parameter per column, named like it.

    `renamed` gives the columns other names than the parameters have.
    """
    arrays = ", ".join(f"CAST(:{column} AS {kind}[])" for column, kind in columns.items())
    return f"unnest({arrays}) AS {name}({renamed or ', '.join(columns)})"


def turned(columns: Columns, rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the parameters of `source` for these rows, each in the order of `columns`."""
    if not rows:
        return {column: [] for column in columns}
    return dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
