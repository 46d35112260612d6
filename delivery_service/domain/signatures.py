"""Signatures of Standard Webhooks over `id.timestamp.body`: `v1` (HMAC-SHA256) and `v1a` (ed25519).

Source: the Standard Webhooks specification, "Signature scheme" and "Webhook headers"; RFC 2104; RFC 8032.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self, assert_never

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX: Final = "whsec_"
PUBLIC_PREFIX: Final = "whpk_"
KEY_BYTES: Final = 32
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class SecretKind(IntEnum):
    """How a secret signs; the numbers are those of redletter.delivery.v1.EndpointSecret.Kind."""

    HMAC = 1
    """`v1`: both ends have the secret."""
    ED25519 = 2
    """`v1a`: the receiver has only the public key; `key` is the seed of RFC 8032, 32 bytes."""


class Secret(NamedTuple):
    """A signing key of an endpoint; from the second `until` on (real clock, since 1970) it signs nothing."""

    secret_id: str
    key: bytes
    kind: SecretKind = SecretKind.HMAC
    until: float = math.inf


def secret_text(key: bytes) -> str:
    """Return an HMAC key as its owner sees it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(key).decode()


def public_key_text(seed: bytes) -> str:
    """Return the public key of an ed25519 seed as receivers take it: `whpk_` and base64 of its 32 bytes."""
    return PUBLIC_PREFIX + base64.b64encode(_ed25519(seed).public_key().public_bytes_raw()).decode()


class Signing(Protocol):
    """One key that signs."""

    secret_id: str
    until: float

    def signature(self, message: bytes) -> str:
        """Return the scheme, a comma, and the base64 of the signature."""


class Signer:
    """Signs by HMAC; the keyed halves are kept, which is three times faster per message."""

    def __init__(self, secret_id: str, key: bytes, *, until: float = math.inf) -> None:
        self.secret_id = secret_id
        self.until = until
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def signature(self, message: bytes) -> str:
        """Return `v1,` and the base64 of HMAC-SHA256(key, message)."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return "v1," + binascii.b2a_base64(outer.digest(), newline=False).decode()


class Ed25519Signer:
    """Signs by ed25519, which costs twenty times an HMAC."""

    def __init__(self, secret_id: str, seed: bytes, *, until: float = math.inf) -> None:
        self.secret_id = secret_id
        self.until = until
        self._key = _ed25519(seed)

    def signature(self, message: bytes) -> str:
        """Return `v1a,` and the base64 of Ed25519(seed, message)."""
        return "v1a," + binascii.b2a_base64(self._key.sign(message), newline=False).decode()


class Signers:
    """The secrets of an endpoint that are valid, the newest first; several during a rotation."""

    __slots__ = ("_only", "_secrets", "signers")

    def __init__(self, signers: Sequence[Signing], *, secrets: tuple[Secret, ...] = ()) -> None:
        self.signers = tuple(signers)
        self._secrets = secrets
        # Nearly every endpoint has one HMAC secret that does not run out: nothing to check, nothing to join.
        alone = self.signers[0] if len(self.signers) == 1 else None
        self._only = alone if alone is not None and alone.until == math.inf else None

    @classmethod
    def of(cls, secrets: tuple[Secret, ...]) -> Self:
        """Return the signers of these secrets, in their order."""
        return cls([_signer(secret) for secret in secrets], secrets=secrets)

    def renewed(self, secrets: tuple[Secret, ...]) -> "Signers":
        """Return the signers of these secrets: this very object when they are the same as before."""
        return self if secrets == self._secrets else Signers.of(secrets)

    @property
    def secret_id(self) -> str:
        """The secret that an attempt is attributed to: the newest."""
        return self.signers[0].secret_id

    def header(self, webhook_id: str, timestamp: int, body: bytes) -> str:
        """Return the value of `webhook-signature`: one signature per secret, separated by blanks.

        `timestamp` is the present second of the real clock: a secret that has run out by then is left out,
        however long ago the secrets were read.
        """
        message = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
        if self._only is not None:
            return self._only.signature(message)
        return " ".join(signer.signature(message) for signer in self.signers if timestamp < signer.until)


def _signer(secret: Secret) -> Signing:
    match secret.kind:
        case SecretKind.HMAC:
            return Signer(secret.secret_id, secret.key, until=secret.until)
        case SecretKind.ED25519:
            return Ed25519Signer(secret.secret_id, secret.key, until=secret.until)
        case _ as never:
            assert_never(never)


def _ed25519(seed: bytes) -> "Ed25519PrivateKey":
    # Here, not above: 7 MB that a process without such a key need not carry.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)
