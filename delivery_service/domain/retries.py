"""When to try again: exponential backoff with full jitter, within `deliver_by`."""

from dataclasses import dataclass
from datetime import timedelta

from whenever import Instant

# Longer waits asked for by a receiver are treated as this one.
LONGEST_RETRY_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Backoff:
    """The ceiling of the wait after attempt n is `first * 2 ** (n - 1)`, never more than `longest`."""

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(hours=1)

    def ceiling(self, attempts: int) -> timedelta:
        """Return the longest wait after so many attempts."""
        doublings = min(max(0, attempts - 1), 40)  # 2 ** 40 seconds is beyond any `longest`
        return min(self.longest, self.first * (1 << doublings))

    def delay(self, attempts: int, draw: float) -> timedelta:
        """Return the wait after `attempts` attempts; `draw` is uniform in [0, 1)."""
        return self.ceiling(attempts) * draw


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
    """Return the real time until the next attempt, or None when it would come after `deliver_by`.

    The receiver's Retry-After is a lower bound. `now` and `deliver_by` are business time, the wait
    is real time: `now + delay * speed <= deliver_by` holds for every answer.
    """
    delay = max(backoff.delay(attempts, draw), min(retry_after, LONGEST_RETRY_AFTER))
    left = (deliver_by.timestamp(unit="nanosecond") - now.timestamp(unit="nanosecond")) / 1e9
    return delay if delay.total_seconds() * speed <= left else None
