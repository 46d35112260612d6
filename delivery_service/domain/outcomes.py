"""What one attempt means for its delivery: delivered, another attempt, or the end."""

from dataclasses import dataclass
from datetime import timedelta

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.retries import RetryPolicy

GONE = 410
# With a Retry-After these speak for the whole endpoint: 429 Too Many Requests, 503 Service Unavailable.
HOLDS = frozenset({429, 503})
_REQUEST_TIMEOUT = 408
# 408 Request Timeout, 425 Too Early and 429 Too Many Requests ask for another try; any other 4xx
# would answer the same bytes the same way.
_TRY_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True)
class Retry:
    """Another attempt may succeed, not before `after` (the receiver's Retry-After; zero: no wish)."""

    cause: DeliveryCause
    after: timedelta = timedelta(0)


@dataclass(frozen=True)
class Dead:
    """Another attempt would be pointless; `disable` when the receiver asked for no more events."""

    cause: DeliveryCause
    disable: bool = False


Verdict = Delivered | Retry | Dead

_AT_ONCE = timedelta(0)
_AS_TABLED = RetryPolicy()
_DELIVERED = Delivered()
_FORBIDDEN = Dead(DeliveryCause.FORBIDDEN_ADDRESS)
_REFUSED = Dead(DeliveryCause.HTTP_STATUS)
_UNWANTED = Dead(DeliveryCause.HTTP_STATUS, disable=True)


def of_status(
    status_code: int, retry_after: timedelta = _AT_ONCE, *, policy: RetryPolicy = _AS_TABLED
) -> Verdict:
    """Return what an answer with this HTTP status means.

    2xx is delivered; 408, 425, 429 and 5xx are retried; 410 disables the endpoint; anything else,
    redirects included, is dead. The policy may decide otherwise for single statuses from 300 on.
    """
    if 200 <= status_code < 300:
        return _DELIVERED
    if status_code in policy.fail_statuses and status_code != GONE:
        return _REFUSED
    if status_code >= 500 or status_code in _TRY_AGAIN or status_code in policy.retry_statuses:
        return Retry(DeliveryCause.HTTP_STATUS, retry_after)
    return _UNWANTED if status_code == GONE and not policy.keep_on_gone else _REFUSED


def of_failure(cause: DeliveryCause, *, policy: RetryPolicy = _AS_TABLED) -> Verdict:
    """Return what an attempt without an answer means: a forbidden address is final, the rest is retried.

    The policy may make other causes final as well.
    """
    if cause is DeliveryCause.FORBIDDEN_ADDRESS:
        return _FORBIDDEN
    return Dead(cause) if cause in policy.fail_causes else Retry(cause)


def slows(status_code: int, cause: DeliveryCause) -> bool:
    """Return whether the endpoint has more than it can take: 429, 503, or no answer in time."""
    return status_code in HOLDS or cause is DeliveryCause.TIMEOUT


def counts_as_failure(status_code: int, cause: DeliveryCause) -> bool:
    """Return whether an attempt speaks for an endpoint that is down, whatever its delivery makes of it.

    No answer, 408 and 5xx do; 429 asks for less, and any other 4xx is an answer to one message.
    """
    if not status_code:
        return cause is not DeliveryCause.FORBIDDEN_ADDRESS
    return status_code >= 500 or status_code == _REQUEST_TIMEOUT
