"""Conditions of listings: only what is asked for becomes part of the statement, so that indexes can carry it."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Term = tuple[str, str, Any]
"""A condition in SQL, the name of its parameter, and what is bound to it; falsy: not asked."""


def joined(terms: Iterable[Term]) -> tuple[str, dict[str, Any]]:
    """Return ` AND ...` of everything that is asked, and what is bound to it."""
    wanted = [term for term in terms if term[2]]
    return "".join(f" AND {text}" for text, _, _ in wanted), {name: value for _, name, value in wanted}


def containing(document: str, entries: Mapping[str, str], *, name: str = "metadata") -> Term:
    """Return the condition that `document` (SQL of type jsonb) has all these entries; none: not asked."""
    return (
        f"{document} @> CAST(:{name} AS jsonb)",
        name,
        orjson.dumps(dict(entries)).decode() if entries else "",
    )
