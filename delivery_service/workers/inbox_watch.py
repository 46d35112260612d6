"""Says how much waits in the inboxes and since when."""

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.loops import Loop
from delivery_service.store.inbox_depth import depth
from delivery_service.workers.observations import INBOX_OLDEST, INBOX_UNCLAIMED

COUNT_SECONDS = 15.0


class InboxWatch:
    """Counts every 15 s; each replica finds the same."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock
        self._loop = Loop("inbox_watch", self.count, interval=COUNT_SECONDS)

    async def count(self) -> None:
        """Count once."""
        found = await depth(self._engine)
        INBOX_UNCLAIMED.set(found.messages)
        age = (self._clock.now().to_stdlib() - found.oldest).total_seconds() if found.oldest else 0.0
        INBOX_OLDEST.set(max(0.0, age))

    async def start(self) -> None:
        """Begin to count."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop counting."""
        await self._loop.stop()
