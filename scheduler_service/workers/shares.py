"""Which due plans to read next: a fair share for each tenant, what is late beside what is on time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from scheduler_service.domain.decisions import LATE_AFTER
from scheduler_service.store import plans
from scheduler_service.store.controls import Guard
from scheduler_service.store.plans import Due, Span

TURN: Final = 25
"""So many plans of a tenant before the next tenant's."""
LEAST: Final = 10
"""What a tenant may have at least in one look, however many others there are."""


def spans(now: Instant, horizon: Instant, guard: Guard | None) -> list[Span]:
    """Return which due times to read: late and on time, without what guard mode holds."""
    edge = now.subtract(seconds=LATE_AFTER.total("seconds"))
    whole = [Span(True, Instant.MIN, edge), Span(False, edge, horizon)]
    if guard is None or guard.expires:
        return whole
    pieces = [piece for span in whole for piece in _around(span, guard)]
    return [piece for piece in pieces if piece.after < piece.until]


async def due_plans(
    connection: AsyncConnection,
    shards: Sequence[int],
    wanted: Sequence[Span],
    *,
    horizon: Instant,
    size: int,
) -> list[Due]:
    """Return at most `size` plans of these shards, each tenant's turn by turn.

    What some do not need of their share the others get. Costs one probe of the index for each known
    tenant, and a range for each that has something due.
    """
    tenants = await plans.due_tenants(connection, horizon=horizon)
    if not tenants or not wanted:
        return []
    each = max(LEAST, size // len(tenants))
    found = await plans.due_keys(connection, shards, tenants=tenants, spans=wanted, each=each)
    lanes = Counter((row[0], row[1]) for row in found)
    more = {tenant for (tenant, _), count in lanes.items() if count >= each}
    if more and len(found) < size:
        each += (size - len(found)) // len(more)
        found = [row for row in found if row[0] not in more]
        found += await plans.due_keys(connection, shards, tenants=sorted(more), spans=wanted, each=each)
    return in_turns(found)[:size]


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
