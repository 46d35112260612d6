"""Barriers for races: a second way to PostgreSQL that holds a lock, and a delivery that waits until it is let go.

Nothing in production code knows of them. Who waits where is read from `pg_stat_activity`, so an order of
steps is known to have happened, never guessed from a delay:

* "the other one first": a decision is made in memory and its transaction waits for `controls`, its first
  statement. The other one commits. Then the lock is let go.
* "the decision first": its statements have run - the plan has moved on, the event is written, both not yet
  committed - and it waits to insert the hand-over. The other one begins. Then the lock is let go.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import grpc
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.delivery.v1 import intake_service_pb2_grpc as intake_grpc
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from redletter.user.v1 import auth_service_pb2_grpc
from redletter.user.v1 import user_feed_service_pb2_grpc as feed_grpc
from whenever import Instant

from chassis.loops import Loop
from chassis.wire import instant
from scheduler_service.domain.ids import event_id
from scheduler_service.store import SCHEMA
from scheduler_service.workers.decider import DECIDED, LOST
from tests.integration.scheduler_service.conftest import (
    KEY,
    Auth,
    Intake,
    Replica,
    World,
    eventually,
    until,
    utc,
)
from tests.integration.scheduler_service.event_calls import asked, created
from tests.integration.scheduler_service.refusals import refusal_of

HOME: Final = "America/New_York"
SINCE: Final = utc("2028-01-01T00:00:00+00:00")
START: Final = utc("2028-03-02T14:00:05+00:00")
"""Five seconds after 09:00 in New York on somebody's birthday: what becomes known now is due and not late."""

CHRISTMAS: Final = {"month": 12, "day": 24}

BEFORE_DECIDING: Final = "LOCK TABLE controls IN EXCLUSIVE MODE"
BEFORE_COMMITTING: Final = "LOCK TABLE handovers IN SHARE MODE"
DECIDER_BEGINS: Final = "LOCK TABLE controls IN ROW SHARE MODE"
DECIDER_ENDS: Final = "INSERT INTO handovers"
LEADER: Final = "SELECT 1 FROM leadership WHERE role = 'planner' FOR UPDATE"

# PostgreSQL is recognised, and the leader has walked the rules of the new tenant.
_QUIET: Final = (
    "SELECT 1 FROM controls WHERE cluster <> ''"
    " AND NOT EXISTS (SELECT 1 FROM event_types WHERE replanned_version < timing_version)"
)

OTHER: Final = "the other"
DECISION: Final = "the decision"


@dataclass(frozen=True, slots=True)
class Line:
    """What a race came to: who was first, what the caller heard, and what there is of it afterwards."""

    pair: str
    first: str
    told: str
    events: str
    got: str
    plan: str

    def __str__(self) -> str:
        """One line of a Markdown table."""
        return f"| {' | '.join((self.pair, self.first, self.told, self.events, self.got, self.plan))} |"


@dataclass
class Receiver(Intake):
    """Delivery with a door before AcceptEvents, and with the stop list that the real one has."""

    door: asyncio.Event = field(default_factory=asyncio.Event)
    at_the_door: int = 0

    def __post_init__(self) -> None:
        """Begin with the door open."""
        self.door.set()

    async def AcceptEvents(
        self, request: intake_pb2.AcceptEventsRequest, context: grpc.aio.ServicerContext
    ) -> object:
        self.at_the_door += 1
        await self.door.wait()
        return await super().AcceptEvents(request, context)

    def got(self, user_id: str) -> str:
        """Return what somebody's endpoint got: every accepted event, unless a stop reached it."""
        mine = [event for event in self.accepted.values() if event.user_id == user_id]
        stopped = [event for event in mine if self.is_stopped(event)]
        if not mine:
            return "nothing"
        if len(stopped) == len(mine):
            return "nothing: stopped in delivery"
        count = len(mine) - len(stopped)
        return "1 message" if count == 1 else f"{count} messages"

    def is_stopped(self, event: intake_pb2.AcceptedEvent) -> bool:
        """Return whether delivery was told to stop this event, and had not let it go on the wire."""
        gone = self.on_the_wire | self.received
        return event.event_id not in gone and any(_reaches(stop, event) for stop in self.cancelled)


def _reaches(stop: intake_pb2.CancelEventsRequest, event: intake_pb2.AcceptedEvent) -> bool:
    named = event.event_id in stop.events.event_ids or (bool(stop.user_id) and stop.user_id == event.user_id)
    return named and instant(event.decide_time) < instant(stop.decided_before)


