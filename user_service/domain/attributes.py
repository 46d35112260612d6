"""Attributes: a JSON object of the caller's own, kept as text; `{}` when there is none."""

import json
from typing import Final

from chassis.errors import InvalidInput

NONE: Final = "{}"
MAX_BYTES: Final = 16 * 1024


def check_size(text: bytes) -> None:
    """Refuse attributes of more than 16 KiB as JSON in UTF-8.

    Raises:
        InvalidInput: reason TOO_LARGE.
    """
    if len(text) > MAX_BYTES:
        raise InvalidInput.at(
            "attributes",
            f"the attributes have {len(text):,} bytes as JSON",
            allowed=f"at most {MAX_BYTES:,} bytes",
            reason="TOO_LARGE",
        )


def same(one: str, other: str) -> bool:
    """Return whether two JSON texts mean the same: order of keys and way of writing do not count."""
    return one == other or _equal(json.loads(one), json.loads(other))


def _equal(one: object, other: object) -> bool:
    # Python holds True == 1; JSON does not.
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other
