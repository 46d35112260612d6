"""Standard Webhooks v1, verified by the official library."""

import base64
import hashlib
import hmac
import time

import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.signatures import Signer, Signers, secret_text

KEYS = st.binary(min_size=24, max_size=64)


@given(KEYS, st.binary(max_size=300))
def test_the_kept_halves_make_the_same_hmac(key: bytes, message: bytes) -> None:
    """Equal to hmac.digest for every key and message, also when used twice."""
    expected = "v1," + base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    signer = Signer("s", key)
    assert [signer.signature(message), signer.signature(message)] == [expected, expected]


@given(KEYS, KEYS)
def test_the_official_library_accepts_old_and_new_secret(old: bytes, new: bytes) -> None:
    """During a rotation either secret verifies the one header."""
    stamp = int(time.time())
    body = b'{"type":"birthday"}'
    header = Signers((Signer("2", new), Signer("1", old))).header("evt_1", stamp, body)
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(stamp), "webhook-signature": header}
    for key in (old, new):
        standardwebhooks.Webhook(secret_text(key)).verify(body, headers)
