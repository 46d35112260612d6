"""Retry and breaker policies as JSON: only what differs from the defaults, spans in seconds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from delivery_service.domain.breakers import BreakerPolicy
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.endpoints import DEFAULT_BREAKER_POLICY, DEFAULT_RETRY_POLICY
from delivery_service.domain.retries import RetryPolicy

_SPANS: Final = frozenset({"first", "longest", "window", "open_first", "open_longest"})
_TUPLES: Final = frozenset({"retry_statuses", "fail_statuses"})


def stored(policy: RetryPolicy | BreakerPolicy) -> dict[str, Any]:
    """Return the JSON of a policy; `{}` is the default one."""
    default = DEFAULT_RETRY_POLICY if isinstance(policy, RetryPolicy) else DEFAULT_BREAKER_POLICY
    names = type(policy).__dataclass_fields__
    return {
        name: _plain(name, getattr(policy, name))
        for name in names
        if getattr(policy, name) != getattr(default, name)
    }


def retry_policy(json: Mapping[str, Any]) -> RetryPolicy:
    """Return a stored retry policy."""
    return (
        RetryPolicy(**{name: _value(name, plain) for name, plain in json.items()})
        if json
        else DEFAULT_RETRY_POLICY
    )


def breaker_policy(json: Mapping[str, Any]) -> BreakerPolicy:
    """Return a stored breaker policy."""
    return (
        BreakerPolicy(**{name: _value(name, plain) for name, plain in json.items()})
        if json
        else DEFAULT_BREAKER_POLICY
    )


def _plain(name: str, value: Any) -> Any:
    if name in _SPANS:
        return value.total_seconds()
    return [cause.name for cause in value] if name == "fail_causes" else value


def _value(name: str, plain: Any) -> Any:
    if name in _SPANS:
        return timedelta(seconds=plain)
    if name == "fail_causes":
        return tuple(DeliveryCause[cause] for cause in plain)
    return tuple(plain) if name in _TUPLES else plain
