"""Which addresses webhooks are never sent to.

An own table: on Python 3.11 `ipaddress.is_global` is true for 64:ff9b::/96, 2002::/16, fec0::/10,
multicast and others that lead back into a private network or nowhere.
Source: IANA special-purpose address registries (IPv4, IPv6), RFC 6890 and its updates; RFC 5214 (ISATAP).
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Final

from chassis.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSED: Final = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local, home of cloud metadata"),
        ("168.63.129.16/32", "Azure's wire server, reachable from each of its machines"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast included"),
        ("::/96", "unspecified, loopback, IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard only"),
        ("100:0:0:1::/64", "dummy"),
        ("2001::/23", "protocol assignments, Teredo included"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3ffe::/16", "6bone, given back"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# Only this part of IPv6 is handed out at all; what is outside is nobody's webhook.
_HANDED_OUT: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# The interface part of an address that a router of a site unpacks to the IPv4 address in its last 32 bits.
_ISATAP: Final = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
_NUMERIC: Final = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")


def literal(host: str) -> Address | None:
    """Return the address that a URL's host spells, in any spelling resolvers take; None for a name.

    `127.0.0.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`, `[::1]`, `::ffff:127.0.0.1`, `fe80::1%eth0`.
    """
    bare = host.removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(bare):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare.removesuffix(".")))
    except OSError:
        return None


def refusal(
    address: str, allowed_networks: Sequence[Network] = (), refused_networks: Sequence[Network] = ()
) -> str | None:
    """Return why webhooks are not sent to `address`, or None when they may be.

    An address inside IPv6 (mapped, NAT64) is judged as the IPv4 address it stands for. What is no
    address at all is refused. The operator's networks win over the table, the refused ones over both.
    """
    given = literal(address)
    if given is None:
        return f"{address} is not an address"
    if within(given, refused_networks):
        return f"{address} is in a network that the operator refuses"
    if within(given, allowed_networks):
        return None
    meant = _meant(given)
    for network, why in _REFUSED:
        if inside(meant, network):
            return f"{address} is in {network} ({why})"
    if isinstance(meant, ipaddress.IPv6Address):
        if meant not in _HANDED_OUT:
            return f"{address} is in no network that has been handed out"
        if meant.packed[8:12] in _ISATAP:
            return f"{address} is a tunnel to an IPv4 address (ISATAP)"
    return None


def inside(address: Address, network: Network) -> bool:
    """Return whether the network holds the address; never for two versions."""
    return address.version == network.version and address in network


def within(address: Address, listed: Sequence[Network]) -> bool:
    """Return whether one of the networks holds the address, or the IPv4 address it stands for."""
    return any(inside(one, network) for network in listed for one in {address, _meant(address)})


def networks(listed: str, *, field: str = "allowed_networks") -> tuple[Network, ...]:
    """Return the networks of a comma-separated setting such as `127.0.0.0/8,::1/128`.

    Raises:
        InvalidInput: one of them is not a network.
    """
    found: list[Network] = []
    for part in filter(None, (piece.strip() for piece in listed.split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise InvalidInput.at(
                field, f'"{part}" is not a network', value=part, allowed="CIDR such as 10.1.0.0/16"
            ) from None
    return tuple(found)


def _meant(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(address.packed[-4:])
    return address
