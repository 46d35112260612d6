"""What waits, as metrics: read from the store by the leader, so that the sum over replicas is right."""

import time
from typing import Final

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.leadership import Leadership
from scheduler_service.store import handovers, parked, plans

INTERVAL_SECONDS: Final = 5.0
COST_SHARE: Final = 50
"""Counting takes about a fiftieth of the time at most: a long backlog is counted less often."""

PLANS = Gauge("redletter_scheduler_plans_open", "Open plans; an estimate above 10,000. The leader says it.")
DUE = Gauge(
    "redletter_scheduler_backlog_plans",
    "Plans that are due and not decided, of each tenant at most 100,000. The leader says it.",
)
FORECAST_SECONDS: Final = 600.0
"""Real seconds: as long as a cluster may need to bring more replicas."""

COMING = Gauge(
    "redletter_scheduler_forecast_plans",
    "Plans that fall due within ten minutes, of each tenant at most 100,000. The leader says it.",
)
OLDEST = Gauge(
    "redletter_scheduler_backlog_age_seconds",
    "Business seconds since the oldest undecided plan fell due. The leader says it.",
)
WAITING = Gauge(
    "redletter_scheduler_handovers_waiting", "Hand-overs that delivery has not answered. The leader says it."
)
PARKED = Gauge("redletter_scheduler_parked_people", "People who cannot be planned yet. The leader says it.")


class Gauges:
    """Reads the figures every five seconds, when that takes long less often; a follower says zero."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, leadership: Leadership) -> None:
        self._engine = engine
        self._clock = clock
        self._leadership = leadership

    async def iterate(self) -> float:
        """Read once; return the seconds until the next time."""
        began = time.monotonic()
        figures: tuple[float, ...] = (0, 0, 0, 0, 0, 0)
        if self._leadership.leads:
            figures = await self._read()
        for gauge, value in zip((PLANS, DUE, COMING, OLDEST, WAITING, PARKED), figures, strict=True):
            gauge.set(value)
        return max(INTERVAL_SECONDS, COST_SHARE * (time.monotonic() - began))

    async def _read(self) -> tuple[float, ...]:
        now = self._clock.now()
        async with self._engine.connect() as connection:
            plans_open, due, oldest = await plans.figures(connection, now=now)
            ahead = now.add(seconds=FORECAST_SECONDS * self._clock.speed)
            coming = await plans.coming(connection, now=now, until=ahead)
            waiting = await handovers.waiting(connection)
            aside = await parked.count(connection)
        age = 0.0 if oldest is None else (now - oldest).total("seconds")
        return plans_open, due, coming, age, waiting, aside
