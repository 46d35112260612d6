"""What holds deciding back, as this replica last saw it. Being behind is harmless: the decision asks the store."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.store import controls
from scheduler_service.store.controls import Guard

PAUSED = Gauge("redletter_scheduler_paused", "1 while an operator has paused deciding.")
GUARDED = Gauge("redletter_scheduler_guarded", "1 while guard mode holds plans back.")


class Controls:
    """Read at every look at what is due."""

    def __init__(self) -> None:
        self.paused = False
        self.guard: Guard | None = None

    async def load(self, connection: AsyncConnection) -> None:
        """Read them again."""
        found = await controls.get(connection)
        # Of a PostgreSQL that is not recognised nothing would be decided either.
        self.paused = found.paused or not found.recognised
        self.guard = found.guard
        PAUSED.set(found.paused)
        GUARDED.set(found.guard is not None)