@dataclass
class Arena:
    """A scheduler at work, its receiver, and the locks a test holds."""

    world: World
    receiver: Receiver
    replica: Replica
    zone: str = HOME

    @asynccontextmanager
    async def holding(self, statement: str) -> AsyncIterator[int]:
        """Hold what `statement` locks until the end of the block; give the pid that holds it."""
        url = self.world.database_url.replace("+asyncpg", "")
        connection = await asyncpg.connect(url, ssl=False, server_settings={"search_path": SCHEMA})
        try:
            async with connection.transaction():
                await connection.execute(statement)
                yield connection.get_server_pid()
        finally:
            await connection.close()

    async def waiting(self, for_what: str = "", *, behind: int | None = None, count: int = 1) -> list[int]:
        """Return the pids of those who wait for a lock in a statement like this, once there are so many."""

        async def asleep() -> list[int]:
            rows = await self.world.rows(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND strpos(query, $1) > 0"
                " AND (CAST($2 AS int) IS NULL OR $2 = ANY(pg_blocking_pids(pid)))",
                for_what,
                behind,
            )
            return [row["pid"] for row in rows] if len(rows) >= count else []

        found: list[int] = await eventually(asleep)
        return found

    def wake(self, name: str) -> None:
        """Let a loop of the replica run now: nobody has to wait for its interval."""
        for part in self.replica.parts:
            if isinstance(part, Loop) and part.name == name:
                part.wake()

    def put(self, **instead: object) -> None:
        """Tell of u1, whose birthday is today, in the feed."""
        person = {"month": 3, "day": 2, "zone": self.zone, "enrolled": SINCE, **instead}
        self.world.feed.put_user("u1", **person)  # type: ignore[arg-type]
        self.wake("plan")

    async def followed(self) -> str:
        """Return once the feed is followed to its end; nobody is told anything."""
        self.wake("plan")
        await self.world.drained()
        return "-"

    async def due(self) -> str:
        """Let u1 have an event that is due; return its id."""
        name, due_time = await self.planned()
        assert due_time < START
        self.wake("prefetch")
        return name

    async def due_by_call(self) -> str:
        """The same, with an event that a caller asked for; their birthday is another day."""
        self.put(**CHRISTMAS)
        return (await created(self.replica, asked("own", "u1"))).event.event_id

    async def planned(self) -> tuple[str, Instant]:
        """Let u1 be planned; return the id of their event and when it is due."""
        self.put()
        plan = await self.world.planned("u1")
        return event_id(plan["plan_id"], plan["cycle"]), Instant(plan["due_time"])

    async def caught_up(self) -> None:
        """Return once the deciders have looked at everything that is due and have decided it."""
        made = await created(
            self.replica, asked(f"sentinel-{Instant.now()}", "u2", event_type_id="anniversary")
        )
        await until(lambda: made.event.event_id in self.receiver.accepted)

    async def later(self, moment: Instant) -> None:
        """Go on at another moment of business time, with a new replica, until everything due by then is decided."""
        await self.replica.stop()
        self.replica = await self.world.start(moment, anchor=Instant.now())
        await self.caught_up()

    async def line(self, pair: str, first: str, told: str) -> Line:
        """Return what has become of u1, and of the plan of their birthday."""
        await until(lambda: not self.world.feed.changes)
        await eventually(self._handed_over)
        ended = await self.world.rows(
            "SELECT cycle, state, reason, late, due_time FROM events WHERE user_id = 'u1' ORDER BY event_id"
        )
        events = ", ".join(map(_shown, ended)) or "none"
        return Line(pair, first, told, events, self.receiver.got("u1"), await self._plan())

    async def _handed_over(self) -> bool:
        left = await self.world.rows("SELECT 1 FROM handovers UNION ALL SELECT 1 FROM cancellations")
        return not left

    async def _plan(self) -> str:
        rows = await self.world.rows(
            "SELECT cycle, last_cycle, due_time FROM plans"
            " WHERE event_type_id = 'birthday' AND instance = '' AND user_id IN ('u1', '')"
        )
        if not rows:
            return "none"
        [plan] = rows
        if plan["due_time"] is None:
            return f"closed after {plan['last_cycle']}"
        return f"{plan['cycle']}, due {plan['due_time']:%Y-%m-%d %H:%M}"


def _shown(event: asyncpg.Record) -> str:
    reason = f"({event['reason']})" if event["reason"] else f" late, due {event['due_time']:%H:%M}"
    return f"{event['cycle']} {event['state']}{reason if event['late'] else reason.replace(' late', '')}"


