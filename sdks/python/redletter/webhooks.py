"""Verification of webhooks by the Standard Webhooks specification, signature scheme `v1` (HMAC-SHA256).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from redletter.errors import WebhookRejected

TOLERANCE_SECONDS = 5 * 60
"""How far `webhook-timestamp` may be from the receiver's clock, in both directions."""

_PREFIX = "whsec_"
_SCHEME = "v1"


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """Return the message, once it is known that the holder of `secret` sent exactly these bytes just now.

    `body` is what came over the wire, unparsed; header names may be in any case. One matching `v1` signature
    among several is enough; other schemes are passed over.

    Raises:
        WebhookRejected: a header is missing or malformed, the timestamp is more than 5 minutes away, no
            signature matches, or the body is not a JSON object.
        ValueError: `secret` itself is malformed or empty.
    """
    key = _key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    message_id = _required(given, "webhook-id")
    timestamp = _required(given, "webhook-timestamp")
    signatures = _required(given, "webhook-signature")
    _check_age(timestamp)
    expected = hmac.digest(key, b".".join([message_id.encode(), timestamp.encode(), body]), hashlib.sha256)
    if not any(hmac.compare_digest(expected, signature) for signature in _signatures(signatures)):
        raise WebhookRejected("no signature matches: another secret, or the message was changed on its way")
    return _message(body)


def _key(secret: str) -> bytes:
    text = secret.strip().removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("the secret is not base64; it has the form whsec_...") from None
    if not key:
        raise ValueError("the secret is empty; it has the form whsec_...")
    return key


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise WebhookRejected(f"the header {name} is missing")
    return value


def _check_age(timestamp: str) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRejected("the header webhook-timestamp is not a number of seconds")
    age = time.time() - int(timestamp)
    if abs(age) > TOLERANCE_SECONDS:
        side = "old" if age > 0 else "far in the future"
        raise WebhookRejected(f"the message is too {side}: {abs(age):.0f} s; at most {TOLERANCE_SECONDS} s")


def _signatures(header: str) -> list[bytes]:
    decoded = []
    for part in header.split():
        scheme, _, text = part.partition(",")
        if scheme != _SCHEME:
            continue
        try:
            decoded.append(base64.b64decode(text, validate=True))
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
