"""The keys inside page tokens: checked on the way in, because a token is the caller's word."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from chassis import pages
from chassis.errors import InvalidInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Key = list[str | int]
MOMENT: Final = (int, int, int)
"""The shape of an instant in a key."""


def decode(token: str, bound_to: object, *, shape: Sequence[type]) -> Key | None:
    """Return the key of a token, None for the first page.

    Raises:
        InvalidInput: no token of this service, of another filter, or not of this shape.
    """
    key = pages.decode(token, bound_to)
    if key is not None and [type(part) for part in key] != list(shape):
        raise _refused()
    return key


def of_moment(moment: datetime) -> Key:
    """Return an instant as part of a key, exact to the microsecond."""
    passed = moment - _EPOCH
    return [passed.days, passed.seconds, passed.microseconds]


def moment(numbers: Sequence[str | int]) -> datetime:
    """Return the instant of that part of a key.

    Raises:
        InvalidInput: no instant has these numbers.
    """
    days, seconds, microseconds = (int(number) for number in numbers)
    try:
        return _EPOCH + timedelta(days=days, seconds=seconds, microseconds=microseconds)
    except OverflowError:
        raise _refused() from None


def _refused() -> InvalidInput:
    return InvalidInput.at(
        "page_token",
        "the page token is not a token of this service",
        allowed="next_page_token of the page before, with the same filter, or nothing",
        reason="INVALID_PAGE_TOKEN",
    )
