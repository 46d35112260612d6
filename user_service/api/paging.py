"""Pages by id: where one begins, and that it fits into one message."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

from chassis import pages
from chassis.errors import InvalidInput

# Below the limits of the ports (4 and 16 MiB), whatever people's attributes weigh.
LARGEST_PUBLIC_PAGE: Final = 3 * 1024 * 1024
LARGEST_FEED_PAGE: Final = 8 * 1024 * 1024

M = TypeVar("M", bound=Message)


def page_after(token: str, bound_to: object) -> str:
    """Return the id behind which a page begins; empty for the first one.

    Raises:
        InvalidInput: the token is not one of ours, or was made for another filter.
    """
    key = pages.decode(token, bound_to)
    if key is None:
        return ""
    if len(key) != 1 or not isinstance(key[0], str) or "\0" in key[0]:
        raise InvalidInput.at(
            "page_token",
            "the page token is not a token of this service",
            allowed="next_page_token of the page before, or nothing",
            reason="INVALID_PAGE_TOKEN",
        )
    return key[0]


def token_after(ids: Sequence[str], shown: int, bound_to: object) -> str:
    """Return the token of the page behind the `shown` first of `ids`, empty when there is nothing behind."""
    return pages.encode([ids[shown - 1]], bound_to) if len(ids) > shown else ""


def within(items: Iterable[M], most: int) -> Iterator[M]:
    """Yield messages as long as they have at most `most` bytes together; the first one always."""
    size = 0
    for item in items:
        own = item.ByteSize()
        if size and size + own > most:
            return
        size += own
        yield item
