"""Makes the months to come and lets go of those that are over; one replica at a time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from typing import Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from delivery_service.domain.retention import Month, days_kept, is_over, months_wanted, over_before
from delivery_service.store import partitions, retention

log = structlog.get_logger()

INTERVAL_SECONDS: Final = 60.0
# Of what a pass finds it does a part and comes back soon: others work on the same tables.
AGAIN_SECONDS: Final = 1.0
MONTHS_AT_ONCE: Final = 3
BATCH: Final = 500
BATCHES_AT_ONCE: Final = 10

LATE = Counter(
    "redletter_delivery_partitions_late_total",
    "Months that no worker had made ahead, so that the writer of their first message had to.",
)
UNCLAIMED = Counter(
    "redletter_delivery_unclaimed_total", "Messages that nobody claimed until their retention was over."
)
FORGOTTEN = Counter(
    "redletter_delivery_messages_forgotten_total",
    "Messages deleted because their tenant keeps them for a shorter time than others; dropped months not counted.",
)
DROPPED = Counter("redletter_delivery_partitions_dropped_total", "Months that were dropped.")


def made_late(months: Sequence[Month]) -> None:
    """Say aloud that a writer met months that nobody had made."""
    LATE.inc(len(months))
    log.error("partitions.late", months=[str(month) for month in months])


class Retention:
    """Looks once a minute; `default_days` is for tenants that have decided nothing."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, default_days: int) -> None:
        self._engine = engine
        self._clock = clock
        self._default = default_days
        self._batches = 0
        self._told: set[Month] = set()
        self._loop = Loop("retention", self.sweep, interval=INTERVAL_SECONDS)

    async def sweep(self) -> float | None:
        """Do a part of what there is to do; returns how soon there is more."""
        async with self._engine.connect() as opened:
            connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
            if not await retention.take_turn(connection):
                return None
            try:
                return AGAIN_SECONDS if await self._work(connection) else None
            finally:
                # Also when the work ended early: the turn is the session's, which the pool keeps.
                await self._give_turn(connection)

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking; a statement under way comes to its end or is finished by the next replica."""
        await self._loop.stop()

    async def _give_turn(self, connection: AsyncConnection) -> None:
        try:
            await retention.give_turn(connection)
        except BaseException:
            await connection.invalidate()
            raise

    async def _work(self, connection: AsyncConnection) -> bool:
        """Return whether there is more to do."""
        today = self._clock.now().to_stdlib().date()
        there = await partitions.attached(connection, "messages")
        missing = [month for month in months_wanted(today) if month not in there]
        if missing:
            await partitions.make(self._engine, missing[:MONTHS_AT_ONCE])
        for month in await retention.left_over(connection):
            await self._drop(connection, month)
        self._batches = BATCHES_AT_ONCE
        kept = await retention.kept(connection)
        await self._end_unclaimed(connection, kept, today)
        for month in there:
            await self._let_go(connection, month, kept=kept, today=today)
        return len(missing) > MONTHS_AT_ONCE or self._batches <= 0

    async def _end_unclaimed(self, connection: AsyncConnection, kept: dict[str, int], today: date) -> None:
        for tenant_id in await retention.readers(connection):
            before = over_before(today, days_kept(kept.get(tenant_id, 0), self._default))
            ended = await self._batched(
                partial(retention.end_unclaimed, self._engine, tenant_id, before, now=self._clock.now())
            )
            if ended:
                UNCLAIMED.inc(ended)
                log.warning("messages.unclaimed", tenant_id=tenant_id, count=ended, before=str(before))

    async def _let_go(
        self, connection: AsyncConnection, month: Month, *, kept: dict[str, int], today: date
    ) -> None:
        shortest = min(days_kept(own, self._default) for own in (0, *kept.values()))
        if month.first >= over_before(today, shortest):
            return  # over for nobody
        tenants = await retention.tenants(connection, month)
        if not is_over(month, tenants, kept, default=self._default, today=today):
            for tenant_id in tenants:
                await self._forget(tenant_id, month, kept.get(tenant_id, 0), today=today)
            return
        why = await retention.needed(connection, month, now=self._clock.now())
        if not why:
            await self._drop(connection, month)
        elif month not in self._told:
            self._told.add(month)
            log.info("partition.kept", month=str(month), why=why)

    async def _forget(self, tenant_id: str, month: Month, own: int, *, today: date) -> None:
        before = over_before(today, days_kept(own, self._default))
        # Whose days are the deployment's waits for the month to be dropped; row by row only when others keep it.
        if before <= month.first or (not own and before <= month.last):
            return
        gone = await self._batched(
            partial(retention.delete, self._engine, tenant_id, month, before=before, now=self._clock.now())
        )
        if gone:
            FORGOTTEN.inc(gone)
            log.info("messages.forgotten", tenant_id=tenant_id, count=gone, before=str(before))

    async def _drop(self, connection: AsyncConnection, month: Month) -> None:
        put_back = await retention.drop(connection, self._engine, month)
        DROPPED.inc()
        log.info("partition.dropped", month=str(month), put_back=put_back)

    async def _batched(self, step: Callable[..., Awaitable[int]]) -> int:
        """Repeat a step until it finds no more, or until this pass has done enough; return how many rows."""
        done = 0
        while self._batches > 0:
            found = await step(size=BATCH)
            done += found
            if found < BATCH:
                break
            self._batches -= 1
        return done
