"""Ids: what makes two decisions the same event.

A plan's id is a keyed hash of who and what, with the user's part in front: the plans of a user are one
key range and live in one shard. An event's id adds the cycle and nothing else. It contains no date and
no instant, so a corrected date, a move, a crash or a restore cannot make a second event.
"""

import base64
import hmac
import re
from typing import Final

from chassis.errors import InvalidInput

SHARDS: Final = 64
"""How many slices the plans are cut into: the first 6 bits of the plan id."""

PLAN_ID_BYTES: Final = 16
BEYOND_ALL: Final = b"\xff" * (PLAN_ID_BYTES + 1)
"""Sorts after every plan id."""
USER_PART_BYTES: Final = 8
_VERSION: Final = b"\x01"  # of this layout; a new layout makes new ids and may not reuse the byte
_EVENT_ID: Final = re.compile(r"evt_([0-9a-v]{26})_([0-9A-Za-z-]{1,24})", re.ASCII)
_CYCLE: Final = re.compile(r"[0-9A-Za-z-]{1,24}", re.ASCII)
_FORM: Final = "evt_, 26 characters of 0-9a-v, _, then a cycle of 1 to 24 characters of 0-9A-Za-z-"


def _hashed(key: bytes, *parts: str) -> bytes:
    """Return 8 bytes that no other list of parts shares: each part is preceded by its length."""
    message = bytearray(_VERSION)
    for part in parts:
        encoded = part.encode()
        message += len(encoded).to_bytes(4, "big")
        message += encoded
    return hmac.digest(key, message, "sha256")[:USER_PART_BYTES]


def user_part(key: bytes, tenant_id: str, user_id: str) -> bytes:
    """Return the 8 bytes with which every plan id of this user begins."""
    return _hashed(key, tenant_id, user_id)


def plan_id(
    key: bytes, tenant_id: str, user_id: str, event_type_id: str, occasion_id: str, instance: str = ""
) -> bytes:
    """Return the 16 bytes that name a plan for ever: the user's part, then the hash of all five."""
    return _hashed(key, tenant_id, user_id) + _hashed(
        key, tenant_id, user_id, event_type_id, occasion_id, instance
    )


def care_hash(key: bytes, tenant_id: str, user_id: str, occasion_id: str) -> bytes:
    """Return the 8 bytes that stand for an occasion in the list of care switches; none for the person."""
    return _hashed(key, tenant_id, user_id, "care", occasion_id) if occasion_id else b""


def shard_of(plan_id: bytes) -> int:
    """Return the plan's shard, 0..63; all plans of a user share it."""
    return plan_id[0] >> 2


def shard_range(first: int, last: int) -> tuple[bytes, bytes]:
    """Return the half-open range of the plan ids of these shards and those between them."""
    return bytes([first << 2]), BEYOND_ALL if last + 1 == SHARDS else bytes([(last + 1) << 2])


def event_id(plan_id: bytes, cycle: str) -> str:
    """Return `evt_` + 26 characters + `_` + cycle; sorts like the plan ids do.

    Raises:
        InvalidInput: `cycle` is not 1 to 24 characters of 0-9A-Za-z-.
    """
    if not _CYCLE.fullmatch(cycle):
        raise InvalidInput.at(
            "cycle", f'"{cycle[:64]}" is not a cycle', value=cycle[:64], allowed="[0-9A-Za-z-]{1,24}"
        )
    return f"evt_{_text_of(plan_id)}_{cycle}"


def parse_event_id(event_id: str) -> tuple[bytes, str]:
    """Return the plan id and the cycle of an event id.

    Raises:
        InvalidInput: it is not of the form that `event_id` makes.
    """
    match = _EVENT_ID.fullmatch(event_id)
    if match is None:
        raise _not_an_event_id(event_id)
    plan_id = base64.b32hexdecode(match[1].upper() + "======")
    # 26 characters hold 130 bits: a text whose last two are set would be a second name of one event.
    if _text_of(plan_id) != match[1]:
        raise _not_an_event_id(event_id)
    return plan_id, match[2]


def _text_of(plan_id: bytes) -> str:
    """Return the 26 characters: base32hex keeps the order of the bytes, base32 does not."""
    return base64.b32hexencode(plan_id)[:26].decode("ascii").lower()


def _not_an_event_id(text: str) -> InvalidInput:
    return InvalidInput.at("event_id", f'"{text[:64]}" is not an event id', value=text[:64], allowed=_FORM)
