"""Where the operator lets webhooks go: networks, ports, and plain http."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import Network, literal, refusal, within


class PlainHttp(StrEnum):
    """Whether a webhook may leave without TLS."""

    NEVER = "never"
    INSIDE = "inside"
    """Only to an address in one of the operator's allowed networks."""
    ALWAYS = "always"


@dataclass(frozen=True)
class Destinations:
    """The operator's word; it is asked when a URL is saved and again at each connect."""

    allowed_networks: Sequence[Network] = ()
    """May be reached although they are private."""
    refused_networks: Sequence[Network] = ()
    """Are never reached although they are public; wins over `allowed_networks`."""
    http: PlainHttp = PlainHttp.NEVER
    ports: tuple[range, ...] = (range(80, 81), range(443, 444), range(1024, 65536))

    def address_refusal(self, address: str, *, secure: bool) -> str | None:
        """Return why nothing is sent to `address` (with TLS or without), or None."""
        why = refusal(address, self.allowed_networks, self.refused_networks)
        if why is None and not secure and not self._plain_to(address):
            return f"plain http to {address} is not allowed"
        return why

    def port_refusal(self, port: int) -> str | None:
        """Return why nothing is sent to `port`, or None."""
        if any(port in allowed for allowed in self.ports):
            return None
        return f"port {port} is not allowed"

    def _plain_to(self, address: str) -> bool:
        if self.http is not PlainHttp.INSIDE:
            return self.http is PlainHttp.ALWAYS
        spelled = literal(address)
        return spelled is not None and within(spelled, self.allowed_networks)


def ports(listed: str) -> tuple[range, ...]:
    """Return the ports of a comma-separated setting such as `443,8000-8999`.

    Raises:
        InvalidInput: one of them is no port and no range of ports, or there is none.
    """
    return tuple(_port_range(part.strip()) for part in listed.split(","))


def _port_range(part: str) -> range:
    first, dash, last = part.partition("-")
    if _is_number(first) and (not dash or _is_number(last)):
        made = range(int(first), int(last or first) + 1)
        if made and made.start >= 1 and made.stop <= _PORTS:
            return made
    raise InvalidInput.at(
        "allowed_ports",
        f'"{part}" is not a port',
        value=part,
        allowed="1 to 65535, or a range such as 8000-8999",
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


_PORTS: Final = 65_536
