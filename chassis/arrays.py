"""One array statement for hundreds of rows: columns travel as arrays, `unnest` makes rows of them again."""

from collections.abc import Iterable, Sequence
from typing import Any

Columns = dict[str, str]
"""Column name -> PostgreSQL type of its array."""


def source(columns: Columns, *, name: str = "input", renamed: str = "") -> str:
    """Return `unnest(...) AS name(columns)` with one bind parameter per column, named like it.

    `renamed` gives the columns other names than the parameters have.
    """
    arrays = ", ".join(f"CAST(:{column} AS {kind}[])" for column, kind in columns.items())
    return f"unnest({arrays}) AS {name}({renamed or ', '.join(columns)})"


def turned(columns: Columns, rows: Iterable[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the parameters of `source` for these rows, each in the order of `columns`."""
    arrays = [list(values) for values in zip(*rows, strict=True)]
    return dict(zip(columns, arrays or [[] for _ in columns], strict=True))
