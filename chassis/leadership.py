"""One leader per role: elected through a Redis lock, fenced by a term in PostgreSQL.

The lock decides who tries; the term decides who may write. A leader that overslept still
believes in itself, but every transaction of its work checks the term (`fence`) and moves nothing.
Without Redis the same row in PostgreSQL serves as the lock, with the real clock and a longer lease.

A service that elects keeps this table in its schema:
    leadership(role text PRIMARY KEY, term bigint, holder text, renew_time timestamptz, since timestamptz)
"""

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis, RedisCluster
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import unit_of_work
from chassis.errors import StaleVersion
from chassis.loops import Loop
from chassis.redis_client import REDIS_ERRORS, answer, circuit

log = structlog.get_logger()

LEASE_SECONDS = 2.4
RENEW_SECONDS = 0.8
POLL_SECONDS = 0.4

LEADER = Gauge("redletter_leader", "1 while this replica leads the role.", ["role"])
TERM = Gauge("redletter_leader_term", "Term of the role as this replica last saw it.", ["role"])
WITHOUT_REDIS = Gauge(
    "redletter_leader_without_redis",
    "1 while the row in PostgreSQL is the lock, for want of Redis.",
    ["role"],
)

# Atomic: take the lock when nobody holds it, prolong it when we do. Returns who holds it now.
# When Redis forgets everything the next caller takes the lock; the older leader loses its term.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]
end
return holder
"""

# Atomic: let go only of what is ours.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

_NEXT_TERM = text(
    "INSERT INTO leadership (role, term, holder, renew_time, since)"
    " VALUES (:role, 1, :holder, clock_timestamp(), clock_timestamp())"
    " ON CONFLICT (role) DO UPDATE SET term = leadership.term + 1, holder = excluded.holder,"
    " renew_time = excluded.renew_time, since = excluded.since RETURNING term"
)
_NEXT_TERM_WITHOUT_REDIS = text(
    _NEXT_TERM.text.replace(
        " RETURNING term",
        " WHERE leadership.renew_time < clock_timestamp() - make_interval(secs => :lease) RETURNING term",
    )
)
# SKIP LOCKED: a transaction of our own work holds the row for its fence, and a long one must not
# keep us from renewing the lock; then it is enough to see that the term is still ours.
_RENEW = text(
    """
    WITH mine AS (
        SELECT role FROM leadership WHERE role = :role AND term = :term FOR NO KEY UPDATE SKIP LOCKED
    ), renewed AS (
        UPDATE leadership SET renew_time = clock_timestamp() FROM mine WHERE leadership.role = mine.role
    )
    SELECT term FROM leadership WHERE role = :role AND term = :term
    """
)
# Shared: transactions of one leader do not wait for each other, the next leader waits for all of them -
# but not for one whose leader is frozen: PostgreSQL ends it when it has been idle for as long as the lease.
_FENCE = text(
    "SELECT set_config('idle_in_transaction_session_timeout', :idle, true) FROM leadership"
    " WHERE role = :role AND term = :term FOR SHARE"
)
_IDLE_MILLISECONDS = str(int(LEASE_SECONDS * 1000))


class Leadership:
    """This replica's candidacy for `role`; `elected` and `dismissed` are told of changes."""

    def __init__(
        self,
        role: str,
        holder: str,
        engine: AsyncEngine,
        redis: "Redis | RedisCluster | None",
        *,
        eligible: Callable[[], bool] = lambda: True,
        elected: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._role = role
        self._holder = holder
        self._engine = engine
        self._redis = redis
        self._eligible = eligible
        self._elected = elected
        self._key = f"redletter:{{leadership}}:{role}"
        self._circuit = circuit("leadership")
        self._until = 0.0
        self._renewed = 0.0
        self.term: int | None = None
        self._loop = Loop(f"leadership.{role}", self.campaign, interval=POLL_SECONDS)

    @property
    def leads(self) -> bool:
        """Whether this replica's lease, on its own monotonic clock, has not run out."""
        return self.term is not None and time.monotonic() < self._until

    async def fence(self, connection: AsyncConnection) -> None:
        """Hold off the next leader until this transaction ends, at the latest when it was idle for a lease.

        Raises:
            StaleVersion: another replica leads by now; nothing may be written.
        """
        names = {"role": self._role, "term": self.term, "idle": _IDLE_MILLISECONDS}
        found = (await connection.execute(_FENCE, names)).scalar()
        if found is None:
            self._dismiss("another replica has a newer term")
            raise StaleVersion(f"this replica no longer leads {self._role}")

    async def campaign(self) -> float | None:
        """Try to become the leader, or to stay it; returns the seconds until the next try."""
        if not self._eligible():
            self._dismiss("not eligible")
            return None
        asked = time.monotonic()
        won = await self._hold()
        if not won:
            self._dismiss("the lock is somebody else's")
            return None
        self._until = asked + LEASE_SECONDS
        return RENEW_SECONDS

    async def start(self) -> None:
        """Stand for election."""
        LEADER.labels(self._role).set(0)
        await self._loop.start()

    async def stop(self) -> None:
        """Give the lock back, so that the next leader need not wait for the lease."""
        await self._loop.stop()
        term, self._until = self.term, 0.0
        self._dismiss("stopping")
        if term is None:
            return
        if self._redis is not None:
            with contextlib.suppress(*REDIS_ERRORS):  # PostgreSQL's row below is then the lock
                await self._command(_RELEASE)
        try:
            async with unit_of_work(self._engine) as connection:
                await connection.execute(
                    text("UPDATE leadership SET renew_time = 'epoch' WHERE role = :role AND term = :term"),
                    {"role": self._role, "term": term},
                )
        except Exception as error:  # noqa: BLE001 - the lease runs out by itself
            log.info("leadership.not_returned", role=self._role, error=type(error).__name__)

    async def _hold(self) -> bool:
        holder = await self._lock_holder()
        WITHOUT_REDIS.labels(self._role).set(holder is None)
        if holder is None:  # PostgreSQL's row is the lock until Redis answers again
            return await self._keep_term(_NEXT_TERM_WITHOUT_REDIS)
        return holder == self._holder and await self._keep_term(_NEXT_TERM)

    async def _lock_holder(self) -> str | None:
        """Ask for the lock in Redis; return who has it now, None when Redis does not say."""
        if self._redis is None:
            return None
        try:
            return str(await self._command(_HOLD, int(LEASE_SECONDS * 1000)))
        except REDIS_ERRORS:
            return None

    async def _keep_term(self, take: Any) -> bool:
        async with unit_of_work(self._engine) as connection:
            names = {"role": self._role, "holder": self._holder}
            if self.term is not None:
                kept = await connection.execute(_RENEW, {"role": self._role, "term": self.term})
                if kept.scalar() is not None:
                    return True
                self._dismiss("another replica has a newer term")
            lease = {"lease": LEASE_SECONDS * 2} if take is _NEXT_TERM_WITHOUT_REDIS else {}
            term = (await connection.execute(take, {**names, **lease})).scalar()
        if term is None:
            return False
        self.term = int(term)
        LEADER.labels(self._role).set(1)
        TERM.labels(self._role).set(self.term)
        log.info("leader.elected", role=self._role, term=self.term)
        if self._elected is not None:
            await self._elected()
        return True

    def _dismiss(self, why: str) -> None:
        if self.term is not None:
            log.info("leader.dismissed", role=self._role, term=self.term, why=why)
            LEADER.labels(self._role).set(0)
            self.term = None
            self._until = 0.0

    async def _command(self, script: str, *arguments: int) -> Any:
        redis = self._redis
        assert redis is not None
        return await self._circuit.call(
            lambda: answer(redis.eval(script, 1, self._key, self._holder, *arguments))
        )
