"""A tenant's webhook URL: which URLs are taken, and what an endpoint is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

from whenever import Instant

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import Network, literal, refusal
from delivery_service.domain.deliveries import INBOX

LONGEST_URL: Final = 2048
DEFAULT_TIMEOUT: Final = timedelta(seconds=15)
_ALLOWED_URL: Final = "an absolute http or https URL, for example https://example.com/hooks"


class EndpointState(IntEnum):
    """Whether messages are sent; the numbers are those of redletter.delivery.v1.Endpoint.State."""

    ENABLED = 1
    DISABLED = 2


@dataclass(frozen=True)
class Endpoint:
    """An endpoint without its secrets; `timeout` is real time, the instants are business time."""

    tenant_id: str
    endpoint_id: str
    url: str
    description: str
    state: EndpointState
    timeout: timedelta
    version: int
    create_time: Instant
    update_time: Instant


def require_id(endpoint_id: str) -> str:
    """Return the id unless it is the inbox's.

    Raises:
        InvalidInput: `inbox` is taken by the inbox of every tenant.
    """
    if endpoint_id == INBOX:
        raise InvalidInput.at("endpoint_id", "inbox is the inbox itself", value=INBOX, allowed="any other id")
    return endpoint_id


def require_url(url: str, *, allowed_networks: Sequence[Network] = ()) -> str:
    """Return `url` unchanged if webhooks may be sent there, as far as its text can tell.

    A host that is a name is judged when it is dialled.

    Raises:
        InvalidInput: no http(s) URL, credentials or a fragment in it, or (FORBIDDEN_ADDRESS) a host
            that spells a refused address.
    """
    parts = _parts(url)
    if parts.username is not None or parts.password is not None:
        raise _refused("carries credentials, which would end up in logs", url)
    if "#" in url:
        raise _refused("carries a fragment, which is never sent", url)
    host = parts.hostname or ""
    if literal(host) is not None:
        why = refusal(host, allowed_networks)
        if why is not None:
            raise _forbidden(why, url)
    elif _is_this_machine(host) and refusal("127.0.0.1", allowed_networks) is not None:
        raise _forbidden(f"{host} is this machine", url)
    return url


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(f"cannot be read ({error})", url) from None
    # A backslash or a blank is where two parsers of one URL begin to disagree about its host.
    odd = any(character <= " " or character in "\\\x7f" for character in url)
    if parts.scheme not in ("http", "https") or not parts.hostname or odd or port == 0:
        raise _refused("is not an absolute http or https URL", url)
    if len(url) > LONGEST_URL:
        raise _refused(f"has {len(url)} characters, at most {LONGEST_URL} are allowed", url)
    return parts


def _is_this_machine(host: str) -> bool:
    bare = host.removesuffix(".")
    return bare == "localhost" or bare.endswith(".localhost")


def _refused(why: str, url: str) -> InvalidInput:
    return InvalidInput.at("url", f'"{url[:80]}" {why}', value=url[:80], allowed=_ALLOWED_URL)


def _forbidden(why: str, url: str) -> InvalidInput:
    return InvalidInput.at(
        "url",
        f"webhooks are never sent there: {why}",
        value=url[:80],
        allowed="a public address, or a network of REDLETTER_ALLOWED_NETWORKS",
        reason="FORBIDDEN_ADDRESS",
    )
