"""The certificate an endpoint is called with: a PEM chain whose first certificate goes with the private key."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from whenever import Instant

from chassis.errors import InvalidInput

MOST_BYTES: Final = 16_384
MOST_CERTIFICATES: Final = 10


def require_pair(certificate: str, key: bytes, *, now: Instant, field: str = "client_certificate") -> None:
    """Refuse what no TLS handshake could use at `now` (real time). The key is never repeated.

    Raises:
        InvalidInput: at `field.certificate`: no PEM chain, too much, the first one not valid at `now`; at
            `field.key`: missing, no PEM private key, encrypted, or not the key of the first certificate.
    """
    leaf = _leaf(certificate, f"{field}.certificate")
    begins, ends = Instant(leaf.not_valid_before_utc), Instant(leaf.not_valid_after_utc)
    if not begins <= now < ends:
        why = f"has expired at {ends}" if now >= ends else f"is not valid before {begins}"
        raise InvalidInput.at(f"{field}.certificate", why, allowed="a certificate that is valid now")
    private = _key(key, f"{field}.key")
    if _spki(private.public_key()) != _spki(leaf.public_key()):
        raise InvalidInput.at(
            f"{field}.key",
            "is not the key of the first certificate",
            allowed="the private key of the first certificate of the chain",
        )


def expire_time(certificate: str) -> Instant:
    """Return when the first certificate of a stored chain stops being valid (real time)."""
    return Instant(_leaf(certificate, "certificate").not_valid_after_utc)


def _leaf(certificate: str, field: str) -> x509.Certificate:
    allowed = f"1 to {MOST_CERTIFICATES} certificates as PEM, the endpoint's own first, at most {MOST_BYTES:,} bytes"
    if len(certificate) > MOST_BYTES:
        why = f"has {len(certificate):,} bytes"
        raise InvalidInput.at(field, why, allowed=allowed, reason="TOO_LARGE")
    if "PRIVATE KEY" in certificate:
        # It would be readable from then on.
        raise InvalidInput.at(field, "holds a private key", allowed=allowed)
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
    except ValueError:
        raise InvalidInput.at(field, "is not a chain of PEM certificates", allowed=allowed) from None
    if len(chain) > MOST_CERTIFICATES:
        raise InvalidInput.at(field, f"has {len(chain)} certificates", allowed=allowed)
    return chain[0]


def _key(key: bytes, field: str) -> PrivateKeyTypes:
    allowed = "one private key as PEM, not encrypted"
    if not key:
        raise InvalidInput.at(field, "is needed together with the certificate", allowed=allowed)
    if len(key) > MOST_BYTES:
        raise InvalidInput.at(field, f"has {len(key):,} bytes", allowed=allowed, reason="TOO_LARGE")
    try:
        return load_pem_private_key(key, password=None)
    except TypeError:
        raise InvalidInput.at(field, "is encrypted", allowed=allowed) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInput.at(field, "is not a PEM private key", allowed=allowed) from None


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded
