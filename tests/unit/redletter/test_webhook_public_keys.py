"""Verification by public key (`v1a`), by several secrets, and with another tolerance."""

import base64
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redletter.errors import WebhookRejected
from redletter.webhooks import verify
from standardwebhooks import Webhook

BODY = json.dumps({"type": "birthday", "data": {"user": {"id": "zoë"}}}, ensure_ascii=False).encode()
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()
GOLDEN = json.loads(
    (Path(__file__).parents[2] / "vectors" / "webhook_signatures.json").read_text(encoding="utf-8")
)


def public(key: Ed25519PrivateKey) -> str:
    """Return the public key as the specification writes it."""
    return "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def signed(body: bytes = BODY, *, by: Ed25519PrivateKey = KEY, age: float = 0) -> dict[str, str]:
    """Return the headers of a message, signed with `cryptography` and nothing of ours."""
    stamp = str(int(time.time() - age))
    signature = by.sign(b"evt_1." + stamp.encode() + b"." + body)
    return {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": stamp,
        "Webhook-Signature": "v1a," + base64.b64encode(signature).decode(),
    }


def test_a_public_key_verifies() -> None:
    """The message comes back; a changed body, a foreign key and an old message are refused."""
    assert verify(BODY, signed(), public(KEY))["type"] == "birthday"
    for body, headers in ((BODY + b" ", signed()), (BODY, signed(by=OTHER))):
        with pytest.raises(WebhookRejected, match="no signature matches"):
            verify(body, headers, public(KEY))
    with pytest.raises(WebhookRejected, match="too old"):
        verify(BODY, signed(age=310), public(KEY))


def test_the_golden_message_verifies_by_both_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either secret verifies the vector at its own time."""
    monkeypatch.setattr(time, "time", lambda: float(GOLDEN["timestamp"]))
    headers = {
        "webhook-id": GOLDEN["id"],
        "webhook-timestamp": str(GOLDEN["timestamp"]),
        "webhook-signature": f"{GOLDEN['v1a']['signature']} {GOLDEN['v1']['signature']}",
    }
    for secret in (GOLDEN["v1"]["secret"], GOLDEN["v1a"]["public_key"]):
        assert verify(GOLDEN["body"].encode(), headers, secret)["type"] == "birthday"


def test_a_signature_counts_only_under_its_own_scheme() -> None:
    """A v1a signature that is called v1 is refused, and so is v1 that is called v1a."""
    wrong = {
        name: value.replace("v1a,", "v1,") if name == "Webhook-Signature" else value
        for name, value in signed().items()
    }
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, wrong, public(KEY))
    v1 = signed()
    signature = Webhook(SECRET).sign("evt_1", _sent(v1), BODY.decode())
    assert verify(BODY, v1 | {"Webhook-Signature": signature}, SECRET)
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, v1 | {"Webhook-Signature": signature.replace("v1,", "v1a,")}, SECRET)


def test_while_secrets_are_exchanged_each_of_several_is_enough() -> None:
    """Old and new key, and a secret of the other scheme: whatever signed, one of them verifies."""
    secrets = [public(OTHER), SECRET, public(KEY)]
    assert verify(BODY, signed(), secrets)
    assert verify(BODY, signed(by=OTHER), tuple(secrets))
    v1 = signed()
    v1["Webhook-Signature"] = Webhook(SECRET).sign("evt_1", _sent(v1), BODY.decode())
    assert verify(BODY, v1, secrets)
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, signed(by=Ed25519PrivateKey.generate()), secrets)


def test_the_tolerance_may_be_another_one() -> None:
    """A receiver that reads from a queue may take older ones, one with a good clock only younger ones."""
    assert verify(BODY, signed(age=3000), public(KEY), tolerance=timedelta(hours=1))
    with pytest.raises(WebhookRejected, match="at most 10 s"):
        verify(BODY, signed(age=30), public(KEY), tolerance=timedelta(seconds=10))


@pytest.mark.parametrize("signature", ["v1a,", "v1a,AAAA", "v1a,!!!", "v1a"])
def test_a_malformed_signature_is_refused(signature: str) -> None:
    """It matches nothing and breaks nothing."""
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, signed() | {"Webhook-Signature": signature}, public(KEY))


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("whpk_", "empty"),
        ("whpk_AAAA", "3 bytes"),
        ("whpk_not base64", "not base64"),
        ("whsk_" + "A" * 44, "private key"),
        ([], "no secret"),
    ],
)
def test_a_malformed_key_is_the_callers_mistake(secret: str | list[str], why: str) -> None:
    """It is no verdict about the message: a ValueError says what is wrong with it."""
    with pytest.raises(ValueError, match=why):
        verify(BODY, signed(), secret)


def test_without_cryptography_only_public_keys_are_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """v1 works without the package; a public key is an ImportError that says what to install."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    v1 = signed()
    v1["Webhook-Signature"] = Webhook(SECRET).sign("evt_1", _sent(v1), BODY.decode())
    assert verify(BODY, v1, SECRET)
    with pytest.raises(ImportError, match=r"redletter\[v1a\]"):
        verify(BODY, v1, public(KEY))


def _sent(headers: dict[str, str]) -> datetime:
    return datetime.fromtimestamp(int(headers["Webhook-Timestamp"]), UTC)
