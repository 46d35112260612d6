"""Free words of a caller: what the store can keep, and how much of it."""

from collections.abc import Mapping
from typing import Final

from chassis.errors import InvalidInput

MAX_METADATA_BYTES: Final = 8 * 1024
"""All names and values of one event's metadata together; they travel in every webhook, of at most 20 KB."""


def checked_words(metadata: Mapping[str, str], *, field: str = "metadata") -> dict[str, str]:
    """Return metadata that can be stored.

    Raises:
        InvalidInput: more than 8 KiB in all (reason TOO_LARGE), or a NUL character, which PostgreSQL cannot
            keep.
    """
    words = dict(metadata)
    size = sum(len(name.encode()) + len(value.encode()) for name, value in words.items())
    if size > MAX_METADATA_BYTES:
        raise InvalidInput.at(
            field,
            f"its names and values have {size} bytes of UTF-8",
            value=f"{size} bytes",
            allowed=f"at most {MAX_METADATA_BYTES} bytes in all",
            reason="TOO_LARGE",
        )
    for name, value in words.items():
        checked_text(name + value, field=field)
    return words


def checked_text(text: str, *, field: str) -> str:
    """Return text that can be stored.

    Raises:
        InvalidInput: it has a NUL character.
    """
    if "\x00" in text:
        raise InvalidInput.at(field, "it contains a NUL character", allowed="text without U+0000")
    return text
