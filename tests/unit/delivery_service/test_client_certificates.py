"""Which certificates an endpoint may be called with."""

from datetime import timedelta

import pytest
from whenever import Instant

from chassis.errors import InvalidInput
from delivery_service.domain.client_certificates import expire_time, require_pair
from tests.unit.delivery_service.client_pairs import BEGIN, END, pair

NOW = Instant(BEGIN + timedelta(days=100))


def refused(certificate: str, key: str, *, now: Instant = NOW) -> tuple[str, str]:
    """Return field and reason of the refusal."""
    with pytest.raises(InvalidInput) as error:
        require_pair(certificate, key.encode(), now=now)
    [violation] = error.value.violations
    assert violation.value == ""
    return violation.field, violation.reason


def test_a_pair_that_goes_together_is_taken() -> None:
    """A certificate with its own key passes, also with its issuers behind it."""
    certificate, key = pair()
    other, _ = pair()
    require_pair(certificate, key.encode(), now=NOW)
    require_pair(certificate + other, key.encode(), now=NOW)
    assert expire_time(certificate) == Instant(END)


def test_a_key_of_another_certificate_is_refused_at_the_key() -> None:
    """The key must be that of the first certificate, not of a later one."""
    certificate, _ = pair()
    other, key = pair()
    expected = ("client_certificate.key", "is not the key of the first certificate")
    assert refused(certificate, key) == refused(certificate + other, key) == expected


def test_a_certificate_outside_its_time_is_refused() -> None:
    """Expired and not yet valid are refused at the certificate, with the instant."""
    certificate, key = pair()
    field, why = refused(certificate, key, now=Instant(END))
    assert (field, why) == ("client_certificate.certificate", f"has expired at {Instant(END)}")
    field, why = refused(certificate, key, now=Instant(BEGIN).subtract(seconds=1))
    assert (field, why) == ("client_certificate.certificate", f"is not valid before {Instant(BEGIN)}")


@pytest.mark.parametrize(
    "text", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Text that is no PEM chain is refused at the certificate."""
    assert refused(text, pair()[1]) == (
        "client_certificate.certificate",
        "is not a chain of PEM certificates",
    )


def test_a_key_among_the_certificates_is_refused() -> None:
    """A private key pasted into the readable half is not stored there."""
    certificate, key = pair()
    assert refused(certificate + key, key) == ("client_certificate.certificate", "holds a private key")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "is needed together with the certificate"),
        ("nothing", "is not a PEM private key"),
        (pair(password="sesame")[1], "is encrypted"),
        ("-" * 16_385, "has 16,385 bytes"),
    ],
)
def test_what_is_no_usable_key_is_refused(key: str, why: str) -> None:
    """Missing, malformed, encrypted and huge keys are refused at the key, never repeated."""
    assert refused(pair()[0], key) == ("client_certificate.key", why)


def test_a_chain_is_bounded() -> None:
    """More than 10 certificates, or more than 16 KiB, are refused."""
    certificate, key = pair()
    assert refused(certificate * 11, key)[0] == "client_certificate.certificate"
    assert refused(certificate + "\n" * 16_384, key)[0] == "client_certificate.certificate"
