"""Measures how much the scheduler has not applied yet, also while nobody asks for it."""

from prometheus_client import Gauge

from chassis.loops import Loop
from user_service.store.changes import Changes

PENDING = Gauge(
    "redletter_user_changes_pending",
    "Changes of users and tenants that the scheduler has not acknowledged; above 10,000 an estimate.",
)
INTERVAL_SECONDS = 5.0


class Backlog:
    """Keeps the gauge `redletter_user_changes_pending`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._loop = Loop("backlog", self.measure, interval=INTERVAL_SECONDS)

    async def measure(self) -> None:
        """Measure once."""
        PENDING.set(await self._changes.backlog())

    async def start(self) -> None:
        """Begin to measure."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop measuring."""
        await self._loop.stop()
