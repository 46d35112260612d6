"""From the wire to what shall change of an endpoint, field by field; a request to create has the same names."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from google.protobuf.message import Message
from redletter.delivery.v1 import endpoint_pb2 as pb
from whenever import Instant

from chassis.errors import InvalidInput
from chassis.wire import span
from delivery_service.domain.breakers import BreakerPolicy
from delivery_service.domain.client_certificates import require_pair
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.destinations import Destinations
from delivery_service.domain.endpoint_headers import require_headers
from delivery_service.domain.endpoints import (
    DEFAULT_BREAKER_POLICY,
    DEFAULT_TIMEOUT,
    Endpoint,
    check,
)
from delivery_service.domain.event_type_filters import require_filters
from delivery_service.domain.retries import RetryPolicy
from delivery_service.domain.urls import require_url

Changes = Mapping[str, Any]
"""Values by attribute of Endpoint; `retry_policy.first` names an attribute of the policy."""

_Read = Callable[[Any], Any]

RETRY: Final[Mapping[str, str]] = {
    "first_delay": "first",
    "longest_delay": "longest",
    "max_attempts": "max_attempts",
    "retry_statuses": "retry_statuses",
    "fail_statuses": "fail_statuses",
    "fail_causes": "fail_causes",
    "keep_on_gone": "keep_on_gone",
}
BREAKER: Final[Mapping[str, str]] = {
    "disabled": "enabled",
    "failure_rate": "failure_rate",
    "minimum_attempts": "minimum",
    "window": "window",
    "first_open": "open_first",
    "longest_open": "open_longest",
    "successes": "successes",
}
"""Fields of the policies' messages, and the attributes they set."""

_PLAIN: Final[Mapping[str, _Read]] = {
    "description": lambda wire: wire.description,
    "timeout": lambda wire: span(wire.timeout) if wire.HasField("timeout") else DEFAULT_TIMEOUT,
    "event_type_filters": lambda wire: require_filters(list(wire.event_type_filters)),
    "headers": lambda wire: require_headers(wire.headers),
    "metadata": lambda wire: tuple(sorted(wire.metadata.items())),
    "max_rate": lambda wire: wire.max_rate,
    "max_concurrency": lambda wire: wire.max_concurrency,
    "retry_policy": lambda wire: RetryPolicy(
        **{attribute: _retry(wire.retry_policy, name) for name, attribute in RETRY.items()}
    ),
    "breaker_policy": lambda wire: BreakerPolicy(
        **{attribute: _breaker(wire.breaker_policy, name) for name, attribute in BREAKER.items()}
    ),
}
FIELDS: Final = frozenset({"url", "client_certificate", *_PLAIN})
"""What a caller may set."""


def changes(wire: Message, paths: Iterable[str], *, destinations: Destinations, now: Instant) -> Changes:
    """Return the values that the paths of a mask name; `now` is real time.

    Raises:
        InvalidInput: at `update_mask`: a path that names nothing; at the field: its value.
    """
    found: dict[str, Any] = {}
    for path in paths:
        found.update(_change(wire, path, destinations, now))
    return found


def applied(stored: Endpoint, changes: Changes) -> dict[str, Any]:
    """Return the attributes that `stored` shall have.

    Raises:
        InvalidInput: at the field: the endpoint as a whole would contradict itself.
    """
    values = {name: value for name, value in changes.items() if "." not in name}
    for name, value in changes.items():
        policy, dot, attribute = name.partition(".")
        if dot:
            before = values.get(policy, getattr(stored, policy))
            values[policy] = replace(before, **{attribute: value})
    check(replace(stored, **values))
    return values


def _change(wire: Any, path: str, destinations: Destinations, now: Instant) -> Changes:
    policy, _, name = path.partition(".")
    if path == "url":
        return {"url": require_url(wire.url, destinations)}
    if path == "client_certificate":
        return _certificate(wire, now)
    if path in _PLAIN:
        return {path: _PLAIN[path](wire)}
    if policy == "retry_policy" and name in RETRY:
        return {f"{policy}.{RETRY[name]}": _retry(wire.retry_policy, name)}
    if policy == "breaker_policy" and name in BREAKER:
        return {f"{policy}.{BREAKER[name]}": _breaker(wire.breaker_policy, name)}
    allowed = ", ".join([*sorted(FIELDS), "and the fields of retry_policy and breaker_policy"])
    raise InvalidInput.at("update_mask", f'"{path[:80]}" cannot be changed', value=path[:80], allowed=allowed)


def _certificate(wire: Any, now: Instant) -> Changes:
    if not wire.HasField("client_certificate"):
        return {"client_certificate": "", "client_key": b""}
    given: pb.ClientCertificate = wire.client_certificate
    key = given.key.encode()
    require_pair(given.certificate, key, now=now)
    return {"client_certificate": given.certificate, "client_key": key}


def _retry(wire: pb.RetryPolicy, name: str) -> Any:
    if name in ("first_delay", "longest_delay"):
        return span(getattr(wire, name)) if wire.HasField(name) else None
    if name in ("retry_statuses", "fail_statuses"):
        return tuple(sorted(getattr(wire, name)))
    if name == "fail_causes":
        return tuple(DeliveryCause(cause) for cause in sorted(wire.fail_causes))
    return getattr(wire, name)


def _breaker(wire: pb.BreakerPolicy, name: str) -> Any:
    if name == "disabled":
        return not wire.disabled
    default = getattr(DEFAULT_BREAKER_POLICY, BREAKER[name])
    if name in ("window", "first_open", "longest_open"):
        return span(getattr(wire, name)) if wire.HasField(name) else default
    return getattr(wire, name) or default
