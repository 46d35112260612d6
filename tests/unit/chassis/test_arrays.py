"""Rows travel as columns and come back as rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.arrays import source, turned


@given(st.lists(st.tuples(st.integers(), st.text())))
def test_columns_of_rows(rows: list[tuple[int, str]]) -> None:
    """Each column has one value per row, in order; no rows are empty columns, not none."""
    bound = turned({"a": "int", "b": "text"}, rows)
    assert list(zip(bound["a"], bound["b"], strict=True)) == rows
    assert set(bound) == {"a", "b"}


def test_the_source_casts_each_column() -> None:
    """One bind parameter per column, typed, so that PostgreSQL need not guess from an empty array."""
    assert source({"a": "text", "b": "int"}, name="i") == (
        "unnest(CAST(:a AS text[]), CAST(:b AS int[])) AS i(a, b)"
    )


def test_rows_of_another_width_are_refused() -> None:
    """A forgotten column is an error here, not a shifted row in the store."""
    with pytest.raises(ValueError, match="zip"):
        turned({"a": "int", "b": "text"}, [(1, 2), (3,)])
