"""Which shards of due plans this replica works on: Redis locks with a lease, shared fairly.

Without Redis every replica works on all shards; `SKIP LOCKED` and the compare-and-set of the
decision keep that correct, only slower, and the metric and the log say it aloud.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis, RedisCluster

from chassis.loops import Loop
from chassis.redis_client import REDIS_ERRORS, answer, circuit
from scheduler_service.domain.ids import SHARDS

log = structlog.get_logger()

LEASE_SECONDS = 2.4
RENEW_SECONDS = 0.4

HELD = Gauge("redletter_scheduler_shards_held", "Shards of due plans that this replica works on.")
WITHOUT_REDIS = Gauge(
    "redletter_scheduler_without_redis", "1 while claims go on without Redis, by SKIP LOCKED on all shards."
)

_SCRIPT = (Path(__file__).parent / "claim_shards.lua").read_text()
_REPLICAS, _HOLDERS = "redletter:{shards}:replicas", "redletter:{shards}:holders"
_ALL = tuple(range(SHARDS))
_EFFECT = "claims go on by SKIP LOCKED, slower"


class Shards:
    """This replica's claim.

    `changed` is called whenever the set of shards is another one; `told` at the start and whenever
    Redis went away or came back, with whether it is there.
    """

    def __init__(
        self,
        replica_id: str,
        redis: "Redis | RedisCluster | None",
        *,
        eligible: Callable[[], bool] = lambda: True,
        changed: Callable[[], None] = lambda: None,
        told: Callable[[bool], Awaitable[None]] | None = None,
    ) -> None:
        self._replica_id = replica_id
        self._redis = redis
        self._eligible = eligible
        self._changed = changed
        self._told = told
        self._held: tuple[int, ...] = ()
        self._until = 0.0
        self.redis_available = redis is not None
        # Without it every turn would wait for a Redis that hangs, twice as long as from turn to turn.
        self._circuit = circuit("shards")
        self._loop = Loop("shards", self.claim, interval=RENEW_SECONDS)

    def held(self) -> tuple[int, ...]:
        """Return the shards to work on; none once the lease, on the monotonic clock, has run out."""
        return self._held if time.monotonic() < self._until else ()

    async def claim(self) -> float | None:
        """Take one turn at the shards."""
        asked = time.monotonic()
        if not self._eligible():
            await self._leave()
            self._set(())
            return None
        self._set(await self._ask())
        self._until = asked + LEASE_SECONDS
        return None

    async def holders(self) -> dict[str, list[int]]:
        """Return who holds which shards, as Redis has it; empty without Redis."""
        redis = self._redis
        if redis is None or not self.redis_available:
            return {}
        try:
            books: Any = await self._circuit.call(lambda: answer(redis.hgetall(_HOLDERS)))
        except REDIS_ERRORS:
            return {}
        found: dict[str, list[int]] = {}
        for shard, entry in books.items():
            found.setdefault(entry.partition("|")[2], []).append(int(shard))
        return {holder: sorted(shards) for holder, shards in sorted(found.items())}

    async def start(self) -> None:
        """Begin to claim."""
        WITHOUT_REDIS.set(self._redis is None)
        if self._redis is None:
            log.warning("redis.lost", why="REDLETTER_REDIS_URL is not set", effect=_EFFECT)
        await self._tell()
        await self._loop.start()

    async def stop(self) -> None:
        """Give every shard back at once."""
        await self._loop.stop()
        await self._leave()
        self._set(())

    async def _ask(self) -> tuple[int, ...]:
        if self._redis is None:
            return _ALL
        try:
            shards = tuple(await self._turn(""))
        except REDIS_ERRORS as error:
            await self._note(available=False, why=type(error).__name__)
            return _ALL
        await self._note(available=True, why="")
        return shards

    async def _leave(self) -> None:
        if self._redis is not None and self._held:
            try:
                await self._turn("leaving")
            except REDIS_ERRORS:
                log.info("shards.not_returned")  # the lease runs out by itself

    async def _turn(self, leaving: str) -> Any:
        redis = self._redis
        assert redis is not None
        lease = int(LEASE_SECONDS * 1000)
        return await self._circuit.call(
            lambda: answer(
                redis.eval(_SCRIPT, 2, _REPLICAS, _HOLDERS, self._replica_id, lease, SHARDS, leaving)
            )
        )

    def _set(self, shards: tuple[int, ...]) -> None:
        if shards != self._held:
            self._held = shards
            HELD.set(len(shards))
            log.info("shards.claimed", count=len(shards))
            self._changed()

    async def _note(self, *, available: bool, why: str) -> None:
        WITHOUT_REDIS.set(not available)
        if available == self.redis_available:
            return
        self.redis_available = available
        if available:
            log.info("redis.returned")
        else:
            log.warning("redis.lost", why=why, effect=_EFFECT)
        await self._tell()

    async def _tell(self) -> None:
        if self._told is not None:
            await self._told(self.redis_available)
