"""The stage of the model-based test: the real scheduler, a delivery that stops what it is told to, faults."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import grpc
import redis.asyncio as redis
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.delivery.v1 import intake_service_pb2_grpc as intake_grpc
from redletter.user.v1 import auth_service_pb2_grpc
from redletter.user.v1 import user_feed_service_pb2_grpc as feed_grpc
from whenever import Instant

from chassis.clocks import Lapse
from chassis.leadership import Leadership
from chassis.loops import Loop
from chassis.process import ClockKeeper
from chassis.wire import instant
from scheduler_service.coordination.shards import Shards
from scheduler_service.store import SCHEMA
from scheduler_service.workers.handover import Handovers
from tests.integration.scheduler_service.conftest import Auth, Feed, Intake, Replica, World, _loop_of

Answer = TypeVar("Answer")
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED)
QUIET_SECONDS = 30.0


@dataclass
class Lanes(Intake):
    """Delivery as its contract says: messages are open until received, stops catch what they are about."""

    prompt: bool = True
    open: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.max.replace(tzinfo=UTC)
    _events: dict[str, Instant] = field(default_factory=dict)
    _people: dict[str, Instant] = field(default_factory=dict)

    async def AcceptEvents(
        self, request: intake_pb2.AcceptEventsRequest, context: grpc.aio.ServicerContext
    ) -> object:
        await self._refuse(context)
        return intake_pb2.AcceptEventsResponse(results=[self._take(event) for event in request.events])

    def _take(self, event: intake_pb2.AcceptedEvent) -> intake_pb2.AcceptResult:
        name, kind = event.event_id, intake_pb2.AcceptResult
        before = self.accepted.get(name)
        if before is not None:
            if before != event:
                self.wrong.append(f"{name} was offered again with other bytes")
            return kind(result=kind.RESULT_KNOWN)
        self._look(event)
        self.accepted[name] = event
        decided = instant(event.decide_time)
        stops = [self._events.get(name), self._people.get(event.user_id)]
        if any(stop is not None and decided < stop for stop in stops):
            self.stopped.add(name)
            return kind(result=kind.RESULT_STOPPED)
        (self.received if self.prompt else self.open).add(name)
        return kind(result=kind.RESULT_ACCEPTED)

    def _look(self, event: intake_pb2.AcceptedEvent) -> None:
        due, decided = instant(event.due_time).to_stdlib(), instant(event.decide_time).to_stdlib()
        if decided < due or self.now() < due:
            self.wrong.append(f"{event.event_id} is early: due {due}, decided {decided}, here {self.now()}")
        if decided >= instant(event.deliver_by).to_stdlib():
            self.wrong.append(f"{event.event_id} was decided at {decided}, after its deliver_by")

    async def CancelEvents(
        self, request: intake_pb2.CancelEventsRequest, context: grpc.aio.ServicerContext
    ) -> object:
        await self._refuse(context)
        self.cancelled.append(request)
        before = instant(request.decided_before)
        names = sorted(set(request.events.event_ids))
        if request.user_id:
            self._people[request.user_id] = max(before, self._people.get(request.user_id, before))
        for name in names:
            self._events[name] = max(before, self._events.get(name, before))
        hit = {
            name
            for name in self.open
            if (name in names or self.accepted[name].user_id == request.user_id)
            and instant(self.accepted[name].decide_time) < before
        }
        self.open -= hit
        self.stopped |= hit
        late = [name for name in names if name in self.received | self.open]
        return intake_pb2.CancelEventsResponse(
            cancelled=len(hit),
            too_late_event_ids=late,
            cancelled_event_ids=[name for name in names if name not in late],
        )

    def send(self) -> int:
        """Let the lanes send everything that is open; return how many."""
        sent = len(self.open)
        self.received |= self.open
        self.open.clear()
        return sent


class NotQuietError(AssertionError):
    """Something waits that nobody works on."""


@dataclass
class Stage:
    """The replicas under test and the one clock they share, which can be set ahead."""

    world: World
    lanes: Lanes
    lapse: Lapse
    connection: "asyncpg.Connection[asyncpg.Record]"
    redis: "redis.Redis"
    orphans: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    clock_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return what the scheduler's store says, over a connection that no fault ends."""
        async with self.turn:
            return await self.connection.fetch(query, *arguments)

    def now(self) -> datetime:
        """Return business time."""
        passed = Instant.now() - self.lapse.anchor
        return (self.lapse.start + passed).to_stdlib()

    @property
    def replicas(self) -> list[Replica]:
        """Return the replicas that run."""
        return [replica for replica in self.world.replicas if not replica.stopped]

    @property
    def replica(self) -> Replica:
        """Return the replica that callers talk to."""
        return self.replicas[-1]

    async def start_replica(self) -> None:
        """Start one more replica, with the time of the others."""
        async with self.clock_turn:
            await self.world.start(self.lapse.start, anchor=self.lapse.anchor)

    async def crash(self, replica: Replica) -> None:
        """Let a replica disappear as if it were killed."""
        self.orphans = True
        for loop in map(_loop_of, replica.parts):
            if loop is not None:
                # A wait that is woken in the same turn swallows its cancellation (Python 3.11's wait_for).
                loop._stopping.set()
        await replica.vanish()

    async def set_ahead(self, seconds: float) -> None:
        """Let business time jump ahead in all replicas at once; not while another one starts."""
        async with self.clock_turn:
            ahead = Instant(self.now()).add(seconds=seconds)
            self.lapse = Lapse(ahead, Instant.now())
            for replica in self.replicas:
                for part in replica.parts:
                    if isinstance(part, ClockKeeper):
                        part._clock._lapse = self.lapse
        self.wake()

    def wake(self) -> None:
        """Let every loop look now instead of after the rest of its wait."""
        for replica in self.replicas:
            for part in replica.parts:
                loop = part
                if isinstance(part, Shards | Leadership):
                    loop = part._loop
                elif isinstance(part, Handovers):
                    loop = part._again
                if isinstance(loop, Loop) and loop.name not in ("gauges", "tzdata", "retention", "ledger"):
                    loop.wake()

    async def kill_connections(self) -> int:
        """End every connection that the replicas have to PostgreSQL; return how many."""
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(await self.rows(query))

    async def ask(self, call: Callable[[Replica], Awaitable[Answer]]) -> Answer:
        """Call a replica; again while a fault is why it does not answer."""
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            try:
                return await asyncio.wait_for(call(self.replica), QUIET_SECONDS)
            except TimeoutError:
                raise NotQuietError(f"a call has no answer after {QUIET_SECONDS:.0f} s") from None
            except grpc.aio.AioRpcError as error:
                gone = error.code() is grpc.StatusCode.CANCELLED and "Channel closed" in str(error.details())
                if not (gone or error.code() in _AGAIN) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)

    async def quiet(self, *, paused: bool) -> datetime:
        """Return, with the business time, once nothing waits any more that can be worked on."""
        deadline = time.monotonic() + QUIET_SECONDS
        while True:
            now = self.now()
            waiting = await self._waiting(now, paused=paused)
            if not waiting:
                return now
            if time.monotonic() > deadline:
                raise NotQuietError(f"after {QUIET_SECONDS:.0f} s still waiting: {waiting}")
            self.wake()
            await asyncio.sleep(0.01)

    async def _waiting(self, now: datetime, *, paused: bool) -> dict[str, Any]:
        if self.world.feed.changes:
            return {"feed": len(self.world.feed.changes)}
        [row] = await self.rows(_WAITING, now)
        waiting = {name: count for name, count in row.items() if count}
        if paused:
            waiting.pop("due", None)
        if self.lanes.down:
            waiting.pop("handovers", None)
            waiting.pop("cancellations", None)
        elif self.orphans and ("handovers" in waiting or "cancellations" in waiting):
            await self.rows("UPDATE handovers SET offered_until = 'epoch'")
            await self.rows("UPDATE cancellations SET offered_until = 'epoch'")
        return waiting


