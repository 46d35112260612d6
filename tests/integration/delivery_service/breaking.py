"""Several replicas' breakers in one loop, on one database and one Valkey, moved step by step by the test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import create_engine
from chassis.redis_client import connect
from delivery_service.coordination.breaker_counts import BreakerCounts
from delivery_service.domain.breakers import Breaker, BreakerPolicy
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store import breakers as store
from delivery_service.store.endpoint_policies import stored
from delivery_service.store.tables import SCHEMA
from delivery_service.workers.breaker_exchange import BreakerExchange
from delivery_service.workers.breaker_watch import BreakerWatch
from delivery_service.workers.breakers import Breakers, Gate
from delivery_service.workers.replica_lease import ReplicaLease

TENANT = "0197c3a0-0000-7000-8000-000000000001"
HOOK = LaneKey(TENANT, "hook")
# An open time that is over as soon as a test looks again, unless it says otherwise.
QUICK = BreakerPolicy(minimum=9, open_first=timedelta(microseconds=1), open_longest=timedelta(microseconds=2))
LASTING = BreakerPolicy(minimum=9, open_first=timedelta(hours=1), open_longest=timedelta(hours=1))


@dataclass
class Replica:
    """The breakers of one replica; nothing moves by itself."""

    engine: AsyncEngine
    lease: ReplicaLease
    breakers: Breakers
    watch: BreakerWatch
    exchange: BreakerExchange
    parked: list[LaneKey] = field(default_factory=list)
    released: list[LaneKey] = field(default_factory=list)

    def fail(self, times: int, key: LaneKey = HOOK) -> None:
        """Have this many attempts failed."""
        for _ in range(times):
            self.breakers.attempted(key, failed=True, probe=False)

    def succeed(self, times: int, key: LaneKey = HOOK) -> None:
        """Have this many attempts succeeded."""
        for _ in range(times):
            self.breakers.attempted(key, failed=False, probe=False)

    def gate(self, key: LaneKey = HOOK) -> Gate:
        """Ask the gate."""
        return self.breakers.gate(key)


@dataclass
class Cluster:
    """Replicas, and the hands that move them."""

    engine: AsyncEngine
    redis: "Redis | None"
    replicas: list[Replica]

    async def look(self) -> None:
        """Let every replica read and change once."""
        for replica in self.replicas:
            await replica.watch.iterate()

    async def exchange(self) -> None:
        """Let every replica say what it counted, twice, so that the first has heard the last."""
        for replica in [*self.replicas, *self.replicas]:
            await replica.exchange.exchange()

    def gates(self, key: LaneKey = HOOK) -> list[Gate]:
        """Ask every replica's gate."""
        return [replica.gate(key) for replica in self.replicas]

    async def stored(self, key: LaneKey = HOOK) -> Breaker:
        """Return the breaker as it stands in PostgreSQL."""
        return (await store.get(self.engine, key))[0]

    async def run(self, statement: str, **parameters: object) -> None:
        """Run a statement."""
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    async def endpoint(self, key: LaneKey = HOOK) -> None:
        """Create an endpoint."""
        await self.run(
            "INSERT INTO endpoints (tenant_id, endpoint_id, url, description, state, timeout, version,"
            " create_time, update_time) VALUES (:tenant_id, :endpoint_id, 'http://127.0.0.1:1/', '', 1,"
            " '15 seconds', 1, now(), now())",
            **key._asdict(),
        )

    async def delivery(self, key: LaneKey = HOOK, *, name: str = "evt_1") -> None:
        """Let one delivery wait, without an owner."""
        await self.run(
            "INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, attempts,"
            " cause, next_time, decide_time, deliver_by, accept_time) VALUES (:event_id, :endpoint_id, 0,"
            " :tenant_id, 'u1', '2027-02-28', 0, 0, now(), now(), now() + interval '1 hour', now())",
            **key._asdict(),
            event_id=name,
        )

    async def aim(self, policy: BreakerPolicy, key: LaneKey = HOOK) -> None:
        """Give the endpoint this policy, and tell every replica."""
        await self.run(
            "UPDATE endpoints SET breaker_policy = CAST(:policy AS jsonb)"
            " WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id",
            policy=orjson.dumps(stored(policy)).decode(),
            **key._asdict(),
        )
        for replica in self.replicas:
            replica.breakers.aim(key, policy)


async def replica(engine: AsyncEngine, redis: "Redis | None", name: str) -> Replica:
    """Return a replica with a lease."""
    clock = BusinessClock(None)
    lease = ReplicaLease(engine, clock, name, lease_seconds=30)
    await lease.renew()
    breakers = Breakers()
    made = Replica(
        engine,
        lease,
        breakers,
        BreakerWatch(engine, lease, breakers),
        BreakerExchange(BreakerCounts(redis), lease, breakers),
    )
    breakers.tell(parked=made.parked.append, released=made.released.append)
    return made


@asynccontextmanager
async def cluster(database_url: str, redis_url: str = "", *, count: int = 3) -> AsyncIterator[Cluster]:
    """Run replicas with one endpoint `hook`; without `redis_url` without Redis."""
    engine = create_engine(database_url, name="test", schema=SCHEMA, pool_size=8)
    redis = connect(redis_url)
    assert redis is None or isinstance(redis, Redis)
    made = Cluster(engine, redis, [])
    try:
        await made.endpoint()
        for number in range(count):
            made.replicas.append(await replica(engine, redis, f"r{number}"))
        yield made
    finally:
        if redis is not None:
            await redis.aclose()
        await engine.dispose()
