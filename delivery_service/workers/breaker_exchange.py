"""Exchanges, each second, what the replicas count for their breakers."""

from chassis.loops import Loop
from delivery_service.coordination.breaker_counts import BreakerCounts
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.replica_lease import ReplicaLease

EXCHANGE_SECONDS = 1.0


class BreakerExchange:
    """Publishes the windows that changed; after Redis forgot everything, all of them."""

    def __init__(self, counts: BreakerCounts, lease: ReplicaLease, breakers: Breakers) -> None:
        self._counts = counts
        self._lease = lease
        self._breakers = breakers
        self._loop = Loop("breaker_exchange", self.exchange, interval=EXCHANGE_SECONDS)

    async def exchange(self) -> None:
        """Take one turn; a second one at once when Redis has forgotten what was said."""
        if not await self._turn(whole=False):
            return
        await self._turn(whole=True)

    async def start(self) -> None:
        """Begin to exchange."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop; what was said ends by itself after a window."""
        await self._loop.stop()

    async def _turn(self, *, whole: bool) -> bool:
        replica = self._lease.number
        if replica is None:
            return False
        own = self._breakers.unpublished(whole=whole)
        heard = await self._counts.publish(replica, own)
        if heard is None:
            return False
        self._breakers.heard(own, heard.others)
        return heard.forgotten
