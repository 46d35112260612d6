"""Readers of inboxes: streams of leased messages, a bounded number of them, woken when something arrives."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.errors import DependencyUnavailable, TooManyRequests
from delivery_service.store import inbox_leases
from delivery_service.store.inbox import InboxMessage, Key
from delivery_service.store.inbox_filters import InboxFilter
from delivery_service.store.inbox_leases import Lease
from delivery_service.workers.observations import INBOX_LEASES_EXPIRED, INBOX_PULLED, INBOX_STREAMS

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
"""What another replica put into the inbox is found this soon."""
RESCAN_SECONDS: Final = 5.0
"""With a filter on a long inbox: what became free behind the place where the reader is, is found this soon."""
_BEGINNING: Final[Key] = (datetime.min.replace(tzinfo=UTC), "")
_TENANTS_SHARE: Final = 4


@dataclass(frozen=True)
class Pull:
    """What a reader wants; at most `most` messages are leased to it at a time, each for `lease` (real time)."""

    asked: InboxFilter
    most: int
    lease: timedelta
    end_when_empty: bool = False


class InboxPulls:
    """Every open stream of this replica; one tenant may have a quarter of them."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, streams: int) -> None:
        self._engine = engine
        self._clock = clock
        self._streams = streams
        self._readers: dict[str, set[Reader]] = {}
        self._open = 0
        self._stopping = False

    @property
    def open_streams(self) -> int:
        """How many readers there are."""
        return self._open

    def open(self, tenant_id: str, pull: Pull) -> "Reader":
        """Return a new reader; whoever asked for it must call its `left` at the end.

        Raises:
            DependencyUnavailable: this replica is stopping.
            TooManyRequests: it has as many streams as it may, or this tenant has.
        """
        if self._stopping:
            raise _leaving()
        readers = self._readers.setdefault(tenant_id, set())
        share = max(1, self._streams // _TENANTS_SHARE)
        if self._open >= self._streams or len(readers) >= share:
            raise TooManyRequests(
                f"this replica has {self._open} open streams of inboxes, {len(readers)} of them yours;"
                f" at most {self._streams} and {share} are allowed",
                retry_after=timedelta(seconds=1),
                subject="inbox streams",
            )
        reader = Reader(self, self._engine, self._clock, tenant_id, pull)
        readers.add(reader)
        self._count(1)
        return reader

    def arrived(self, tenant_ids: Iterable[str]) -> None:
        """Wake the readers of these tenants' inboxes."""
        for tenant_id in tenant_ids:
            for reader in self._readers.get(tenant_id, ()):
                reader.wake()

    def leave(self, reader: "Reader") -> None:
        """Forget a reader."""
        readers = self._readers.get(reader.tenant_id)
        if readers is None or reader not in readers:
            return
        readers.discard(reader)
        if not readers:
            del self._readers[reader.tenant_id]
        self._count(-1)

    def require_running(self) -> None:
        """Return while streams may go on.

        Raises:
            DependencyUnavailable: this replica is stopping; a client that calls again gets another one.
        """
        if self._stopping:
            raise _leaving()

    async def start(self) -> None:
        """Begin to take readers."""
        self._stopping = False

    async def stop(self) -> None:
        """End every stream; what its reader has leased stays leased."""
        self._stopping = True
        log.info("inbox.closing", streams=self._open)
        self.arrived(list(self._readers))

    def _count(self, change: int) -> None:
        self._open += change
        INBOX_STREAMS.set(self._open)


class Reader:
    """One stream: leases messages and gives them out, never more than it was asked for at a time."""

    def __init__(
        self, pulls: InboxPulls, engine: AsyncEngine, clock: BusinessClock, tenant_id: str, pull: Pull
    ) -> None:
        self.tenant_id = tenant_id
        self._pulls = pulls
        self._engine = engine
        self._clock = clock
        self._pull = pull
        self._woken = asyncio.Event()
        # Given out and, as far as is known, neither acknowledged nor given back.
        self._out: dict[str, str] = {}
        self._unsent: list[Lease] = []
        self._giving_back: asyncio.Future[None] | None = None
        self._after = _BEGINNING
        self._rewound = time.monotonic()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def messages(self) -> AsyncIterator[tuple[InboxMessage, str]]:
        """Yield leased messages with the tokens of their leases, as they come.

        Raises:
            DependencyUnavailable: this replica is stopping.
        """
        while True:
            self._woken.clear()
            self._pulls.require_running()
            token = secrets.token_hex(8)
            taken, more = await self._take(token)
            self._unsent = [Lease(one.event_id, token) for one in taken]
            for one in taken:
                # A caller that reads slowly gets nothing that is somebody else's by now.
                if one.lease_until is not None and Instant(one.lease_until) > self._clock.real():
                    self._out[one.event_id] = token
                    yield one, token
                del self._unsent[0]
            if taken or more:
                continue
            if self._pull.end_when_empty and not self._full:
                return
            await self._wait()

    def left(self, _call: object) -> None:
        """Forget the stream, and give back in the background what was leased and not given out."""
        self._pulls.leave(self)
        unsent, self._unsent = self._unsent, []
        if unsent:
            self._giving_back = asyncio.ensure_future(self._give_back(unsent))

    @property
    def _full(self) -> bool:
        return len(self._out) >= self._pull.most

    async def _take(self, token: str) -> tuple[list[InboxMessage], bool]:
        """Lease what there is room for; also return whether there is more to look at."""
        if self._full:
            await self._recount()
        room = self._pull.most - len(self._out)
        if room <= 0:
            return [], False
        if time.monotonic() - self._rewound > RESCAN_SECONDS:
            self._after, self._rewound = _BEGINNING, time.monotonic()
        now = self._clock.real()
        leased = await inbox_leases.lease(
            self._engine,
            self.tenant_id,
            self._pull.asked,
            after=self._after,
            room=room,
            token=token,
            real_now=now,
            until=now.add(seconds=self._pull.lease.total_seconds()),
        )
        INBOX_PULLED.inc(len(leased.messages))
        INBOX_LEASES_EXPIRED.inc(leased.ran_out)
        if leased.edge is None or len(leased.messages) >= min(room, inbox_leases.AT_ONCE):
            return leased.messages, False
        self._after = leased.edge
        return leased.messages, True

    async def _recount(self) -> None:
        leases = [Lease(event_id, token) for event_id, token in self._out.items()]
        held = await inbox_leases.held(self._engine, self.tenant_id, leases, real_now=self._clock.real())
        self._out = {event_id: token for event_id, token in self._out.items() if event_id in held}

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
        except TimeoutError:
            return

    async def _give_back(self, unsent: list[Lease]) -> None:
        await inbox_leases.release(self._engine, self.tenant_id, unsent, free_from=self._clock.real())
        self._pulls.arrived([self.tenant_id])


def _leaving() -> DependencyUnavailable:
    return DependencyUnavailable("this replica is stopping; call again")
