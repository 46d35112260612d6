"""Which addresses are refused, in every spelling."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import literal, networks, refusal

REFUSED = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "0x7F.0x0.0x0.0x1",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "012.0.0.1",
    "167772161",
    "0xa.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1",
    "0xc0a80001",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "169.254.43518",
    "168.63.129.16",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "[::ffff:10.0.0.1]",
    "::ffff:169.254.169.254",
    "::ffff:c0a8:1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "3ffe::1",
    "2a01:111:0:1:0:5efe:127.0.0.1",
    "2a01:111:0:1:200:5efe:8.8.8.8",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
    "8000::1",
    "e000::1",
]

ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "0x08080808",
    "134744072",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "[2606:4700::1111]",
]


@pytest.mark.parametrize("spelling", REFUSED)
def test_a_spelling_of_an_inner_address_is_refused(spelling: str) -> None:
    """Private, local, reserved, translated and outlandish addresses are refused however they are written."""
    assert refusal(spelling)


@pytest.mark.parametrize("spelling", ALLOWED)
def test_a_public_address_is_not_refused(spelling: str) -> None:
    """The neighbours of the refused networks and ordinary public addresses pass."""
    assert refusal(spelling) is None


def test_a_name_is_no_address() -> None:
    """Names and nonsense are refused as no address, and are no literals."""
    for name in ("example.com", "localhost", "", "1.2.3.4.5", "256.1.1.1", "0x", "1..2"):
        assert literal(name) is None
        assert "is not an address" in str(refusal(name))


def test_the_operators_networks_win() -> None:
    """An allowed network lets its addresses pass, mapped ones included, and no other."""
    allowed = networks("127.0.0.0/8, ::1/128 ,10.1.0.0/16")
    for spelling in ("127.0.0.1", "0x7f.1", "::ffff:127.0.0.1", "::1", "10.1.2.3"):
        assert refusal(spelling, allowed) is None
    for spelling in ("10.2.0.1", "169.254.169.254", "fe80::1"):
        assert refusal(spelling, allowed)


def test_the_networks_that_the_operator_refuses_win_over_all() -> None:
    """Public ones, also inside NAT64, and a part of an allowed one; with their own setting named when unreadable."""
    allowed, refused = networks("10.0.0.0/8"), networks("8.8.8.0/24,10.1.0.0/16,2a00:1450::/32")
    for spelling in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "10.1.2.3", "2a00:1450::1"):
        assert "the operator refuses" in str(refusal(spelling, allowed, refused))
    for spelling in ("8.8.9.8", "10.2.0.1", "2a00:1451::1"):
        assert refusal(spelling, allowed, refused) is None
    with pytest.raises(InvalidInput) as unreadable:
        networks("nonsense", field="refused_networks")
    assert unreadable.value.violations[0].field == "refused_networks"


def test_a_wrong_network_is_named() -> None:
    """The sentence says which part is no network and what one looks like."""
    with pytest.raises(InvalidInput, match=r'"10\.0\.0\.1/8" is not a network'):
        networks("127.0.0.0/8,10.0.0.1/8")


@given(st.ip_addresses(v=4))
def test_every_spelling_of_one_address_is_judged_alike(address: ipaddress.IPv4Address) -> None:
    """Decimal, hexadecimal, octal, mapped and NAT64 forms share one verdict."""
    number = int(address)
    verdict = refusal(str(address)) is None
    forms = (
        str(number),
        hex(number),
        f"0{number:o}",
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"[::ffff:{address}]",
    )
    assert {refusal(form) is None for form in forms} == {verdict}


@given(st.ip_addresses(v=4))
def test_we_are_never_laxer_than_the_standard_library(address: ipaddress.IPv4Address) -> None:
    """What Python calls private, loopback, link-local, multicast or reserved is refused."""
    inner = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    if inner:
        assert refusal(str(address))


@given(st.ip_addresses(v=6))
def test_only_what_is_handed_out_of_ipv6_passes(address: ipaddress.IPv6Address) -> None:
    """A passing IPv6 address lies in 2000::/3 or stands for an IPv4 address."""
    if refusal(str(address)) is None:
        inside = address in ipaddress.IPv6Network("2000::/3")
        assert inside or address.ipv4_mapped or address in ipaddress.IPv6Network("64:ff9b::/96")