def decisions_made() -> float:
    """Return how many decisions of this process have been committed or lost so far."""
    samples = [sample for metric in DECIDED.collect() for sample in metric.samples]
    samples += [sample for metric in LOST.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


@asynccontextmanager
async def arena_of(world: World, *, zone: str = HOME, redis: bool = True) -> AsyncIterator[Arena]:
    """Run one replica, with a tenant in New York and u2, whose events show that the deciders have caught up."""
    receiver, server = Receiver(), grpc.aio.server()
    feed_grpc.add_UserFeedServiceServicer_to_server(world.feed, server)
    intake_grpc.add_IntakeServiceServicer_to_server(receiver, server)
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(Auth(), server)
    world.peers_port, world.intake = server.add_insecure_port("127.0.0.1:0"), receiver
    await server.start()
    world.feed.put_tenant(SINCE, HOME)
    world.feed.put_user("u2", "UTC", month=12, day=24, enrolled=SINCE, kind="anniversary")
    try:
        arena = Arena(world, receiver, await world.start(START, redis=redis), zone)

        async def quiet() -> bool:
            arena.wake("plan")
            return not world.feed.changes and bool(await world.rows(_QUIET))

        await eventually(quiet)
        yield arena
    finally:
        receiver.door.set()
        for replica in world.replicas:
            await replica.stop()
        await server.stop(0)


Act = Callable[[Arena, str], Awaitable[str]]


@dataclass(frozen=True)
class Race:
    """One order of a pair: what the other one does, and the line that it has to come to.

    `moment`: business time is set to it before the line is drawn. `words`: the title of the one message.
    `blocked`: the other one, coming second, waits for the decision to commit. `own`: about an event that a
    caller asked for. `leaderless`: the leader does nothing until the decision was made again.
    """

    line: Line
    act: Act
    zone: str = HOME
    moment: Instant | None = None
    words: str = "Happy birthday, Ada!"
    blocked: bool = True
    own: bool = False
    leaderless: bool = False

    def __str__(self) -> str:
        """Return its name among the tests."""
        return f"{self.line.pair}, first {self.line.first}".replace(" ", "_")

    async def run_before(self, world: World) -> None:
        """Let the other one commit while the decision waits to begin its transaction."""
        async with arena_of(world, zone=self.zone) as arena, AsyncExitStack() as held:
            before = decisions_made()
            async with arena.holding(BEFORE_DECIDING) as us:
                name = await self._due(arena)
                await arena.waiting(DECIDER_BEGINS, behind=us)
                if self.leaderless:
                    await held.enter_async_context(arena.holding(LEADER))
                told = await self.act(arena, name)
            await until(lambda: decisions_made() > before)
            if self.leaderless:
                await eventually(lambda: world.rows("SELECT 1 FROM events WHERE user_id = 'u1'"))
                await held.aclose()
            await arena.caught_up()
            await self._compare(arena, told)

    async def run_after(self, world: World) -> None:
        """Let the other one begin when the decision is written, and not committed yet."""
        async with arena_of(world, zone=self.zone) as arena:
            async with arena.holding(BEFORE_COMMITTING) as us:
                name = await self._due(arena)
                [decider] = await arena.waiting(DECIDER_ENDS, behind=us)
                other = asyncio.ensure_future(self.act(arena, name))
                if self.blocked:
                    await arena.waiting(behind=decider)
                    assert not other.done()
                else:
                    await other
            told = await other
            await arena.caught_up()
            await self._compare(arena, told)

    async def _due(self, arena: Arena) -> str:
        return await (arena.due_by_call() if self.own else arena.due())

    async def _compare(self, arena: Arena, told: str) -> None:
        if self.moment is not None:
            assert arena.receiver.got("u1") == "nothing"
            await arena.later(self.moment)
        line = await arena.line(self.line.pair, self.line.first, told)
        print(line)
        assert line == self.line
        if line.got == "1 message":
            assert arena.world.body_of("u1")["data"]["message"]["title"] == self.words


def both(pair: str, act: Act, *, before: dict[str, Any], after: dict[str, Any], **shared: Any) -> list[Race]:
    """Return the two orders of a pair; given is what differs from a message at 09:00, unchanged."""
    return [
        _race(pair, OTHER, act, {**_AT_NINE, **shared, **before}),
        _race(pair, DECISION, act, {**_AT_NINE, **shared, **after}),
    ]


_AT_NINE: Final = {
    "told": "-",
    "events": "2028 SENT, due 14:00",
    "got": "1 message",
    "plan": "2029, due 2029-03-02 14:00",
}
NOTHING: Final = {"got": "nothing"}
STOPPED: Final = {"got": "nothing: stopped in delivery"}


def _race(pair: str, first: str, act: Act, given: dict[str, Any]) -> Race:
    line = Line(pair, first, *(given.pop(name) for name in _AT_NINE))
    return Race(line, act, **given)


async def said(call: Awaitable[Any]) -> str:
    """Return the cycle and state of the event that a call answers with, or the reason why it is refused."""
    try:
        event = (await call).event
    except grpc.aio.AioRpcError as error:
        return f"refused: {refusal_of(error).reason}"
    return f"{event.cycle} {event_pb2.Event.State.Name(event.state).removeprefix('STATE_')}"


async def cancelled(arena: Arena, name: str) -> str:
    """Cancel an event; return the result."""
    request = service_pb.CancelEventRequest(event_id=name)
    answer = await arena.replica.events.CancelEvent(request, metadata=KEY)
    return service_pb.CancelResult.Name(answer.result).removeprefix("CANCEL_RESULT_")


async def deleted(arena: Arena, _name: str) -> str:
    """Delete u1, in the feed."""
    arena.world.feed.delete_user("u1")
    return await arena.followed()
