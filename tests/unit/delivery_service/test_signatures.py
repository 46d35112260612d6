"""Signatures of Standard Webhooks: v1 against the official library, v1a against RFC 8032 and another implementation."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.signatures import (
    Ed25519Signer,
    Secret,
    SecretKind,
    Signer,
    Signers,
    public_key_text,
    secret_text,
)

KEYS = st.binary(min_size=24, max_size=64)
SEEDS = st.binary(min_size=32, max_size=32)
GOLDEN = json.loads(
    (Path(__file__).parents[2] / "vectors" / "webhook_signatures.json").read_text(encoding="utf-8")
)
# RFC 8032, section 7.1: seed, public key, message, signature.
RFC_8032 = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
            "454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
            "3dca179c138ac17ad9bef1177331a704"
        ),
    ),
}


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


@pytest.mark.parametrize("name", RFC_8032)
def test_v1a_signs_as_rfc_8032_does(name: str) -> None:
    """Seed, public key, message and signature of each published vector are what the signer makes."""
    seed, public, message, signature = (bytes.fromhex(text) for text in RFC_8032[name])
    assert Ed25519Signer("s", seed).signature(message) == "v1a," + base64.b64encode(signature).decode()
    assert public_key_text(seed) == "whpk_" + base64.b64encode(public).decode()


@given(SEEDS, st.binary(max_size=300))
def test_v1a_is_verified_by_the_public_key_alone(seed: bytes, message: bytes) -> None:
    """`cryptography` accepts each signature by what `whpk_` holds, and refuses a changed message."""
    public = Ed25519PublicKey.from_public_bytes(
        base64.b64decode(public_key_text(seed).removeprefix("whpk_"), validate=True)
    )
    scheme, _, text = Ed25519Signer("s", seed).signature(message).partition(",")
    signature = base64.b64decode(text, validate=True)
    assert scheme == "v1a"
    public.verify(signature, message)
    with pytest.raises(InvalidSignature):
        public.verify(signature, message + b" ")


def test_the_golden_message_is_signed_as_ever() -> None:
    """Both schemes over the vector's message, newest first; the official library makes the same v1."""
    v1, v1a, body = GOLDEN["v1"], GOLDEN["v1a"], GOLDEN["body"]
    key = base64.b64decode(v1["secret"].removeprefix("whsec_"))
    seed = bytes.fromhex(v1a["seed_hex"])
    signers = Signers.of((Secret("2", seed, SecretKind.ED25519), Secret("1", key)))
    header = signers.header(GOLDEN["id"], GOLDEN["timestamp"], body.encode())
    assert header == f"{v1a['signature']} {v1['signature']}"
    assert public_key_text(seed) == v1a["public_key"]
    sent = datetime.fromtimestamp(GOLDEN["timestamp"], UTC)
    assert standardwebhooks.Webhook(v1["secret"]).sign(GOLDEN["id"], sent, body) == v1["signature"]


def test_a_secret_that_has_run_out_signs_nothing_however_long_it_was_kept() -> None:
    """In the second before `until` there are two signatures, from that second on the newest one's alone."""
    new, old = Secret("2", b"n" * 32), Secret("1", b"o" * 32, until=1000.0)
    signers = Signers.of((new, old))
    before, after = signers.header("evt_1", 999, b"{}"), signers.header("evt_1", 1000, b"{}")
    assert before.split() == [
        Signer("2", new.key).signature(b"evt_1.999.{}"),
        Signer("1", old.key).signature(b"evt_1.999.{}"),
    ]
    assert after == Signer("2", new.key).signature(b"evt_1.1000.{}")
    assert Signers.of((old,)).header("evt_1", 1000, b"{}") == ""
    assert signers.secret_id == "2"


def test_signers_are_made_anew_only_for_other_secrets() -> None:
    """The same secrets give the same object, so that nothing is computed each second; others do not."""
    secret = Secret("1", b"o" * 32)
    signers = Signers.of((secret,))
    assert signers.renewed((Secret("1", b"o" * 32),)) is signers
    assert signers.renewed((secret._replace(until=5.0),)) is not signers
    assert signers.renewed((Secret("2", b"n" * 32), secret)).secret_id == "2"


def test_nothing_of_ed25519_is_loaded_without_such_a_key() -> None:
    """A process whose endpoints all have `v1` secrets does not carry the library."""
    code = (
        "import sys; from delivery_service.domain.signatures import *;"
        "Signers.of((Secret('1', b'o' * 32),)).header('e', 1, b''); sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
