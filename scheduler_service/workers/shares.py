"""Which due plans to read next: a fair share for each tenant, what is late beside what is on time."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from scheduler_service.domain.decisions import LATE_AFTER
from scheduler_service.store import plans
from scheduler_service.store.controls import Guard
from scheduler_service.store.plans import Due, Place, Stretch

TURN: Final = 25
"""So many plans of a tenant before the next tenant's."""
LEAST: Final = 10
"""What a tenant may have at least in one look, however many others there are."""
ANEW_SHARE: Final = 50
"""Reading from the beginning takes about a fiftieth of the time at most, however long the backlog is."""
LONGEST_ANEW_SECONDS: Final = 30.0
"""But it may have taken long for another reason: a lock, a PostgreSQL that was away."""


@dataclass(frozen=True, slots=True)
class Span:
    """Due times in (after, until]; `late`: of plans that are late."""

    late: bool
    after: Instant
    until: Instant


def spans(now: Instant, horizon: Instant, guard: Guard | None) -> list[Span]:
    """Return which due times to read: late and on time, without what guard mode holds."""
    edge = now.subtract(seconds=LATE_AFTER.total("seconds"))
    whole = [Span(True, Instant.MIN, edge), Span(False, edge, horizon)]
    if guard is None or guard.expires:
        return whole
    pieces = [piece for span in whole for piece in _around(span, guard)]
    return [piece for piece in pieces if piece.after < piece.until]


class Shares:
    """Says what to read next, each tenant's turn by turn, at most `size` plans at a time.

    Of a tenant that has more than its share it goes on where the first open plan was. Before it lies what
    is decided (its index entries stay until the next vacuum) and, of plans due in one instant, what other
    replicas have to decide: a million of them, read anew every half a second, took most of the time there
    is. From the beginning it reads now and then, every time as long as that is quick; what is made due in
    the past while a long backlog is worked off waits for it.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._shards: tuple[int, ...] = ()
        self._starts: dict[str, Place] = {}
        self._anew_at = 0.0

    async def read(
        self,
        connection: AsyncConnection,
        shards: tuple[int, ...],
        wanted: Sequence[Span],
        *,
        settled: Instant,
        horizon: Instant,
    ) -> list[Due]:
        """Return what of these shards is in the spans; what some tenants do not need the others get.

        What comes to be due from now on, a call under way included, is due after `settled`. Costs one probe of the index for each known tenant, and a range for each that has something due.
        """
        began = time.monotonic()
        anew = began >= self._anew_at or shards != self._shards
        if anew:
            self._starts.clear()
            self._shards = shards
        tenants = await plans.due_tenants(connection, horizon=horizon, starts=self._starts)
        found: list[Due] = []
        if tenants and wanted:
            found = await self._found(connection, tenants, wanted, settled)
        else:
            self._starts.clear()
        if anew:
            ended = time.monotonic()
            self._anew_at = ended + min(LONGEST_ANEW_SECONDS, ANEW_SHARE * (ended - began))
        return in_turns(found)[: self._size]

    async def _found(
        self,
        connection: AsyncConnection,
        tenants: Collection[str],
        wanted: Sequence[Span],
        settled: Instant,
    ) -> list[Due]:
        each = max(LEAST, self._size // len(tenants))
        stretches = self._stretches(tenants, wanted)
        found = await plans.due_keys(connection, self._shards, stretches=stretches, each=each)
        more = _rest(stretches, found, each)
        self._go_on(found, {stretch.tenant_id for stretch in more}, settled)
        if more and len(found) < self._size:
            each = (self._size - len(found)) // len(more)
            found += await plans.due_keys(connection, self._shards, stretches=more, each=each)
        return found

    def _stretches(self, tenants: Iterable[str], wanted: Sequence[Span]) -> list[Stretch]:
        starts = [(tenant, self._starts.get(tenant)) for tenant in tenants]
        lower = [(span, Place.after_all(span.after)) for span in wanted]
        return [
            Stretch(tenant, span.late, after if start is None else max(start, after), span.until)
            for tenant, start in starts
            for span, after in lower
        ]

    def _go_on(self, found: Iterable[Due], large: Collection[str], settled: Instant) -> None:
        """Note where the first open plan of each large tenant is, if that is before what still comes to be due."""
        firsts: dict[str, tuple[datetime, bytes]] = {}
        for tenant, _, plan_id, _, due_time in found:
            if tenant in large:
                place = due_time, plan_id
                firsts[tenant] = min(place, firsts.get(tenant, place))
        places = {tenant: Place(Instant(due_time), plan_id) for tenant, (due_time, plan_id) in firsts.items()}
        self._starts = {tenant: place for tenant, place in places.items() if place.due_time <= settled}


def _rest(stretches: Iterable[Stretch], found: Sequence[Due], each: int) -> list[Stretch]:
    """Return what is left of the stretches of which `each` were found."""
    counts = Counter((row[0], row[1]) for row in found)
    lasts = {(row[0], row[1]): row for row in found}
    rest = []
    for stretch in stretches:
        lane = stretch.tenant_id, stretch.late
        if counts[lane] >= each:
            last = Place(Instant(lasts[lane][4]), lasts[lane][2])
            if stretch.start <= last and last.due_time <= stretch.until:
                rest.append(replace(stretch, start=last.next))
    return rest


def in_turns(found: Iterable[Due]) -> list[Due]:
    """Return rows so that each tenant, and what of it is late, has its turn; the order within a lane stays."""
    lanes: defaultdict[tuple[str, bool], list[Due]] = defaultdict(list)
    for row in found:
        lanes[row[0], row[1]].append(row)
    if len(lanes) == 1:
        return next(iter(lanes.values()))
    rounds = zip_longest(*map(_pieces, lanes.values()), fillvalue=())
    return [row for turns in rounds for turn in turns for row in turn]


def _pieces(lane: list[Due]) -> Iterator[list[Due]]:
    return (lane[start : start + TURN] for start in range(0, len(lane), TURN))


def _around(span: Span, guard: Guard) -> list[Span]:
    """Return what of a span, (after, until], lies before and after the guard, [since, until)."""
    # A microsecond, which is what the store can tell apart: the two are closed at different ends.
    return [
        Span(span.late, span.after, min(span.until, guard.since.subtract(microseconds=1))),
        Span(span.late, max(span.after, guard.until.subtract(microseconds=1)), span.until),
    ]
