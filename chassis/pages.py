"""Keyset page tokens: where the last page ended, bound to the filter it was made for."""

import base64
import binascii
import hashlib

import orjson

from chassis.errors import InvalidInput

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000


def page_size(asked: int) -> int:
    """Return the number of rows of a page: 100 unless asked, never more than 1,000."""
    return min(asked, MAX_PAGE_SIZE) if asked else DEFAULT_PAGE_SIZE


def encode(key: list[str | int], bound_to: object) -> str:
    """Return the opaque token of the page after `key`; valid only for the same `bound_to`."""
    return base64.urlsafe_b64encode(orjson.dumps([_digest(bound_to), key])).decode().rstrip("=")


def decode(token: str, bound_to: object) -> list[str | int] | None:
    """Return the key of a token, None for the first page.

    Raises:
        InvalidInput: the token is not one of ours, or was made for another filter.
    """
    if not token:
        return None
    try:
        digest, key = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise _refused("is not a token of this service", token) from None
    if digest != _digest(bound_to) or not isinstance(key, list):
        raise _refused("was made for another filter", token)
    return key


def _digest(bound_to: object) -> str:
    return hashlib.sha256(orjson.dumps(bound_to, default=str)).hexdigest()[:16]


def _refused(why: str, token: str) -> InvalidInput:
    return InvalidInput.at(
        "page_token",
        f"the page token {why}",
        value=token[:80],
        allowed="next_page_token of the page before, with the same filter, or nothing",
        reason="INVALID_PAGE_TOKEN",
    )
