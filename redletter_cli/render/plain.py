"""Text of others, made safe for a terminal."""

import unicodedata


def plain(text: str) -> str:
    """Return `text` with control characters written out (`\\x1b`), so that no value can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    # Cc: control, Cs: half of a pair, which no stream could encode. Joiners and marks of scripts (Cf) stay, but
    # not those that turn the direction of what follows.
    if unicodedata.category(character) in ("Cc", "Cs") or "\u202a" <= character <= "\u202e":
        return character.encode("unicode_escape").decode()
    return character
