"""This replica's lease: one row renewed each second, checked on the monotonic clock before each POST.

The lease belongs to the replica, not to the row: a slow lane outlives any row's lease, and the next
owner would send what this one still holds.
"""

import time
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.loops import Loop
from delivery_service.store import queue, replicas

log = structlog.get_logger()

RENEW_SECONDS = 1.0
# A replica stops sending this long before the others may take over, so that no two clocks need to agree.
MARGIN_SECONDS = 1.0


class ReplicaLease:
    """The number under which this replica owns rows, and for how long it may act on it."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, replica_id: str, *, lease_seconds: float
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._replica_id = replica_id
        self._lease_seconds = lease_seconds
        self._lost: Callable[[], Sequence[tuple[str, str]]] = _nothing
        self._renewed: Callable[[], None] = _nobody
        self._informed: Callable[[], bool] = _always
        self._until = 0.0
        self.number: int | None = None
        self.term = 0
        """Changes whenever there was a gap: what was read in an earlier term may be out of date."""
        interval = min(RENEW_SECONDS, (lease_seconds - MARGIN_SECONDS) / 3)
        self._loop = Loop("replica_lease", self.renew, interval=interval)

    def tell(self, *, lost: Callable[[], Sequence[tuple[str, str]]], renewed: Callable[[], None]) -> None:
        """Call `lost` when the lease had a gap, `renewed` after each renewal.

        `lost` drops the rows that wait in memory and returns their (event id, endpoint id).
        """
        self._lost = lost
        self._renewed = renewed

    def require(self, informed: Callable[[], bool]) -> None:
        """Let nothing be sent while `informed` is false: what came to an end may not be known here."""
        self._informed = informed

    @property
    def valid(self) -> bool:
        """Whether this replica may send: what it owns is certainly still its own, and it knows what was stopped."""
        return self._certain and self._informed()

    @property
    def _certain(self) -> bool:
        return self.number is not None and time.monotonic() < self._until

    async def renew(self) -> None:
        """Prolong the lease, or register anew when there is none."""
        if self.number is None:  # nothing is sent or expired before PostgreSQL's time is known
            await self._clock.synchronise(self._engine)
        began = time.monotonic()
        async with unit_of_work(self._engine) as connection:
            number, lasting = self.number, self._lease_seconds
            if number is not None and not await replicas.renew(connection, number, lease_seconds=lasting):
                self._dismiss()
                number = None
            if number is not None and not self._certain:
                await self._lapse(connection, number)
            if number is None:
                number = await replicas.register(connection, self._replica_id, lease_seconds=lasting)
        self.number = number
        # Counted from before the statement: PostgreSQL cannot have started the lease earlier.
        self._until = began + lasting - MARGIN_SECONDS
        self._renewed()

    async def start(self) -> None:
        """Begin to renew; the first lease is taken with the first answer of PostgreSQL."""
        await self._loop.start()

    async def stop(self) -> None:
        """Give every row back and leave, so that the others go on at once."""
        await self._loop.stop()
        number, self.number = self.number, None
        if number is None:
            return
        async with unit_of_work(self._engine) as connection:
            # The replica first, then its rows: as a take-over, which may come at the same moment.
            await replicas.remove(connection, [number])
            given_back = await queue.release_all(connection, [number], in_doubt=True)
        log.info("replica.left", number=number, given_back=given_back)

    async def hand_back(self) -> int:
        """Give back what waits in memory and return how much; what is on the wire stays this replica's."""
        number, waiting = self.number, self._lost()
        if number is None or not waiting:
            return 0
        async with unit_of_work(self._engine) as connection:
            await queue.release(connection, number, waiting)
        return len(waiting)

    async def _lapse(self, connection: AsyncConnection, number: int) -> None:
        # Meanwhile stops were written that nobody here has read, and others were forgotten: what waited
        # is fetched again, which asks for its stops. Results of the outage keep their owner.
        self.term += 1
        waiting = self._lost()
        if waiting:
            await queue.release(connection, number, waiting)
        log.warning("replica.lapsed", number=number, given_back=len(waiting))

    def _dismiss(self) -> None:
        log.warning("replica.dismissed", number=self.number)
        self.number = None
        self._until = 0.0
        self.term += 1
        self._lost()


def _nobody() -> None:
    """Nobody has asked to be told."""


def _always() -> bool:
    """Nobody has required anything."""
    return True


def _nothing() -> Sequence[tuple[str, str]]:
    """Nobody has asked to be told."""
    return ()
