"""Which secrets an endpoint may have, and what a rotation does to those it has.

All times are of the real clock and run out on whole seconds, like `webhook-timestamp`: a message stamped
with the second in which a secret runs out is not signed by it.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from whenever import Instant

from chassis.errors import IllegalTransition, InvalidInput, NotFound
from delivery_service.domain.signatures import KEY_BYTES, PREFIX, Secret, SecretKind

DEFAULT_OVERLAP: Final = timedelta(hours=24)
LEAST_BYTES: Final = 24
MOST_BYTES: Final = 64
# Each costs its receiver a look and us a signature of every message.
MOST_VALID: Final = 10

_SECOND: Final = 1_000_000_000
_ALLOWED: Final = f"{PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES} bytes"


@dataclass(frozen=True)
class StoredSecret:
    """What everybody may know of a secret; `public_key` is empty for HMAC and once it has run out."""

    secret_id: str
    kind: SecretKind
    create_time: Instant
    expire_time: Instant | None = None
    public_key: str = ""

    def valid(self, now: Instant) -> bool:
        """Return whether it signs at `now` (real clock)."""
        return self.expire_time is None or self.expire_time > now


@dataclass(frozen=True)
class Rotation:
    """What a rotation changes: `replaced` run out at `until`, and a new secret begins at `create_time`."""

    replaced: tuple[str, ...]
    until: Instant
    create_time: Instant


def new_secret(kind: SecretKind, given: str = "") -> Secret:
    """Return a new secret: the `given` one (HMAC only), or 32 random bytes.

    Raises:
        InvalidInput: `given` is not of the form, or a private key; its text is never repeated.
    """
    if given and kind is not SecretKind.HMAC:
        why = "a v1a key is made here, so that nobody else ever had its private half"
        raise InvalidInput.at("secret", why, allowed="empty")
    key = _key(given) if given else secrets.token_bytes(KEY_BYTES)
    return Secret(f"sec_{secrets.token_hex(8)}", key, kind)


def rotation(
    present: Sequence[StoredSecret], kind: SecretKind, *, overlap: timedelta, now: Instant
) -> Rotation:
    """Return what a new secret of `kind` does to the `present` ones, newest first.

    Those of the same kind that do not run out yet will, after `overlap`; those that already do keep their
    time. No overlap: they sign nothing from this second on.

    Raises:
        IllegalTransition: there would be more than 10 valid secrets.
    """
    until = (
        _whole(now) if overlap <= timedelta(0) else _whole(now.add(seconds=overlap.total_seconds()), up=True)
    )
    valid = [secret for secret in present if secret.valid(now)]
    replaced = tuple(one.secret_id for one in valid if one.kind is kind and one.expire_time is None)
    left = len(valid) - (len(replaced) if until <= now else 0)
    if left >= MOST_VALID:
        raise IllegalTransition(
            f"the endpoint has {left} valid secrets, at most {MOST_VALID} are allowed; expire one first"
        )
    # The newest by its time also if the clock it was made by was ahead of ours.
    after = [secret.create_time.add(microseconds=1) for secret in present]
    return Rotation(replaced, until, max(now, *after) if after else now)


def expiry(present: Sequence[StoredSecret], secret_id: str, *, now: Instant) -> Instant | None:
    """Return when a secret ends that shall sign nothing any more: this second; None if it has ended already.

    Raises:
        NotFound: the endpoint has no such secret.
        IllegalTransition: no secret would be left that does not run out.
    """
    found = next((secret for secret in present if secret.secret_id == secret_id), None)
    if found is None:
        raise NotFound(f'the endpoint has no secret "{secret_id}"')
    if not found.valid(now):
        return None
    if not any(one.expire_time is None and one.secret_id != secret_id for one in present):
        raise IllegalTransition(
            f'"{secret_id}" is the only secret that does not run out; rotate with no overlap instead'
        )
    return _whole(now)


def _key(given: str) -> bytes:
    text = given.removeprefix(PREFIX)
    if text == given:
        raise InvalidInput.at("secret", f"does not begin with {PREFIX}", allowed=_ALLOWED)
    try:
        key = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput.at("secret", "is not base64 with its padding", allowed=_ALLOWED) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise InvalidInput.at("secret", f"holds {len(key)} bytes", allowed=_ALLOWED)
    return key


def _whole(moment: Instant, *, up: bool = False) -> Instant:
    nanos = moment.timestamp(unit="nanosecond")
    seconds = -(-nanos // _SECOND) if up else nanos // _SECOND
    return Instant.from_timestamp(seconds)
