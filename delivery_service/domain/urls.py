"""Which URLs an endpoint may have, as far as their text can tell; names are judged when they are dialled.

The grammar is narrower than any URL parser's, on purpose: whatever two parsers could read differently
(credentials, backslashes, blanks, non-ASCII letters, percent signs in a host, zones) is no endpoint's URL,
so that what is judged here and what libcurl later dials are the same host.
Source: RFC 3986; WHATWG URL standard ("ends in a number"); Orange Tsai, "A New Era of SSRF" (2017).
"""

import re
from typing import Final, NamedTuple

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import literal
from delivery_service.domain.destinations import Destinations, PlainHttp

LONGEST_URL: Final = 2048
_LONGEST_HOST: Final = 253
_ALLOWED_URL: Final = "an absolute https URL, for example https://example.com/hooks"

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f]*:[0-9a-f:.]+\]|[0-9a-z._-]+)(:(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL: Final = "[0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.IGNORECASE | re.ASCII)
_ENDS_IN_A_NUMBER: Final = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)\.?$", re.IGNORECASE | re.ASCII)


class _Parts(NamedTuple):
    secure: bool
    host: str
    port: int


def require_url(url: str, destinations: Destinations) -> str:
    """Return `url` unchanged if webhooks may be sent there, as far as its text can tell.

    Raises:
        InvalidInput: not a plain absolute http(s) URL, or (FORBIDDEN_ADDRESS) a host that spells a
            refused address, a refused port, or http where only https is allowed.
    """
    parts = _parts(url)
    why = _refusal(parts, destinations)
    if why is not None:
        raise _forbidden(why, url)
    _check_spelling(parts.host, url)
    return url


def _refusal(parts: _Parts, destinations: Destinations) -> str | None:
    why = _host_refusal(parts, destinations) or destinations.port_refusal(parts.port)
    if why is None and not parts.secure and destinations.http is PlainHttp.NEVER:
        return "plain http is not allowed"
    return why


def _host_refusal(parts: _Parts, destinations: Destinations) -> str | None:
    if literal(parts.host) is not None:
        return destinations.address_refusal(parts.host, secure=parts.secure)
    if _is_this_machine(parts.host) and _loopback_refused(destinations, secure=parts.secure):
        return f"{parts.host} is this machine"
    return None


def _loopback_refused(destinations: Destinations, *, secure: bool) -> bool:
    return all(destinations.address_refusal(one, secure=secure) for one in ("127.0.0.1", "::1"))


def _parts(url: str) -> _Parts:
    if len(url) > LONGEST_URL:
        raise _refused(f"has {len(url)} characters, at most {LONGEST_URL} are allowed", url)
    _check_characters(url)
    found = _URL.fullmatch(url)
    if found is None:
        raise _refused("is not an absolute http or https URL", url)
    secure = found["scheme"].lower() == "https"
    port = int(found["port"] or (443 if secure else 80))
    if not 1 <= port <= 65_535:
        raise _refused(f"names port {port}, which does not exist", url)
    _check_host(found["host"], url)
    return _Parts(secure, found["host"], port)


def _check_characters(url: str) -> None:
    if "#" in url:
        raise _refused("carries a fragment, which is never sent", url)
    # Also behind a question mark: not every parser ends the host there.
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise InvalidInput.at(
            "url", "the URL carries credentials, which would end up in logs", value="", allowed=_ALLOWED_URL
        )
    odd = next((one for one in url if not "!" <= one <= "~" or one == "\\"), None)
    if odd is not None:
        raise _refused(f"contains {odd!a}; write it percent-encoded, a name with xn--", url)


def _check_host(host: str, url: str) -> None:
    if literal(host) is not None:
        return
    if host.startswith("[") or _ENDS_IN_A_NUMBER.search(host):
        raise _refused(f"has the host {host}, which is no address", url)
    if len(host) > _LONGEST_HOST or not _NAME.fullmatch(host):
        raise _refused(f"has the host {host[:80]}, which is no name", url)


def _check_spelling(host: str, url: str) -> None:
    meant = literal(host)
    # 010.8.8.8 is 8.8.8.8 to one parser and 10.8.8.8 to the next (CVE-2021-29921).
    if meant is not None and not host.startswith("[") and host != str(meant):
        raise _refused(f"spells an address oddly, {host}; write {meant}", url)


def _is_this_machine(host: str) -> bool:
    bare = host.lower().removesuffix(".")
    return bare == "localhost" or bare.endswith(".localhost")


def _refused(why: str, url: str) -> InvalidInput:
    return InvalidInput.at("url", f"{url[:80]!a} {why}", value=url[:80], allowed=_ALLOWED_URL)


def _forbidden(why: str, url: str) -> InvalidInput:
    return InvalidInput.at(
        "url",
        f"webhooks are never sent there: {why}",
        value=url[:80],
        allowed="https to a public address, or what the operator adds by REDLETTER_ALLOWED_NETWORKS,"
        " REDLETTER_ALLOWED_PORTS and REDLETTER_ALLOW_HTTP",
        reason="FORBIDDEN_ADDRESS",
    )
