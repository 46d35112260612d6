"""Works off redeliveries and discardings of many: page by page, at the rate that was asked for.

There is no leader: whichever replica gets the operation's row goes on with it. A page and the place it ends at are
one transaction, and what a page has begun or discarded is settled and not found again: after a crash nothing is
left out and nothing done twice. When the next page may come is stored as well, so that any number of replicas
together keep to the rate.
"""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from chassis.operations import store as operations
from chassis.operations.operation import Operation
from chassis.transactions import settled
from delivery_service.domain.redeliveries import KINDS, Refusal
from delivery_service.domain.settlements import Settlement
from delivery_service.store import dead_letters, delivery_filters, redeliveries
from delivery_service.store.delivery_filters import Found
from delivery_service.store.redeliveries import Moment
from delivery_service.store.redelivery_operations import (
    Discarding,
    Redelivery,
    Task,
    position_of,
    stored,
    task_of,
)

log = structlog.get_logger()

REDELIVERIES = Counter(
    "redletter_delivery_redeliveries_total", "Deliveries asked to be sent again.", ["result"]
)
INTERVAL_SECONDS: Final = 1.0
_OPERATIONS: Final = 100
_PAGES_PER_SECOND: Final = 10
_LARGEST_PAGE: Final = 500
# Somebody else has the operation whose turn it is: its page takes about so long.
_BUSY_SECONDS: Final = 0.05


class Page(NamedTuple):
    """What one page did: items looked at, those that did what was asked, why the others did not; `over`: it was the last."""

    items: int
    succeeded: int
    refused: Tally[str]
    over: bool = False


class Redeliverer:
    """Does the operations of all tenants in turn; `released` is told when there is something to send."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, released: Callable[[], None]) -> None:
        self._engine = engine
        self._clock = clock
        self._released = released
        self._loop = Loop("redeliverer", self.iterate, interval=INTERVAL_SECONDS)

    def wake(self) -> None:
        """Look now."""
        self._loop.wake()

    async def start(self) -> None:
        """Begin to work."""
        await self._loop.start()

    async def stop(self) -> None:
        """End with the present page."""
        await self._loop.stop()

    async def iterate(self) -> float | None:
        """Do one page of the operation whose turn it is; return the seconds until the next turn."""
        waiting = await self._waiting()
        if not waiting:
            return None
        now = self._clock.real()
        due, chosen = min(waiting, key=lambda one: one[0])
        if due > now:
            return min(INTERVAL_SECONDS, (due - now).total("seconds"))
        page = await settled(self._engine, lambda connection: self._turn(connection, chosen))
        if page is None:
            return _BUSY_SECONDS
        task = task_of(chosen)
        _tell(chosen, task, page)
        if page.succeeded and isinstance(task, Redelivery):
            self._released()
        return 0

    async def _waiting(self) -> list[tuple[Instant, Operation]]:
        """Return the open operations, each with the real instant of its next page."""
        async with self._engine.connect() as connection:
            found = [
                one
                for kind in sorted(KINDS)
                for one in await operations.open_of_kind(connection, kind, size=_OPERATIONS)
            ]
        return [(position_of(one).next_time or Instant.MIN, one) for one in found]

    async def _turn(self, connection: AsyncConnection, chosen: Operation) -> Page | None:
        """Do the next page, and store it together with its place; None when it is not this replica's turn."""
        operation = await operations.claim(connection, chosen.operation_id)
        if operation is None:
            return None
        task, position, real = task_of(operation), position_of(operation), self._clock.real()
        if position.next_time is not None and position.next_time > real:
            return None
        size = _size(task)
        rows, end = await delivery_filters.page(
            connection, operation.tenant_id, task.asked, after=position.key, size=size
        )
        page = await self._page(connection, operation, task, rows) if rows else Page(0, 0, Tally())
        now = self._clock.now()
        position = position.moved(
            end or position.key, next_time=_next_time(task, real, len(rows)), refused=page.refused
        )
        await operations.progress(
            connection,
            operation.operation_id,
            now=now,
            done=operation.done + page.items,
            succeeded=operation.succeeded + page.succeeded,
            failed=operation.failed + page.items - page.succeeded,
            position=stored(position),
        )
        if end is None:
            await operations.finish(connection, operation.operation_id, now=now, error=position.sentence)
        return page._replace(over=end is None)

    async def _page(
        self, connection: AsyncConnection, operation: Operation, task: Task, rows: Sequence[Found]
    ) -> Page:
        if isinstance(task, Discarding):
            return await self._discarded(connection, operation, task, rows)
        moment = Moment(self._clock.now(), self._clock.real(), task.within)
        names = [(row.event_id, row.endpoint_id) for row in rows]
        judged = await redeliveries.redeliver(
            connection, operation.tenant_id, names, moment, on=_dates(rows), unsettled=True
        )
        refused = Tally(str(one.verdict) for one in judged if isinstance(one.verdict, Refusal))
        return Page(len(rows), len(rows) - refused.total(), refused)

    async def _discarded(
        self, connection: AsyncConnection, operation: Operation, task: Discarding, rows: Sequence[Found]
    ) -> Page:
        await dead_letters.lock(connection, _dates(rows))
        done = await dead_letters.settle(
            connection,
            operation.tenant_id,
            [(row.event_id, row.endpoint_id, row.round, row.occurrence_date) for row in rows],
            Settlement.DISCARDED,
            now=self._clock.now(),
            reason=task.reason,
        )
        missed = len(rows) - done
        return Page(len(rows), done, Tally({str(Refusal.SETTLED): missed} if missed else {}))


def _dates(rows: Sequence[Found]) -> dict[str, date]:
    return {row.event_id: row.occurrence_date for row in rows}


def told(*, begun: int, refused: int) -> None:
    """Count redeliveries."""
    REDELIVERIES.labels("begun").inc(begun)
    REDELIVERIES.labels("refused").inc(refused)


def _size(task: Task) -> int:
    if isinstance(task, Discarding):
        return _LARGEST_PAGE
    return min(_LARGEST_PAGE, max(1, task.max_per_second // _PAGES_PER_SECOND))


def _next_time(task: Task, real: Instant, items: int) -> Instant:
    """Return when the next page may come: the items of this one have used up so much of the rate."""
    if isinstance(task, Discarding):
        return real
    return real.add(seconds=items / task.max_per_second)


def _tell(operation: Operation, task: Task, page: Page) -> None:
    values = {
        "operation_id": str(operation.operation_id),
        "succeeded": page.succeeded,
        "refused": dict(page.refused),
        "over": page.over,
    }
    if isinstance(task, Discarding):
        log.info("dead_letters.discarded", **values)
        return
    told(begun=page.succeeded, refused=page.items - page.succeeded)
    log.info("deliveries.redelivered", **values)
