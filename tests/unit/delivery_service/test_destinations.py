"""Where the operator lets webhooks go."""

from typing import Any

import pytest
from pydantic import ValidationError

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import networks
from delivery_service.domain.destinations import Destinations, PlainHttp, ports
from delivery_service.settings import Settings


@pytest.mark.parametrize(
    ("listed", "made"),
    [
        ("443", (range(443, 444),)),
        ("80, 443", (range(80, 81), range(443, 444))),
        ("1-65535", (range(1, 65536),)),
        ("8000-8000", (range(8000, 8001),)),
    ],
)
def test_ports_are_listed_singly_and_in_ranges(listed: str, made: tuple[range, ...]) -> None:
    """Both ends of a range belong to it."""
    assert ports(listed) == made


@pytest.mark.parametrize(
    "listed", ["", "0", "65536", "443,", "9-8", "-5", "5-", "a", "²", "80-90-100", "0x50"]
)
def test_a_wrong_port_is_named(listed: str) -> None:
    """The sentence says which part is no port."""
    with pytest.raises(InvalidInput, match="is not a port"):
        ports(listed)


def test_plain_http_goes_where_the_operator_lets_it() -> None:
    """Never; only to the allowed networks, in any form of their addresses; or to every address that is not refused."""
    inside = networks("127.0.0.0/8")
    cases = {
        PlainHttp.NEVER: {"127.0.0.1": False, "::ffff:127.0.0.1": False, "8.8.8.8": False, "10.0.0.1": False},
        PlainHttp.INSIDE: {"127.0.0.1": True, "::ffff:127.0.0.1": True, "8.8.8.8": False, "10.0.0.1": False},
        PlainHttp.ALWAYS: {"127.0.0.1": True, "::ffff:127.0.0.1": True, "8.8.8.8": True, "10.0.0.1": False},
    }
    for http, expected in cases.items():
        destinations = Destinations(inside, http=http)
        for address, passes in expected.items():
            assert (destinations.address_refusal(address, secure=False) is None) is passes
            assert (destinations.address_refusal(address, secure=True) is None) is (address != "10.0.0.1")


def test_the_settings_are_strict_by_default() -> None:
    """Https only, no private network, no port below 1024 but 80 and 443; what is unreadable stops the service."""
    required: dict[str, Any] = {"database_url": "postgresql+asyncpg://x/y", "internal_secret": "s" * 32}
    assert Settings(**required).destinations == Destinations()
    told = Settings(
        **required,
        allowed_networks="10.0.0.0/8",
        refused_networks="10.1.0.0/16",
        allowed_ports="443",
        allow_http=PlainHttp("inside"),
    )
    assert told.destinations == Destinations(
        networks("10.0.0.0/8"), networks("10.1.0.0/16"), PlainHttp.INSIDE, ports("443")
    )
    wrongs: tuple[dict[str, Any], ...] = (
        {"allowed_networks": "x"},
        {"refused_networks": "10.0.0.1/8"},
        {"allowed_ports": "0"},
        {"allow_http": "sometimes"},
    )
    for wrong in wrongs:
        with pytest.raises((ValidationError, InvalidInput)):
            Settings(**required, **wrong)
