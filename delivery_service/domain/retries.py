"""When to try again: exponential backoff with full jitter, within `deliver_by`."""

from dataclasses import dataclass
from datetime import timedelta

from whenever import Instant

from delivery_service.domain.deliveries import DeliveryCause

# Longer waits asked for by a receiver are treated as this one, which is also the longest that libcurl reports.
LONGEST_RETRY_AFTER = timedelta(hours=6)
# The last attempt is planned this long (real time) before `deliver_by`: it must be fetched and sent in time.
LAST_CHANCE = timedelta(seconds=0.5)


@dataclass(frozen=True)
class RetryPolicy:
    """What an endpoint decides about its retries; what it leaves open is the deployment's and the table's.

    The statuses are of 300 to 599, the causes of TIMEOUT, CONNECTION, TLS, DNS and PROTOCOL.
    """

    first: timedelta | None = None
    """Longest wait after the first attempt (real time); None: the deployment's setting."""
    longest: timedelta | None = None
    """Longest wait after any attempt (real time); None: the deployment's setting."""
    max_attempts: int = 0
    """After so many failed attempts a delivery is dead; 0: as many as fit before `deliver_by`."""
    retry_statuses: tuple[int, ...] = ()
    """Retried although the table says dead."""
    fail_statuses: tuple[int, ...] = ()
    """Dead at once although the table says retried."""
    fail_causes: tuple[DeliveryCause, ...] = ()
    """Dead at once although the table says retried."""
    keep_on_gone: bool = False
    """410 ends the delivery as dead, but does not disable the endpoint."""


@dataclass(frozen=True)
class Backoff:
    """The ceiling of the wait after attempt n is `first * 2 ** (n - 1)`, never more than `longest`."""

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(hours=1)

    def under(self, policy: RetryPolicy) -> "Backoff":
        """Return the backoff of an endpoint with this policy."""
        if policy.first is None and policy.longest is None:
            return self
        first = self.first if policy.first is None else policy.first
        longest = self.longest if policy.longest is None else policy.longest
        return Backoff(first, max(first, longest))

    def ceiling(self, attempts: int) -> timedelta:
        """Return the longest wait after so many attempts."""
        doublings = min(max(0, attempts - 1), 40)  # 2 ** 40 seconds is beyond any `longest`
        return min(self.longest, self.first * (1 << doublings))

    def delay(self, attempts: int, draw: float, *, latest: timedelta) -> timedelta:
        """Return the wait after `attempts` attempts, at most `latest`; `draw` is uniform in [0, 1)."""
        return min(self.ceiling(attempts), latest) * draw


def next_delay(
    backoff: Backoff,
    attempts: int,
    *,
    draw: float,
    retry_after: timedelta,
    now: Instant,
    deliver_by: Instant,
    speed: float,
) -> timedelta | None:
    """Return the real time until the next attempt, or None when no useful time is left for one.

    The receiver's Retry-After is a lower bound. The jitter fills what is left, so that the retries of many
    do not meet just before `deliver_by`; the last attempt comes at least `LAST_CHANCE` before it. None only
    when less is left, or when the receiver asked for more.
    `now` and `deliver_by` are business time, the wait is real time: `now + delay * speed <= deliver_by`
    holds for every answer.
    """
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    left = (deliver_by.timestamp(unit="nanosecond") - now.timestamp(unit="nanosecond")) / 1e9
    latest = timedelta(seconds=left / speed) - LAST_CHANCE
    if asked > latest:
        return None
    return max(backoff.delay(attempts, draw, latest=latest), asked)
