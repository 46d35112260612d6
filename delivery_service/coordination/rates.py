"""The rate that an endpoint allows, shared by all replicas through Redis, with a local budget in between.

Redis keeps a moving window per endpoint (`limits`); a replica takes a tenth of a second's worth at once and spends
it without asking. Without Redis, or while it does not answer, each replica takes its share: the rate divided by the
replicas that live. After a FLUSHALL a window begins anew: the second in which that happens may see twice the rate.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from prometheus_client import Counter
from redis.asyncio import Redis, RedisCluster

from chassis.loops import Loop
from chassis.redis_client import REDIS_ERRORS, answer, circuit
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.rates import SLICE_SECONDS, Window, pause_after, slice_of, window

log = structlog.get_logger()

RATE_WAITS = Counter("redletter_delivery_rate_waits_total", "Times a lane waited for its endpoint's rate.")

_PREFIX = "redletter:rates"
_EFFECT = "each replica takes its part of an endpoint's rate"
# So long after a failure nobody asks Redis: each asking may take most of a second.
_TRUST_AGAIN_SECONDS = 2.0
_COUNT_SECONDS = 2.0
_AT_ONCE = 16


@dataclass(slots=True)
class _Budget:
    """What is left of the last grant, until when, and what is wanted."""

    rate: float
    window: Window
    left: int = 0
    until: float = 0.0
    wanted: int = 0
    """Deliveries that wait for a grant; 0: nobody does."""
    spent: int = 0
    """Since the last grant."""
    ask_at: float = 0.0


class Rates:
    """The budgets of this replica's lanes that have a rate."""

    def __init__(
        self, redis: "Redis | RedisCluster | None", *, replicas: Callable[[], Awaitable[int]]
    ) -> None:
        self._limiter = _limiter(redis) if redis is not None else None
        self._circuit = circuit("rates")
        self._replicas = replicas
        self._granted: Callable[[LaneKey], None] = _nobody
        self._budgets: dict[LaneKey, _Budget] = {}
        self._waiting: set[LaneKey] = set()
        self._alone_until = 0.0 if redis is not None else float("inf")
        self._available = redis is not None
        if redis is None:
            log.warning("redis.lost", why="REDLETTER_REDIS_URL is not set", effect=_EFFECT)
        self._living = 1
        self._counted = float("-inf")
        self._loop = Loop("rates", self.ask, interval=60.0)

    def tell(self, *, granted: Callable[[LaneKey], None]) -> None:
        """Call `granted` when a lane that waited may send again."""
        self._granted = granted

    @property
    def shared(self) -> bool:
        """Whether the rates are shared through Redis now; if not, each replica has its part."""
        return time.monotonic() >= self._alone_until

    def aim(self, key: LaneKey, rate: float) -> None:
        """Take an endpoint's present rate per second; 0: it has none."""
        known = self._budgets.get(key)
        if not rate:
            if known is not None:
                self.forget(key)
        elif known is None or known.rate != rate:
            self._budgets[key] = _Budget(rate, window(rate))
            if known is not None and known.wanted:
                self.spend(key, wanted=known.wanted)

    def forget(self, key: LaneKey) -> None:
        """Keep nothing of an endpoint; who waits for it may go on."""
        self._budgets.pop(key, None)
        if key in self._waiting:
            self._waiting.discard(key)
            self._granted(key)

    def spend(self, key: LaneKey, *, wanted: int) -> bool:
        """Take one of the budget; False when there is none: `granted` will be called. `wanted` is how many wait."""
        budget = self._budgets.get(key)
        if budget is None:
            return True
        if budget.left > 0 and time.monotonic() < budget.until:
            budget.left -= 1
            budget.spent += 1
            return True
        budget.wanted = wanted
        if key not in self._waiting:
            self._waiting.add(key)
            RATE_WAITS.inc()
            self._loop.wake()
        return False

    async def ask(self) -> float | None:
        """Ask once for every lane that waits and may ask; returns how long until the next may."""
        now = time.monotonic()
        due = [key for key in self._waiting if self._budgets[key].ask_at <= now]
        for start in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._ask(key) for key in due[start : start + _AT_ONCE]))
        ahead = [self._budgets[key].ask_at for key in self._waiting]
        return max(0.001, min(ahead) - time.monotonic()) if ahead else None

    async def start(self) -> None:
        """Begin to ask."""
        await self._loop.start()

    async def stop(self) -> None:
        """Ask no more."""
        await self._loop.stop()

    async def _ask(self, key: LaneKey) -> None:
        budget = self._budgets[key]
        rate = budget.rate if self.shared else budget.rate / await self._count()
        # Those that wait, and as many as were spent since the last grant: about so many will come until the next.
        cost = min(slice_of(rate), max(1, budget.wanted + budget.spent))
        granted = await self._hit(key, budget, cost)
        now = time.monotonic()
        if self._budgets.get(key) is not budget:
            return  # it has another rate by now
        if not granted:
            budget.ask_at = now + SLICE_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311
            return
        budget.ask_at = now + pause_after(cost, rate)
        # What is not spent soon is lost: an endpoint's second is not to see what an earlier one had left.
        budget.left, budget.until, budget.spent = cost, now + 2 * SLICE_SECONDS, 0
        self._waiting.discard(key)
        self._granted(key)

    async def _hit(self, key: LaneKey, budget: _Budget, cost: int) -> bool:
        """Return whether all replicas together may send `cost` more; alone, this replica's own pauses bound it."""
        if self._limiter is None or not self.shared:
            return True
        item = RateLimitItemPerSecond(budget.window.amount, budget.window.seconds, namespace="max_rate")
        try:
            limiter = self._limiter
            granted = await self._circuit.call(lambda: answer(limiter.hit(item, *key, cost=cost)))
        except REDIS_ERRORS as error:
            self._alone_until = time.monotonic() + _TRUST_AGAIN_SECONDS
            self._note(available=False, why=type(error).__name__)
            return False
        self._note(available=True, why="")
        return granted

    def _note(self, *, available: bool, why: str) -> None:
        if available == self._available:
            return
        self._available = available
        if available:
            log.info("redis.returned", effect="replicas share the rates of endpoints again")
        else:
            log.warning("redis.lost", why=why, effect=_EFFECT)

    async def _count(self) -> int:
        """Return how many replicas live, as counted in the last seconds."""
        now = time.monotonic()
        if now - self._counted > _COUNT_SECONDS:
            self._counted = now
            self._living = max(1, await self._replicas())
        return self._living


def _limiter(redis: "Redis | RedisCluster") -> MovingWindowRateLimiter:
    storage = RedisStorage("async+redis://", implementation="redispy", key_prefix=_PREFIX)
    # Our own client, with its timeouts, instead of one that `limits` makes; a cluster's takes the same commands.
    bridge: Any = storage.bridge
    bridge.storage = redis
    bridge.register_scripts()
    return MovingWindowRateLimiter(storage)


def _nobody(_key: LaneKey) -> None:
    """Nobody has asked to be told."""
