"""When to try again: exponential backoff with full jitter, within `deliver_by`."""

from dataclasses import dataclass
from datetime import timedelta

from whenever import Instant

# Longer waits asked for by a receiver are treated as this one.
LONGEST_RETRY_AFTER = timedelta(hours=24)
# The last attempt is planned this long (real time) before `deliver_by`: it must be fetched and sent in time.
LAST_CHANCE = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Backoff:
    """The ceiling of the wait after attempt n is `first * 2 ** (n - 1)`, never more than `longest`."""

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(hours=1)

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
