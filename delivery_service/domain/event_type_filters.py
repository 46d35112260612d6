"""Which event types an endpoint gets: ids and patterns such as `birthday`, `reminder_*` and `*`.

    filter = an event type id in which `*` may stand for any run of characters, also for none
    list   = no filter at all: everything; otherwise what at least one filter matches

`*` may stand anywhere, at most three times and never twice in a row. Upper case, dots and blanks are in no
event type id, so they are in no filter either.
"""

import re
from collections.abc import Sequence
from typing import Final

from chassis.errors import FieldViolation, InvalidInput

MOST_FILTERS: Final = 50
MOST_STARS: Final = 3
_FORM: Final = re.compile(r"[a-z*][a-z0-9_*-]{0,39}", re.ASCII)
_ALLOWED: Final = (
    f"an event type id or a pattern such as reminder_*: lower-case letters, digits, _ and -, at most {MOST_STARS} "
    "stars, none beside another, a letter or a star first, at most 40 characters"
)


def require_filters(filters: Sequence[str], *, field: str = "event_type_filters") -> tuple[str, ...]:
    """Return the filters unchanged.

    Raises:
        InvalidInput: there are more than 50, or at `field[i]`: one is malformed or stands there before.
    """
    if len(filters) > MOST_FILTERS:
        raise InvalidInput.at(field, f"has {len(filters)} filters", allowed=f"at most {MOST_FILTERS}")
    violations = [
        FieldViolation(f"{field}[{index}]", why, one[:80], _ALLOWED)
        for index, one in enumerate(filters)
        if (why := _wrong(one, filters[:index]))
    ]
    if violations:
        raise InvalidInput(violations)
    return tuple(filters)


def matches(pattern: str, event_type_id: str) -> bool:
    """Return whether one filter matches an event type id; the statement that accepts events says the same."""
    first, *rest = pattern.split("*")
    if not rest:
        return event_type_id == pattern
    *middle, last = rest
    if len(event_type_id) < len(first) + len(last) or not event_type_id.startswith(first):
        return False
    at, end = len(first), len(event_type_id) - len(last)
    # The leftmost place leaves the most room for what follows.
    for part in middle:
        found = event_type_id.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return event_type_id.endswith(last)


def wanted(filters: Sequence[str], event_type_id: str) -> bool:
    """Return whether an endpoint with these filters gets events of this type."""
    return not filters or any(matches(one, event_type_id) for one in filters)


def _wrong(one: str, before: Sequence[str]) -> str:
    if not _FORM.fullmatch(one):
        return f'"{one[:80]}" is not of the form of an event type'
    if "**" in one:
        return f'"{one}" has two stars in a row, which say no more than one'
    if one.count("*") > MOST_STARS:
        return f'"{one}" has {one.count("*")} stars'
    return f'"{one}" stands there twice' if one in before else ""
