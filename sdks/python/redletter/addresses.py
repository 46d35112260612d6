"""Where a deployment is reached: one address, or several replicas, of each service."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Addresses:
    """The public gRPC addresses of the three services; each `host:port`, or several separated by commas."""

    user: str
    scheduler: str
    delivery: str

    @classmethod
    def of(cls, given: "Addresses | Mapping[str, str]") -> Self:
        """Return the addresses named `user`, `scheduler` and `delivery` in `given`; other keys are ignored.

        Raises:
            ValueError: one of the three is missing or empty.
        """
        found = {name: _named(given, name) for name in (field.name for field in fields(cls))}
        for name, address in found.items():
            if not address:
                raise ValueError(f'the address of the {name} service is missing; give "{name}": "host:port"')
        return cls(**found)


def target(addresses: str) -> str:
    """Return the gRPC target of an address list; calls are spread over all of them.

    A DNS name is resolved again as replicas come and go.

    Raises:
        ValueError: nothing is given, or several names that are not IP addresses.
    """
    listed = [part.strip() for part in addresses.split(",") if part.strip()]
    if not listed:
        raise ValueError("an address is empty; give host:port")
    if all(part[0].isdigit() for part in listed):
        return "ipv4:" + ",".join(listed)
    if all(part.startswith("[") for part in listed):
        return "ipv6:" + ",".join(listed)
    if len(listed) > 1:
        raise ValueError(f'"{addresses}" mixes several host names; give one name, or only IP addresses')
    return "dns:///" + listed[0]


def _named(given: "Addresses | Mapping[str, str]", name: str) -> str:
    value = getattr(given, name) if isinstance(given, Addresses) else given.get(name, "")
    return str(value or "").strip()
