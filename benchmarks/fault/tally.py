"""What the receiver got and what the stores say, against who was due when."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

SECOND = 1_000_000_000
LATE_SECONDS = 1.0
"""A message later than this was delayed by the fault; the last such one is when it was over."""

_TWO_EVENTS = (
    "SELECT count(*) - count(DISTINCT (user_id, event_type_id, cycle)) FROM events WHERE tenant_id = $1"
)
_TWO_MESSAGES = "SELECT count(*) - count(DISTINCT event_id) FROM messages WHERE tenant_id = $1"
_TWO_OUTCOMES = (
    "SELECT count(*) - count(DISTINCT (event_id, endpoint_id)) FROM deliveries WHERE tenant_id = $1"
)


@dataclass(frozen=True)
class Tally:
    """One scenario: counts, and seconds.

    `double` counts a second id for one person and cycle, a second message or a second outcome of one
    event; `repeats` the same id on the wire again. `recovered` is from the fault until nothing was more
    than a second late any more.
    """

    people: int
    lost: int
    double: int
    early: int
    repeats: int
    recovered: float
    latest: float

    @property
    def right(self) -> bool:
        """Whether nothing was lost, doubled or early."""
        return self.lost == self.double == self.early == 0


@dataclass(frozen=True)
class Arrival:
    """One POST."""

    webhook_id: str
    user_id: str
    nanos: int


def arrivals(record: Path) -> list[Arrival]:
    """Return every POST that the receiver has recorded."""
    if not record.exists():
        return []
    found = []
    for line in record.read_bytes().splitlines():
        said = json.loads(line)
        user_id = json.loads(said["body"])["data"]["user"]["id"]
        found.append(Arrival(said["webhook_id"], user_id, said["arrival_ns"]))
    return found


def tally(due: Mapping[str, int], got: list[Arrival], *, fault: float, doubled_in_stores: int) -> Tally:
    """Compare; `due` is user -> Unix second, `fault` the Unix time of the fault."""
    first: dict[str, int] = {}
    ids: dict[str, set[str]] = defaultdict(set)
    for arrival in got:
        first[arrival.user_id] = min(arrival.nanos, first.get(arrival.user_id, arrival.nanos))
        ids[arrival.user_id].add(arrival.webhook_id)
    late = {user: (first[user] - due[user] * SECOND) / SECOND for user in due if user in first}
    delayed = [first[user] / SECOND - fault for user, seconds in late.items() if seconds > LATE_SECONDS]
    return Tally(
        people=len(due),
        lost=len(due.keys() - first.keys()),
        double=sum(len(names) - 1 for names in ids.values()) + doubled_in_stores,
        early=sum(arrival.nanos < due[arrival.user_id] * SECOND for arrival in got),
        repeats=len(got) - sum(len(names) for names in ids.values()),
        recovered=max(0.0, *delayed, 0.0),
        latest=max(late.values(), default=0.0),
    )


def doubled_in_stores(scheduler_url: str, delivery_url: str, tenant_id: str) -> int:
    """Return how many events of one cycle, messages or outcomes of one event there are too many."""

    async def count() -> int:
        found = 0
        for url, schema, queries in (
            (scheduler_url, "scheduler_service", [_TWO_EVENTS]),
            (delivery_url, "delivery_service", [_TWO_MESSAGES, _TWO_OUTCOMES]),
        ):
            connection = await connect(url, schema)
            found += sum([await connection.fetchval(query, tenant_id) for query in queries])
            await connection.close()
        return found

    return asyncio.run(count())


async def connect(url: str, schema: str) -> asyncpg.Connection:
    """Return a connection with a service's own role."""
    plain = url.replace("+asyncpg", "")
    return await asyncpg.connect(
        plain, ssl=False, server_settings={"search_path": schema, "application_name": "faults"}
    )
