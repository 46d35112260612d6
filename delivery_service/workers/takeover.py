"""Rows whose owner is gone become everybody's again."""

from collections.abc import Callable

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.store import queue, replicas
from delivery_service.workers.replica_lease import ReplicaLease

log = structlog.get_logger()

TAKEOVER_SECONDS = 1.0
STRAY_SECONDS = 5.0


class TakeOver:
    """Releases what dead replicas own; any replica may do it."""

    def __init__(self, engine: AsyncEngine, lease: ReplicaLease, *, released: Callable[[], None]) -> None:
        self._engine = engine
        self._lease = lease
        self._released = released
        self._loop = Loop("takeover", self.take_over, interval=TAKEOVER_SECONDS)

    async def take_over(self) -> None:
        """Look once for replicas whose lease ran out."""
        if not self._lease.valid:
            return  # a replica in doubt about itself does not judge others
        async with unit_of_work(self._engine) as connection:
            dead = await replicas.lock_dead(connection, own=self._lease.number or 0)
            if not dead:
                return
            rows = await queue.release_all(connection, list(dead), in_doubt=True)
            await replicas.remove(connection, list(dead))
        log.warning("replica.taken_over", replicas=sorted(dead.values()), rows=rows)
        self._released()

    async def start(self) -> None:
        """Begin to look."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop looking."""
        await self._loop.stop()


class HandBack:
    """Gives back what waits in memory before the lanes wait for what is on the wire.

    A receiver that hangs may keep a stopping replica for seconds; what has not been sent need not wait for it.
    """

    def __init__(self, lease: ReplicaLease) -> None:
        self._lease = lease

    async def start(self) -> None:
        """Nothing to do: there is nothing yet to give back."""

    async def stop(self) -> None:
        """Give it back."""
        given_back = await self._lease.hand_back()
        log.info("deliveries.handed_back", given_back=given_back)


class Strays:
    """Releases rows that carry this replica's number but are not in its memory, and rows of replicas that are gone.

    They arise when a commit succeeded and its answer was lost, or came after a take-over. A row of our own must
    be seen twice, so that one on its way from the commit into memory is left alone.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        lease: ReplicaLease,
        *,
        holds: Callable[[str, str], bool],
        released: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._holds = holds
        self._released = released
        self._suspects: set[tuple[str, str]] = set()
        self._loop = Loop("strays", self.sweep, interval=STRAY_SECONDS)

    async def sweep(self) -> None:
        """Compare once; release what was a stray the last time as well."""
        number = self._lease.number
        if number is None or not self._lease.valid:
            return
        async with unit_of_work(self._engine) as connection:
            found = {key for key in await queue.owned(connection, number) if not self._holds(*key)}
            again, self._suspects = found & self._suspects, found
            if again:
                await queue.release(connection, number, sorted(again))
            gone = await queue.orphaned(connection)
            orphans = await queue.release_all(connection, gone) if gone else 0
        if again or orphans:
            log.warning("deliveries.released", strays=len(again), orphans=orphans)
            self._released()

    async def start(self) -> None:
        """Begin to sweep."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop sweeping."""
        await self._loop.stop()
