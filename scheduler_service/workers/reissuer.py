"""The leader's work on re-issues of many events: page by page, at the rate that was asked for."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.errors import RedletterError
from chassis.leadership import Leadership
from chassis.operations import store as operations
from chassis.operations.operation import Operation, OperationState
from chassis.transactions import settled
from scheduler_service.domain.operations import REISSUE_EVENTS
from scheduler_service.store import events, requested_events
from scheduler_service.store.event_requests import hashed
from scheduler_service.store.reissues import Reissue, draft_of_reissue, key_of, position_at, reissue_of
from scheduler_service.store.requested_events import REQUESTED, Made

log = structlog.get_logger()

INTERVAL_SECONDS: Final = 1.0
_OPERATIONS: Final = 100
_PAGES_PER_SECOND: Final = 10


class Reissuer:
    """Works off `reissue_events`, the operations of all tenants in turn; `created` is told of new events.

    A page and the place it ends at are one transaction, and a new event's instance is made of the
    operation and the original: after a crash nothing is left out and nothing issued twice.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        key: bytes,
        leadership: Leadership,
        created: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._leadership = leadership
        self._created = created
        self._next: dict[uuid.UUID, float] = {}

    async def iterate(self) -> float | None:
        """Issue one page again, of the operation whose turn it is; return the seconds until the next turn."""
        if not self._leadership.leads:
            self._next.clear()
            return None
        async with self._engine.connect() as connection:
            waiting = await operations.open_of_kind(connection, REISSUE_EVENTS, size=_OPERATIONS)
        self._next = {one.operation_id: self._next.get(one.operation_id, 0.0) for one in waiting}
        if not waiting:
            return None
        chosen = min(waiting, key=lambda one: self._next[one.operation_id])
        now = time.monotonic()
        if self._next[chosen.operation_id] > now:
            return self._next[chosen.operation_id] - now
        reissue = reissue_of(chosen)
        size = max(1, reissue.max_per_second // _PAGES_PER_SECOND)
        # Before the attempt: one that cannot go on must not keep the others from their turn.
        self._next[chosen.operation_id] = now + size / reissue.max_per_second
        await self._turn(chosen, reissue, size)
        return 0

    async def _turn(self, chosen: Operation, reissue: Reissue, size: int) -> None:
        async def work(connection: AsyncConnection) -> int:
            return await self._page(connection, chosen, reissue, size)

        made = await settled(self._engine, work)
        if made:
            REQUESTED.labels("reissue").inc(made)
            self._created()

    async def _page(self, connection: AsyncConnection, chosen: Operation, reissue: Reissue, size: int) -> int:
        """Issue the next events again; return how many came to be."""
        await self._leadership.fence(connection)
        operation = await operations.get(connection, chosen.tenant_id, chosen.operation_id, lock=True)
        if operation is None or operation.state not in (OperationState.PENDING, OperationState.RUNNING):
            return 0
        rows = await events.page(
            connection, operation.tenant_id, reissue.asked, after=key_of(operation), size=size
        )
        answers = await self._again(connection, operation, reissue, rows)
        made = [answer for answer in answers if isinstance(answer, Made)]
        now = self._clock.now()
        if rows:
            await operations.progress(
                connection,
                operation.operation_id,
                now=now,
                done=operation.done + len(rows),
                succeeded=operation.succeeded + len(made),
                failed=operation.failed + len(rows) - len(made),
                position=position_at((rows[-1]["due_time"], rows[-1]["event_id"])),
            )
        if len(rows) < size:
            await operations.finish(connection, operation.operation_id, now=now)
        log.info(
            "events.reissued",
            operation_id=str(operation.operation_id),
            reissued=len(made),
            refused=len(rows) - len(made),
            over=len(rows) < size,
        )
        return sum(one.created for one in made)

    async def _again(
        self,
        connection: AsyncConnection,
        operation: Operation,
        reissue: Reissue,
        rows: Sequence[Mapping[str, Any]],
    ) -> list[Made | RedletterError]:
        now = self._clock.now()
        drafts = [
            draft_of_reissue(
                row,
                instance=f"{operation.operation_id}:{row['event_id']}",
                reason=reissue.reason,
                body_hash=hashed("reissue_events", {}),
                now=now,
            )
            for row in rows
        ]
        if not drafts:
            return []
        return await requested_events.make(connection, self._key, operation.tenant_id, drafts, now=now)
