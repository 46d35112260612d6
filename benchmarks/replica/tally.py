"""What the receiver got and what the store says, against what was offered."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.fault.tally import connect
from benchmarks.replica.load import Offered, Stop

FEED_SECONDS = 0.25
"""Stops reach every replica within 200 ms; the rest is for what is being sent and read at that moment."""

_OPEN = "SELECT count(*) FROM queue WHERE tenant_id = $1 AND endpoint_id = $2"
_TWICE = (
    "SELECT count(*) - count(DISTINCT (event_id, endpoint_id)) FROM deliveries"
    " WHERE tenant_id = $1 AND endpoint_id = $2 AND occurrence_date BETWEEN $3 AND $4"
)
_CANCELLED = (
    "SELECT event_id FROM deliveries WHERE tenant_id = $1 AND endpoint_id = $2 AND state = 5"
    " AND occurrence_date BETWEEN $3 AND $4"
)


@dataclass(frozen=True)
class Stored:
    """What PostgreSQL says: deliveries that are still open, outcomes too many, events that were cancelled."""

    open: int
    twice: int
    cancelled: frozenset[str]


@dataclass(frozen=True)
class Counted:
    """One scenario; milliseconds from the hand-over's making until the receiver had it.

    `repeats` is how often an id came again, `repeated` of how many events; `foreign` are ids nobody offered.
    `at_the_stop` left within the time that stops take to get round, `after_stop` later.
    """

    offered: int
    lost: int
    foreign: int
    stored_twice: int
    repeats: int
    repeated: int
    cancelled: int
    at_the_stop: int
    after_stop: int
    latest_after_stop_ms: float
    p50_ms: float
    p99_ms: float
    latest_ms: float

    @property
    def right(self) -> bool:
        """Whether nothing was lost, stored twice, made up, or sent after its stop."""
        return not (self.lost or self.foreign or self.stored_twice or self.after_stop)


def stored(url: str, tenant_id: str, endpoint_id: str) -> Stored:
    """Ask the store of delivery about one endpoint."""

    async def ask() -> Stored:
        connection = await connect(url, "delivery_service")
        try:
            today = datetime.now(UTC).date()
            dates = (today.replace(day=1), today)
            return Stored(
                await connection.fetchval(_OPEN, tenant_id, endpoint_id),
                await connection.fetchval(_TWICE, tenant_id, endpoint_id, *dates),
                frozenset(
                    row["event_id"]
                    for row in await connection.fetch(_CANCELLED, tenant_id, endpoint_id, *dates)
                ),
            )
        finally:
            await connection.close()

    return asyncio.run(ask())


def count(
    offered: Mapping[str, Offered], arrived: Sequence[tuple[str, int]], stops: Sequence[Stop], found: Stored
) -> Counted:
    """Compare; `arrived` is (webhook id, Unix nanoseconds) of each POST."""
    times: dict[str, list[int]] = defaultdict(list)
    for name, nanos in arrived:
        times[name].append(nanos)
    late = sorted((min(times[name]) - offered[name].due_ns) / 1e6 for name in times if name in offered)
    again = Counter({name: len(each) - 1 for name, each in times.items()})
    after = [
        (nanos - stop.answered_ns) / 1e9
        for stop in stops
        for name, each in times.items()
        if name in offered and stop.covers(offered[name])
        for nanos in each
        if nanos > stop.answered_ns
    ]
    return Counted(
        offered=len(offered),
        lost=len(offered.keys() - times.keys() - found.cancelled),
        foreign=len(times.keys() - offered.keys()),
        stored_twice=found.twice,
        repeats=again.total(),
        repeated=sum(number > 0 for number in again.values()),
        cancelled=len(found.cancelled),
        at_the_stop=sum(seconds <= FEED_SECONDS for seconds in after),
        after_stop=sum(seconds > FEED_SECONDS for seconds in after),
        latest_after_stop_ms=max(after, default=0.0) * 1e3,
        p50_ms=late[len(late) // 2] if late else 0.0,
        p99_ms=late[int(len(late) * 0.99)] if late else 0.0,
        latest_ms=late[-1] if late else 0.0,
    )
