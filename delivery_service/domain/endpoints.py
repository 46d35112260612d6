"""What a tenant's webhook endpoint is, and how it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

from whenever import Instant

from chassis.errors import FieldViolation, InvalidInput, StaleVersion
from delivery_service.domain.breakers import BreakerPolicy
from delivery_service.domain.deliveries import INBOX
from delivery_service.domain.event_type_filters import wanted
from delivery_service.domain.retries import RetryPolicy

MOST_ENDPOINTS: Final = 1000
"""Of one tenant: each event may have to go to all of them."""
DEFAULT_TIMEOUT: Final = timedelta(seconds=15)
DEFAULT_RETRY_POLICY: Final = RetryPolicy()
DEFAULT_BREAKER_POLICY: Final = BreakerPolicy()


class EndpointState(IntEnum):
    """Whether messages are sent; the numbers are those of redletter.delivery.v1.Endpoint.State."""

    ENABLED = 1
    DISABLED = 2


class DisableReason(IntEnum):
    """Why an endpoint is disabled; the numbers are those of redletter.delivery.v1.Endpoint.DisableReason."""

    NONE = 0
    BY_CALLER = 1
    GONE = 2


@dataclass(frozen=True)
class Endpoint:
    """An endpoint without its signing secrets; `timeout` is real time, the instants are business time."""

    tenant_id: str
    endpoint_id: str
    url: str
    description: str
    state: EndpointState
    timeout: timedelta
    version: int
    create_time: Instant
    update_time: Instant
    event_type_filters: tuple[str, ...] = ()
    """Which event types it gets; none: every one."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Added to each request, by name; may hold credentials."""
    metadata: tuple[tuple[str, str], ...] = ()
    disable_reason: DisableReason = DisableReason.NONE
    disable_time: Instant | None = None
    disable_note: str = ""
    max_rate: float = 0.0
    """Attempts a second from all replicas together; 0: no limit."""
    max_concurrency: int = 0
    """Attempts in flight from each replica; 0: the deployment's setting."""
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY
    breaker_policy: BreakerPolicy = DEFAULT_BREAKER_POLICY
    client_certificate: str = ""
    """PEM chain; empty: none is shown to the receiver."""
    client_key: bytes = field(default=b"", repr=False)
    """PEM; never in logs or answers."""

    @property
    def etag(self) -> str:
        """Differs after every change, also from that of a deleted endpoint of the same id."""
        created = self.create_time.timestamp(unit="nanosecond") // 1000
        return f"v{self.version}-{created:x}"

    def wants(self, event_type_id: str) -> bool:
        """Return whether events of this type are addressed to it while it is enabled."""
        return wanted(self.event_type_filters, event_type_id)


def check(endpoint: Endpoint) -> None:
    """Refuse an endpoint whose fields do not go together.

    Raises:
        InvalidInput: at `retry_policy...`, `breaker_policy...`, `client_certificate`.
    """
    retry, breaker = endpoint.retry_policy, endpoint.breaker_policy
    violations = [
        FieldViolation(
            f"retry_policy.fail_statuses[{index}]",
            f"{status} is one of retry_statuses, too",
            str(status),
            "each status in one of the two lists",
        )
        for index, status in enumerate(retry.fail_statuses)
        if status in retry.retry_statuses
    ]
    if retry.first is not None and retry.longest is not None and retry.longest < retry.first:
        violations.append(_shorter("retry_policy.longest_delay", retry.longest, retry.first))
    if breaker.open_longest < breaker.open_first:
        violations.append(_shorter("breaker_policy.longest_open", breaker.open_longest, breaker.open_first))
    if endpoint.client_certificate and not endpoint.url.lower().startswith("https:"):
        why = "is shown in TLS only, and the url is not https"
        violations.append(FieldViolation("client_certificate", why, "", "an https url, or no certificate"))
    if violations:
        raise InvalidInput(violations)


def check_etag(stored: Endpoint, etag: str) -> None:
    """Refuse a change that was made from another state than the stored one; an empty `etag` asks for nothing.

    Raises:
        StaleVersion: the endpoint has another etag.
    """
    if etag and etag != stored.etag:
        raise StaleVersion(
            f'the endpoint "{stored.endpoint_id}" has the etag {stored.etag} now, not {etag!r} as given; '
            "read it again and repeat the change"
        )


def edited(stored: Endpoint, changes: Mapping[str, Any], *, now: Instant) -> Endpoint:
    """Return the endpoint with these attributes, or `stored` itself when nothing changes."""
    after = replace(stored, **changes)
    return stored if after == stored else replace(after, version=stored.version + 1, update_time=now)


def disabled(stored: Endpoint, reason: DisableReason, note: str, *, now: Instant) -> Endpoint:
    """Return the endpoint disabled; one that is disabled keeps the first reason."""
    if stored.state is EndpointState.DISABLED:
        return stored
    changes = {
        "state": EndpointState.DISABLED,
        "disable_reason": reason,
        "disable_time": now,
        "disable_note": note,
    }
    return edited(stored, changes, now=now)


def enabled(stored: Endpoint, *, now: Instant) -> Endpoint:
    """Return the endpoint enabled; why it was disabled is forgotten."""
    changes = {
        "state": EndpointState.ENABLED,
        "disable_reason": DisableReason.NONE,
        "disable_time": None,
        "disable_note": "",
    }
    return edited(stored, changes, now=now)


def require_id(endpoint_id: str) -> str:
    """Return the id unless it is the inbox's.

    Raises:
        InvalidInput: `inbox` is taken by the inbox of every tenant.
    """
    if endpoint_id == INBOX:
        raise InvalidInput.at("endpoint_id", "inbox is the inbox itself", value=INBOX, allowed="any other id")
    return endpoint_id


def _shorter(field: str, longest: timedelta, first: timedelta) -> FieldViolation:
    return FieldViolation(
        field,
        f"{longest.total_seconds():g}s is shorter than the first one, {first.total_seconds():g}s",
        f"{longest.total_seconds():g}s",
        "at least as long as the first one",
    )
