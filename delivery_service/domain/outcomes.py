"""What one attempt means for its delivery: delivered, another attempt, or the end."""

from dataclasses import dataclass
from datetime import timedelta

from delivery_service.domain.deliveries import DeliveryCause

GONE = 410
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

_DELIVERED = Delivered()
_FORBIDDEN = Dead(DeliveryCause.FORBIDDEN_ADDRESS)
_REFUSED = Dead(DeliveryCause.HTTP_STATUS)
_UNWANTED = Dead(DeliveryCause.HTTP_STATUS, disable=True)


def of_status(status_code: int, retry_after: timedelta = timedelta(0)) -> Verdict:
    """Return what an answer with this HTTP status means.

    2xx is delivered; 408, 425, 429 and 5xx are retried; 410 disables the endpoint; anything else,
    redirects included, is dead.
    """
    if 200 <= status_code < 300:
        return _DELIVERED
    if status_code >= 500 or status_code in _TRY_AGAIN:
        return Retry(DeliveryCause.HTTP_STATUS, retry_after)
    return _UNWANTED if status_code == GONE else _REFUSED


def of_failure(cause: DeliveryCause) -> Verdict:
    """Return what an attempt without an answer means: a forbidden address is final, the rest is retried."""
    return _FORBIDDEN if cause is DeliveryCause.FORBIDDEN_ADDRESS else Retry(cause)
