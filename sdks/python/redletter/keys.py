"""The form of an API key, looked at before gRPC is: it ends a call with "Invalid metadata" and a log of its own."""

MOST_CHARACTERS = 512
"""No key is longer; metadata of some kilobytes would be refused on the way, without saying why."""


def check_form(api_key: str) -> None:
    """Refuse what cannot be a key: only 1 to 512 visible ASCII characters without spaces can.

    The sentence says what is wrong and where, and does not repeat the key.

    Raises:
        ValueError: `api_key` has another form.
    """
    if not api_key:
        raise ValueError("the API key is empty; a key has the form rl_...")
    if len(api_key) > MOST_CHARACTERS:
        raise ValueError(f"the API key has {len(api_key):,} characters; a key has at most {MOST_CHARACTERS}")
    for position, character in enumerate(api_key, 1):
        if not "!" <= character <= "~":
            raise ValueError(
                f"character {position} of the API key is {_named(character)}; "
                "a key has the form rl_... and only visible ASCII characters, no spaces"
            )


def _named(character: str) -> str:
    known = {" ": "a space", "\n": "a line end", "\r": "a carriage return", "\t": "a tab"}
    return known.get(character, f"U+{ord(character):04X}")
