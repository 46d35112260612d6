"""One array statement for hundreds of rows: columns travel as arrays, `unnest` makes rows of them again."""

from collections.abc import Iterable, Sequence
from typing import Any


def source(columns: Sequence[str], types: Sequence[str], *, name: str = "input") -> str:
    """Return `unnest(...) AS name(columns)` with one bind parameter per column, named like it."""
    arrays = ", ".join(f"CAST(:{column} AS {kind})" for column, kind in zip(columns, types, strict=True))
    return f"unnest({arrays}) AS {name}({', '.join(columns)})"


def parameters(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Return the arrays of `source` for these rows."""
    turned = list(zip(*rows, strict=True)) or [()] * len(columns)
    return {column: list(values) for column, values in zip(columns, turned, strict=True)}
