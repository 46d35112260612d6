"""PostgreSQL's circuit: while it does not answer, calls are told so at once, and one of us tries it out.

Without it every call would wait for the pool's timeout or for its own deadline. A call is never the probe: it
would be the one to wait. Loops need no circuit: one that fails pauses longer each time by itself.
"""

import asyncio

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.circuits import Circuit, CircuitOpen, CircuitPolicy, CircuitState
from chassis.database import AWAY, is_away, ping
from chassis.loops import Loop

# Longer than any pause of a busy loop or a full pool, shorter than readiness waits.
PING_SECONDS = 2.5
WATCH_SECONDS = 0.1


class DatabaseGuard:
    """Keeps the circuit; `answers` is a check of readiness, `circuit` is what a port needs."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.circuit = Circuit("postgresql", counts=is_away, policy=CircuitPolicy(failures=4))
        self._loop = Loop("database", self.watch, interval=WATCH_SECONDS)

    async def answers(self) -> bool:
        """Return whether PostgreSQL answers; not asked while the circuit is open."""
        try:
            await self.circuit.call(self._ping)
        except (CircuitOpen, SQLAlchemyError, *AWAY):
            return False
        return True

    async def watch(self) -> None:
        """Try once whether it is back, if it was away."""
        if self.circuit.state is not CircuitState.CLOSED:
            await self.answers()

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self._loop.stop()

    async def _ping(self) -> None:
        async with asyncio.timeout(PING_SECONDS):
            await ping(self._engine)
