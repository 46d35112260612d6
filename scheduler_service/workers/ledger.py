"""The leader's books: once a date is over everywhere, its balance is computed, signed and kept."""

import time
from typing import Final

import orjson
import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Date, Instant

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.domain.ledger import Difference, Why
from scheduler_service.store import ledger as store
from scheduler_service.workers.balances import OVER_AFTER, Balance, Ledgers, Peer, midnight

__all__ = ["INTERVAL_SECONDS", "DailyLedger", "Ledgers", "Peer", "as_json"]

log = structlog.get_logger()

INTERVAL_SECONDS: Final = 5.0
CAUGHT_UP_DAYS: Final = 7
"""How many days back a missing balance is made up for after a downtime."""
KEPT_IN_SIGHT_DAYS: Final = 35
RESTED_SECONDS: Final = 60.0
"""How long the leader trusts that every balance of a date is kept: a new tenant may have come since."""
_WAITING: Final = 100

DIFFERENCE = Gauge(
    "redletter_scheduler_ledger_difference",
    "Differences that nothing accounts for in the daily balances of the last 35 days. The leader says it.",
)
LAST = Gauge(
    "redletter_scheduler_ledger_last_day_timestamp_seconds",
    "Begin (UTC) of the newest date with a stored balance. The leader says it.",
)


class DailyLedger:
    """The leader keeps the balance of every date that is over, one tenant at a time."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, *, ledgers: Ledgers, leadership: Leadership
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ledgers = ledgers
        self._leadership = leadership
        self._failed: set[tuple[str, Date]] = set()
        self._complete: tuple[Date | None, float] = (None, 0.0)

    async def iterate(self) -> float | None:
        """Balance one tenant and date of those that are over and have none; 0 when another may wait."""
        if not self._leadership.leads:
            DIFFERENCE.set(0)
            LAST.set(0)
            self._complete = (None, 0.0)
            return None
        on = last_over(self._clock.now())
        if self._complete[0] == on and time.monotonic() < self._complete[1]:
            return None
        found = await self._next(on)
        if found is None:
            return None
        # If this one cannot be computed the others must not wait for it.
        self._failed.add(found)
        await self._keep(await self._ledgers.compute(*found))
        self._failed.discard(found)
        return 0

    async def _next(self, on: Date) -> tuple[str, Date] | None:
        async with self._engine.connect() as connection:
            dates = [on.subtract(days=ago) for ago in range(CAUGHT_UP_DAYS + 1)]
            waiting = await store.unbalanced(connection, dates, size=_WAITING)
            total, last = await store.totals(connection, since=on.subtract(days=KEPT_IN_SIGHT_DAYS))
        DIFFERENCE.set(total)
        LAST.set(0 if last is None else midnight(last).timestamp())
        fresh = [one for one in waiting if one not in self._failed]
        if not fresh:
            self._failed.clear()
        if not waiting and last is not None:
            self._complete = (on, time.monotonic() + RESTED_SECONDS)
        return next(iter(fresh or waiting), None)

    async def _keep(self, balance: Balance) -> None:
        body = as_json(balance)
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            await store.put(
                connection,
                balance.tenant_id,
                balance.on,
                difference=balance.difference,
                body=orjson.dumps(body).decode(),
                signature=self._ledgers.sign(body),
                computed=balance.computed.to_stdlib(),
            )
        say = log.error if balance.difference else log.info
        say(
            "ledger.balanced",
            tenant_id=balance.tenant_id,
            date=str(balance.on),
            difference=balance.difference,
            expected=balance.expected.left,
            sent=balance.sent.left,
            ids=[d.event_id for d in _unaccounted(balance)[:20]],
        )


def as_json(balance: Balance) -> dict[str, object]:
    """Return what is stored and signed of a balance: all it says, and the first differences."""
    return {
        "tenant_id": balance.tenant_id,
        "date": str(balance.on),
        "compute_time": balance.computed.to_stdlib().isoformat(),
        "closed": balance.closed,
        "difference": balance.difference,
        "expected": [balance.expected.left, balance.expected.right, balance.expected.difference],
        "sent": [balance.sent.left, balance.sent.right, balance.sent.difference],
        "outcomes": [balance.outcomes.left, balance.outcomes.right, balance.outcomes.difference],
        "ended": dict(balance.ended),
        "message_outcomes": dict(balance.message_outcomes),
        "differences": [[d.event_id, str(d.why), d.text] for d in _unaccounted(balance)[:100]],
    }


def last_over(now: Instant) -> Date:
    """Return the newest date that is over everywhere."""
    return Date((now.to_stdlib() - OVER_AFTER).date())


def _unaccounted(balance: Balance) -> list[Difference]:
    found = (*balance.expected.differences, *balance.sent.differences, *balance.outcomes.differences)
    return [d for d in found if d.why is not Why.CHANGED_SINCE]
