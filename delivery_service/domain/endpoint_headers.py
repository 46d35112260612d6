"""Headers that a tenant adds to its webhooks; those that say what a message is, or steer HTTP, are never theirs."""

import re
from collections.abc import Mapping
from typing import Final

from chassis.errors import FieldViolation, InvalidInput

MOST_HEADERS: Final = 20
MOST_BYTES: Final = 4096
LONGEST_NAME: Final = 64
LONGEST_VALUE: Final = 1024

RESERVED: Final = frozenset(
    {
        "host",
        "user-agent",
        "date",
        "content-length",
        "content-type",
        "content-encoding",
        "content-md5",
        "content-digest",
        "digest",
        "accept",
        "accept-encoding",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
        "expect",
        "max-forwards",
        "range",
        "traceparent",
        "tracestate",
        "baggage",
        # Without these no cloud's metadata service answers: a second lock behind the check of addresses.
        "metadata",
        "metadata-flavor",
    }
)
RESERVED_PREFIXES: Final = ("webhook-", "proxy-", "x-aws-ec2-metadata-token", "x-google-metadata")

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?", re.ASCII)


def require_headers(headers: Mapping[str, str], *, field: str = "headers") -> tuple[tuple[str, str], ...]:
    """Return the headers in the order of their names.

    A refused value is never repeated: it may be a credential.

    Raises:
        InvalidInput: at `field[name]`: a name or a value that is malformed or too long, a reserved name, a
            name that stands there twice in different cases; at `field`: too many or (TOO_LARGE) too much.
    """
    if len(headers) > MOST_HEADERS:
        raise InvalidInput.at(field, f"has {len(headers)} headers", allowed=f"at most {MOST_HEADERS}")
    seen: set[str] = set()
    violations: list[FieldViolation] = []
    for name, value in sorted(headers.items()):
        violation = _wrong(f"{field}[{name[:LONGEST_NAME]}]", name, value, seen)
        seen.add(name.lower())
        if violation:
            violations.append(violation)
    if violations:
        raise InvalidInput(violations)
    size = sum(len(name) + len(value) + 4 for name, value in headers.items())  # ": " and the line's end
    if size > MOST_BYTES:
        allowed = f"at most {MOST_BYTES:,} bytes"
        raise InvalidInput.at(field, f"has {size:,} bytes in all", allowed=allowed, reason="TOO_LARGE")
    return tuple(sorted(headers.items()))


def _wrong(field: str, name: str, value: str, seen: set[str]) -> FieldViolation | None:
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        allowed = f"1 to {LONGEST_NAME} letters, digits and !#$%&'*+-.^_`|~"
        return FieldViolation(field, "is not the name of a header", name[:LONGEST_NAME], allowed)
    lower = name.lower()
    if lower in RESERVED or lower.startswith(RESERVED_PREFIXES):
        allowed = "headers of your own, for example authorization or x-..."
        return FieldViolation(field, f"{name} is set by Redletter itself or reserved", name, allowed)
    if lower in seen:
        return FieldViolation(
            field, f"{name} stands there twice, in different cases", name, "each name once, in any case"
        )
    if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
        allowed = f"1 to {LONGEST_VALUE:,} visible ASCII characters, blanks only between them"
        return FieldViolation(field, "its value cannot be sent", "", allowed)
    return None
