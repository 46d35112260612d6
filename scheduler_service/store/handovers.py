"""Hand-overs: decided events on their way to delivery, as bytes, until delivery has answered.

The lease (`offered_until`) is real time: it only keeps two replicas from offering the same bytes at once.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LEASE_SECONDS = 2.4

# Primary key.
_INSERT = text(
    "INSERT INTO handovers (handover_id, offered_until, events, body)"
    " VALUES (:handover_id, clock_timestamp() + make_interval(secs => :lease), :events, :body)"
)
# A scan: the table holds what is open, at most some tens of rows.
_TAKE = text(
    """
    UPDATE handovers SET offered_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE handover_id IN (
        SELECT handover_id FROM handovers
        WHERE offered_until < clock_timestamp() AND NOT stuck
        ORDER BY create_time LIMIT :size FOR UPDATE SKIP LOCKED
    )
    RETURNING handover_id, events, body
    """
)
# Primary key.
_DELETE = text("DELETE FROM handovers WHERE handover_id = :handover_id")
# Primary key.
_RELEASE = text(
    "UPDATE handovers SET offered_until = clock_timestamp() + make_interval(secs => :pause)"
    " WHERE handover_id = :handover_id"
)
# Primary key.
_STUCK = text("UPDATE handovers SET stuck = true WHERE handover_id = :handover_id")
# A scan of what is open.
_COUNT = text("SELECT count(*), coalesce(sum(events), 0) FROM handovers")
# A scan of what is open.
_WAITING = text("SELECT count(*) FROM handovers WHERE NOT stuck")


@dataclass(frozen=True)
class Handover:
    """One batch: the bytes of its AcceptEventsRequest, the same on every offer."""

    handover_id: uuid.UUID
    events: int
    body: bytes


async def insert(connection: AsyncConnection, handover: Handover) -> None:
    """Store a hand-over in the transaction that decided its events."""
    await connection.execute(
        _INSERT,
        {
            "handover_id": handover.handover_id,
            "lease": LEASE_SECONDS,
            "events": handover.events,
            "body": handover.body,
        },
    )


async def take(connection: AsyncConnection, *, size: int) -> list[Handover]:
    """Lease hand-overs that nobody has finished offering."""
    rows = await connection.execute(_TAKE, {"lease": LEASE_SECONDS, "size": size})
    return [Handover(*row) for row in rows]


async def delete(connection: AsyncConnection, handover_id: uuid.UUID) -> None:
    """Forget a hand-over that delivery has accepted."""
    await connection.execute(_DELETE, {"handover_id": handover_id})


async def release(connection: AsyncConnection, handover_id: uuid.UUID, *, pause: float) -> None:
    """Let any replica offer it again after `pause` real seconds, instead of after the rest of the lease."""
    await connection.execute(_RELEASE, {"handover_id": handover_id, "pause": pause})


async def stick(connection: AsyncConnection, handover_id: uuid.UUID) -> None:
    """Keep a hand-over of which delivery refused an item, for a person to look at."""
    await connection.execute(_STUCK, {"handover_id": handover_id})


async def count(connection: AsyncConnection) -> tuple[int, int]:
    """Return (open hand-overs, events in them)."""
    row = (await connection.execute(_COUNT)).one()
    return int(row[0]), int(row[1])


async def waiting(connection: AsyncConnection) -> int:
    """Return how many hand-overs delivery has not answered yet."""
    return int((await connection.execute(_WAITING)).scalar_one())