_WAITING = """
SELECT (SELECT count(*) FROM event_types WHERE replanned_version < timing_version) AS replans,
       (SELECT count(*) FROM handovers) AS handovers,
       (SELECT count(*) FROM cancellations) AS cancellations,
       (SELECT count(*) FROM parked) AS parked,
       (SELECT count(*) FROM plans WHERE due_time <= $1) AS due
"""


@asynccontextmanager
async def stage(database_url: str, redis_url: str, begin: Instant) -> AsyncIterator[Stage]:
    """Give a stage with two replicas on an empty store; business time begins at `begin`."""
    feed, lanes = Feed(), Lanes()
    server = grpc.aio.server()
    feed_grpc.add_UserFeedServiceServicer_to_server(feed, server)
    intake_grpc.add_IntakeServiceServicer_to_server(lanes, server)
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(Auth(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    connection = await asyncpg.connect(
        database_url.replace("+asyncpg", ""), ssl=False, server_settings={"search_path": SCHEMA}
    )
    client = redis.Redis.from_url(redis_url)
    world = World(feed, lanes, database_url, redis_url, port)
    made = Stage(world, lanes, Lapse(begin, Instant.now()), connection, client)
    lanes.now = made.now
    try:
        await made.start_replica()
        await made.start_replica()
        yield made
    finally:
        for replica in world.replicas:
            await replica.stop()
        await connection.close()
        await client.aclose()
        await server.stop(0)
