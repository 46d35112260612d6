"""Verification of webhooks by the Standard Webhooks specification.

Signature schemes `v1` (HMAC-SHA256, secret `whsec_...`) and `v1a` (ed25519, public key `whpk_...`; needs the package
`cryptography`: `pip install "redletter[v1a]"`).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from redletter.errors import WebhookRejected

TOLERANCE_SECONDS = 5 * 60
"""How far `webhook-timestamp` may be from the receiver's clock, in both directions, unless told otherwise."""

_PREFIX = "whsec_"
_PUBLIC_PREFIX = "whpk_"
_PRIVATE_PREFIX = "whsk_"
_PUBLIC_KEY_BYTES = 32

_Check = Callable[[bytes, str, bytes], bool]
"""Takes what was signed, the scheme and a signature; says whether this secret made it."""


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: timedelta = timedelta(seconds=TOLERANCE_SECONDS),
) -> dict[str, Any]:
    """Return the message, once it is known that the holder of `secret` sent exactly these bytes just now.

    `body` is what came over the wire, unparsed; header names may be in any case. `secret` is `whsec_...` (verifies
    `v1`), `whpk_...` (verifies `v1a`), or several of them while one replaces the other: one signature of the header
    that one of them made is enough; schemes nobody has a key for are passed over.

    Raises:
        WebhookRejected: a header is missing or malformed, the timestamp is further away than `tolerance`, no
            signature matches, or the body is not a JSON object.
        ValueError: a secret is malformed or empty, or there is none.
        ImportError: a `whpk_...` is given and the package `cryptography` is not installed.
    """
    checks = [_check(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not checks:
        raise ValueError("there is no secret to verify with")
    given = {name.lower(): value for name, value in headers.items()}
    message_id = _required(given, "webhook-id")
    timestamp = _required(given, "webhook-timestamp")
    signatures = _signatures(_required(given, "webhook-signature"))
    _check_age(timestamp, tolerance)
    content = b".".join([message_id.encode(), timestamp.encode(), body])
    if not any(check(content, *signature) for check in checks for signature in signatures):
        raise WebhookRejected("no signature matches: another secret, or the message was changed on its way")
    return _message(body)


def _check(secret: str) -> _Check:
    text = secret.strip()
    if text.startswith(_PRIVATE_PREFIX):
        raise ValueError("whsk_... is a private key; a receiver verifies with the public one, whpk_...")
    if text.startswith(_PUBLIC_PREFIX):
        return _by_public_key(_decoded(text.removeprefix(_PUBLIC_PREFIX), "public key", form="whpk_..."))
    return _by_secret(_decoded(text.removeprefix(_PREFIX), "secret", form="whsec_..."))


def _by_secret(key: bytes) -> _Check:
    def made(content: bytes, scheme: str, signature: bytes) -> bool:
        return scheme == "v1" and hmac.compare_digest(hmac.digest(key, content, hashlib.sha256), signature)

    return made


def _by_public_key(raw: bytes) -> _Check:
    if len(raw) != _PUBLIC_KEY_BYTES:
        raise ValueError(f"the public key has {len(raw)} bytes; an ed25519 key has {_PUBLIC_KEY_BYTES}")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ImportError(
            'verifying v1a signatures needs the package cryptography: pip install "redletter[v1a]"'
        ) from None
    key = Ed25519PublicKey.from_public_bytes(raw)

    def made(content: bytes, scheme: str, signature: bytes) -> bool:
        if scheme != "v1a":
            return False
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True

    return made


def _decoded(text: str, what: str, *, form: str) -> bytes:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError(f"the {what} is not base64; it has the form {form}") from None
    if not key:
        raise ValueError(f"the {what} is empty; it has the form {form}")
    return key


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise WebhookRejected(f"the header {name} is missing")
    return value


def _check_age(timestamp: str, tolerance: timedelta) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRejected("the header webhook-timestamp is not a number of seconds")
    age = time.time() - int(timestamp)
    if abs(age) > tolerance.total_seconds():
        side = "old" if age > 0 else "far in the future"
        raise WebhookRejected(
            f"the message is too {side}: {abs(age):.0f} s; at most {tolerance.total_seconds():.0f} s"
        )


def _signatures(header: str) -> list[tuple[str, bytes]]:
    decoded = []
    for part in header.split():
        scheme, _, text = part.partition(",")
        try:
            decoded.append((scheme, base64.b64decode(text, validate=True)))
        except ValueError:
            continue  # a malformed signature matches nothing; another one of the header may
    return decoded


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        raise WebhookRejected("the body is not JSON") from None
    if not isinstance(message, dict):
        raise WebhookRejected("the body is not a JSON object")
    return message
