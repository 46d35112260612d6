"""The two clocks of DESIGN 1: business time decides, real time talks to the outside."""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

SECOND = 1_000_000_000

# Beyond this a replica's own real clock cannot be trusted with signatures and deadlines.
MAX_SKEW_SECONDS = 1.0


@dataclass(frozen=True)
class Lapse:
    """Time lapse: business time stands at `start` until the real instant `anchor`, then runs at `speed`."""

    start: Instant
    anchor: Instant
    speed: float = 1.0

    @classmethod
    def of(cls, start: datetime | None, anchor: datetime | None, speed: float) -> "Lapse | None":
        """Return the lapse that the three clock settings describe, or None for plain real time."""
        if start is None:
            return None
        begins = Instant(anchor) if anchor is not None else Instant.now()
        return cls(Instant(start), begins, speed)


def _at(nanos: int) -> Instant:
    # Whole microseconds: that is what PostgreSQL keeps, and what is stored must equal what was computed.
    return Instant.from_timestamp(nanos // 1000 * 1000, unit="nanosecond")


def _nanos(instant: Instant) -> int:
    return instant.timestamp(unit="nanosecond")


class BusinessClock:
    """PostgreSQL's time plus the monotonic time since, so that pods cannot disagree.

    In time lapse it is `start + (real - anchor) * speed`, and stands still before the anchor.
    """

    def __init__(self, lapse: Lapse | None = None) -> None:
        self._lapse = lapse
        self._offset = time.time_ns() - time.monotonic_ns()
        self.skew_seconds = 0.0

    @property
    def speed(self) -> float:
        """Business seconds per real second."""
        return self._lapse.speed if self._lapse else 1.0

    @property
    def trustworthy(self) -> bool:
        """Whether this machine's real clock is within a second of PostgreSQL's, round trip considered."""
        return abs(self.skew_seconds) <= MAX_SKEW_SECONDS

    def real(self) -> Instant:
        """Return the real instant, by PostgreSQL's clock."""
        return _at(time.monotonic_ns() + self._offset)

    def now(self) -> Instant:
        """Return the business instant."""
        real = time.monotonic_ns() + self._offset
        lapse = self._lapse
        if lapse is None:
            return _at(real)
        passed = max(0, real - _nanos(lapse.anchor))
        return _at(_nanos(lapse.start) + int(passed * lapse.speed))

    def real_seconds_until(self, instant: Instant) -> float:
        """Return the real seconds until business time reaches `instant`; zero or less when it has."""
        ahead = (_nanos(instant) - _nanos(self.now())) / SECOND / self.speed
        lapse = self._lapse
        if lapse is None:
            return ahead
        held = (_nanos(lapse.anchor) - _nanos(self.real())) / SECOND
        return ahead + max(0.0, held)

    async def synchronise(self, engine: AsyncEngine) -> None:
        """Take PostgreSQL's time over, and note how far this machine's own clock is from it."""
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))  # the round trip below must not include the connecting
            before = time.monotonic_ns()
            stamp = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
            after = time.monotonic_ns()
        remote = _nanos(Instant(stamp))
        self._offset = remote - (before + after) // 2
        away = abs(time.time_ns() - (time.monotonic_ns() + self._offset)) - (after - before)
        self.skew_seconds = max(0, away) / SECOND
