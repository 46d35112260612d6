"""What the replicas tell each other about the attempts of the last seconds, through Redis.

Without Redis every replica goes on with its own counts; the metric and the log say it aloud.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis, RedisCluster

from chassis.redis_client import REDIS_ERRORS, answer, circuit
from delivery_service.domain.breakers import Counts
from delivery_service.domain.deliveries import LaneKey

log = structlog.get_logger()

WITHOUT_REDIS = Gauge(
    "redletter_delivery_breakers_without_redis",
    "1 while breakers open by this replica's own counts only.",
)

# One call holds Redis for about a millisecond.
_AT_ONCE = 200
_SCRIPT = (Path(__file__).parent / "publish_breaker_counts.lua").read_text()
_PREFIX = "redletter:{breakers}"  # one slot of a cluster: a call has many keys
_EFFECT = "each replica opens breakers by its own counts"


@dataclass(frozen=True)
class Own:
    """What this replica counted in the window of an endpoint."""

    counts: Counts
    window: timedelta


@dataclass(frozen=True)
class Heard:
    """What the other replicas counted together; `forgotten` when Redis has lost what was said before."""

    others: Mapping[LaneKey, Counts]
    forgotten: bool


class BreakerCounts:
    """Says what this replica counted and hears the rest."""

    def __init__(self, redis: "Redis | RedisCluster | None") -> None:
        self._redis = redis
        self._circuit = circuit("breaker_counts")
        self._mark = ""
        self.available = True

    async def publish(self, replica: int, own: Mapping[LaneKey, Own]) -> Heard | None:
        """Say these windows and return the others' of the same endpoints; None without Redis."""
        if self._redis is None:
            self._note(available=False, why="REDLETTER_REDIS_URL is not set")
            return None
        others: dict[LaneKey, Counts] = {}
        mark = ""
        try:
            for part in _parts(own):
                mark = await self._turn(self._redis, replica, part, others)
        except REDIS_ERRORS as error:
            self._note(available=False, why=type(error).__name__)
            return None
        self._note(available=True, why="")
        forgotten, self._mark = mark != self._mark, mark
        return Heard(others, forgotten)

    async def _turn(
        self,
        redis: "Redis | RedisCluster",
        replica: int,
        own: Mapping[LaneKey, Own],
        others: dict[LaneKey, Counts],
    ) -> str:
        keys = [f"{_PREFIX}:mark", *(f"{_PREFIX}:{key.tenant_id}/{key.endpoint_id}" for key in own)]
        said: list[int] = []
        for one in own.values():
            said += [*one.counts, int(one.window.total_seconds() * 1000)]
        words = (*keys, str(replica), secrets.token_hex(8), *map(str, said))
        found: Any = await self._circuit.call(lambda: answer(redis.eval(_SCRIPT, len(keys), *words)))
        numbers = iter(found[1:])
        for key, attempts, failures in zip(own, numbers, numbers, strict=True):
            others[key] = Counts(attempts, failures)
        return str(found[0])

    def _note(self, *, available: bool, why: str) -> None:
        WITHOUT_REDIS.set(not available)
        if available == self.available:
            return
        self.available = available
        if available:
            log.info("redis.returned", effect="replicas share their counts again")
        else:
            log.warning("redis.lost", why=why, effect=_EFFECT)


def _parts(own: Mapping[LaneKey, Own]) -> Iterator[dict[LaneKey, Own]]:
    """Yield `own` in parts; one that is empty when nothing is, so that a loss of Redis is noticed also then."""
    entries = iter(own.items())
    yield dict(islice(entries, _AT_ONCE))
    while part := dict(islice(entries, _AT_ONCE)):
        yield part
