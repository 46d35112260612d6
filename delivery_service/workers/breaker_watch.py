"""Makes the breakers' transitions in PostgreSQL, one replica each, and brings all of them here within 250 ms."""

import contextlib
import random
import time
from collections.abc import Mapping

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from chassis.errors import IllegalTransition
from chassis.loops import Loop
from delivery_service.domain.breakers import (
    Breaker,
    close_for_policy,
    conclude,
    open_after_failures,
    return_probe,
)
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import breakers as store
from delivery_service.workers.breaker_transitions import PROBES, announce
from delivery_service.workers.breakers import BEGIN_SECONDS, Breakers, Probe
from delivery_service.workers.replica_lease import ReplicaLease

POLL_SECONDS = 0.25
WHOLE_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
# So that replicas share the probes of many endpoints that come due together.
CLAIMED_AT_ONCE = 50


class BreakerWatch:
    """The one loop of this replica that changes what `Breakers` believes."""

    def __init__(self, engine: AsyncEngine, lease: ReplicaLease, breakers: Breakers) -> None:
        self._engine = engine
        self._lease = lease
        self._breakers = breakers
        self._whole: float | None = None
        self._pruned = time.monotonic()
        self._loop = Loop("breaker_watch", self.iterate, interval=POLL_SECONDS)
        breakers.wakes(self._loop.wake)

    def wake(self) -> None:
        """Look now."""
        self._loop.wake()

    async def iterate(self) -> None:
        """Make the transitions that are due, read what others have made, and take probes that are to be had."""
        due = self._breakers.due()
        if due:
            await self._change(due)
        await self._read()
        if self._lease.valid and self._breakers.claimable():
            await self._claim()
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            self._pruned = time.monotonic()
            async with unit_of_work(self._engine) as connection:
                await store.prune(connection)

    async def start(self) -> None:
        """Read every breaker, so that nothing is sent to a parked endpoint first, and begin to repeat."""
        with contextlib.suppress(OSError, DBAPIError, PostgresError):  # the loop says so, and tries again
            await self._read()
        await self._loop.start()

    async def stop(self) -> None:
        """Stop; an answer of a probe that came meanwhile is stored first."""
        await self._loop.stop()
        due = self._breakers.due()
        if due:
            await self._change(due)

    async def _change(self, due: Mapping[LaneKey, Probe | None]) -> None:
        async with unit_of_work(self._engine) as connection:
            before, policies, now = await store.read(connection, list(due))
            for key, policy in policies.items():
                self._breakers.aim(key, policy)
            self._breakers.adopt(before)
            wanted = {
                key: after
                for key, breaker in before.items()
                if (after := self._wanted(key, due[key], breaker, now)) is not None
            }
            made = await store.compare_and_set(connection, wanted) if wanted else set()
        counts = {key: self._breakers.counts(key) for key in made}
        self._breakers.adopt({key: wanted[key] for key in made})
        self._breakers.settled(key for key, probe in due.items() if probe is None)
        for key in made:
            _tell(key, before[key], wanted[key], now, counts[key]._asdict(), due[key])

    def _wanted(self, key: LaneKey, probe: Probe | None, breaker: Breaker, now: Instant) -> Breaker | None:
        policy = self._breakers.policy(key)
        jitter = random.random()  # noqa: S311 - nothing secret about when to ask again
        try:
            if probe is not None and probe.failed is None:
                return return_probe(breaker, probe.owner)
            if probe is not None:
                failed = bool(probe.failed)
                return conclude(breaker, policy, probe.owner, failed=failed, now=now, jitter=jitter)
            if not policy.enabled:
                return close_for_policy(breaker)
            if self._breakers.tripped(key):
                return open_after_failures(breaker, policy, now=now, jitter=jitter)
        except IllegalTransition:
            return None  # somebody else was there first
        return None

    async def _read(self) -> None:
        now = time.monotonic()
        whole = self._whole is None or now - self._whole >= WHOLE_SECONDS
        async with self._engine.connect() as connection:
            found = await (store.standing if whole else store.changed)(connection)
        self._breakers.adopt(found, whole=whole)
        if whole:
            self._whole = now

    async def _claim(self) -> None:
        owner = self._lease.number
        if owner is None:
            return
        asked = time.monotonic()
        async with unit_of_work(self._engine) as connection:
            found = await store.claim(
                connection, owner, room=CLAIMED_AT_ONCE, begin_seconds=BEGIN_SECONDS + 1
            )
        before = {key: self._breakers.breaker(key) for key in found}
        self._breakers.won(found, owner, asked=asked)
        for key, after in found.items():
            announce(key, before[key], after)


def _tell(
    key: LaneKey, before: Breaker, after: Breaker, now: Instant, counts: dict[str, int], probe: Probe | None
) -> None:
    if probe is not None:
        result = {None: "unused", True: "failed", False: "succeeded"}[probe.failed]
        PROBES.labels(result).inc()
    why: dict[str, int | float] = {}
    if before.opened == 0 and after.opened == 1:
        why |= counts
    if after.open_until is not None:
        why["open_seconds"] = round((after.open_until - now).total("seconds"), 3)
    announce(key, before, after, **why)
