"""Which shards of due plans this replica works on: Redis locks with a lease, shared fairly.

Without Redis every replica works on all shards; `SKIP LOCKED` and the compare-and-set of the
decision keep that correct, only slower, and the metric and the log say it aloud.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis, RedisCluster

from chassis.loops import Loop
from chassis.redis_client import REDIS_ERRORS
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


class Shards:
    """This replica's claim; `changed` is called whenever the set of shards is another one."""

    def __init__(
        self,
        replica_id: str,
        redis: "Redis | RedisCluster | None",
        *,
        eligible: Callable[[], bool] = lambda: True,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._replica_id = replica_id
        self._redis = redis
        self._eligible = eligible
        self._changed = changed
        self._held: tuple[int, ...] = ()
        self._until = 0.0
        self.redis_available = redis is not None
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
        if self._redis is None:
            return {}
        try:
            books: Any = await self._redis.hgetall(_HOLDERS)
        except REDIS_ERRORS:
            return {}
        found: dict[str, list[int]] = {}
        for shard, entry in books.items():
            found.setdefault(entry.partition("|")[2], []).append(int(shard))
        return {holder: sorted(shards) for holder, shards in sorted(found.items())}

    async def start(self) -> None:
        """Begin to claim."""
        await self._loop.start()

    async def stop(self) -> None:
        """Give every shard back at once."""
        await self._loop.stop()
        await self._leave()
        self._set(())

    async def _ask(self) -> tuple[int, ...]:
        if self._redis is None:
            WITHOUT_REDIS.set(1)
            return _ALL
        try:
            shards = tuple(await self._turn(""))
        except REDIS_ERRORS as error:
            self._note(available=False, why=type(error).__name__)
            return _ALL
        self._note(available=True, why="")
        return shards

    async def _leave(self) -> None:
        if self._redis is not None and self._held:
            try:
                await self._turn("leaving")
            except REDIS_ERRORS:
                log.info("shards.not_returned")  # the lease runs out by itself

    async def _turn(self, leaving: str) -> Any:
        assert self._redis is not None
        return await self._redis.eval(
            _SCRIPT, 2, _REPLICAS, _HOLDERS, self._replica_id, int(LEASE_SECONDS * 1000), SHARDS, leaving
        )

    def _set(self, shards: tuple[int, ...]) -> None:
        if shards != self._held:
            self._held = shards
            HELD.set(len(shards))
            log.info("shards.claimed", count=len(shards))
            self._changed()

    def _note(self, *, available: bool, why: str) -> None:
        WITHOUT_REDIS.set(0 if available else 1)
        if available != self.redis_available:
            self.redis_available = available
            if available:
                log.info("redis.returned")
            else:
                log.warning("redis.lost", why=why, effect="claims go on by SKIP LOCKED, slower")
