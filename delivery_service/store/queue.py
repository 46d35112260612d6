"""The queue: pending deliveries. A replica owns rows, fetches unowned ones, gives its own back.

Every statement is carried by queue_lane (owner, tenant_id, endpoint_id, next_time) or the primary key.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source
from delivery_service.domain.deliveries import DeliveryCause, LaneKey, QueuedDelivery
from delivery_service.store.stops import stopped

# A skip scan: one probe of queue_lane per lane that has unowned rows, whatever their number. The owner is in
# ORDER BY although it is always NULL: otherwise the planner does not see that the index has the order.
_BACKLOG = text("""
    WITH RECURSIVE lane AS (
        (SELECT tenant_id, endpoint_id, next_time FROM queue
         WHERE owner IS NULL AND (tenant_id, endpoint_id) > (:tenant_id, :endpoint_id)
         ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT 1)
        UNION ALL
        SELECT q.tenant_id, q.endpoint_id, q.next_time FROM lane, LATERAL (
            SELECT tenant_id, endpoint_id, next_time FROM queue
            WHERE owner IS NULL AND (tenant_id, endpoint_id) > (lane.tenant_id, lane.endpoint_id)
            ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT 1
        ) q
    )
    SELECT tenant_id, endpoint_id, next_time FROM lane LIMIT :most
""")

# One probe of queue_lane per lane that is asked for.
_HEADS = text(f"""
    SELECT lane.tenant_id, lane.endpoint_id, q.next_time
    FROM {source({"tenant_id": "text", "endpoint_id": "text"}, name="lane")},
    LATERAL (
        SELECT next_time FROM queue
        WHERE owner IS NULL AND tenant_id = lane.tenant_id AND endpoint_id = lane.endpoint_id
        ORDER BY owner, tenant_id, endpoint_id, next_time LIMIT 1
    ) q
""")

_TAKE = text(f"""
    WITH picked AS MATERIALIZED (
        SELECT q.event_id, q.endpoint_id, q.round
        FROM {source({"tenant_id": "text", "endpoint_id": "text", "room": "integer"}, name="lane")},
        LATERAL (
            SELECT event_id, endpoint_id, round FROM queue
            WHERE owner IS NULL AND tenant_id = lane.tenant_id AND endpoint_id = lane.endpoint_id
              AND next_time <= :real_now
            ORDER BY owner, next_time LIMIT lane.room FOR UPDATE SKIP LOCKED
        ) q
    )
    UPDATE queue q SET owner = :owner FROM picked p
    WHERE q.event_id = p.event_id AND q.endpoint_id = p.endpoint_id AND q.round = p.round
    RETURNING q.event_id, q.endpoint_id, q.round, q.occurrence_date, q.attempts, q.tenant_id, q.user_id,
        q.decide_time, q.deliver_by, {stopped("q")} AS stopped
""")

_BODIES = text("""
    SELECT m.event_id, m.due_time, m.traceparent, m.body FROM messages m
    WHERE m.event_id = ANY(CAST(:event_id AS text[])) AND m.occurrence_date = ANY(CAST(:dates AS date[]))
""")

# Locked in the order of ids, as whatever else changes many rows.
_GIVE_BACK = """
    WITH locked AS MATERIALIZED (
        SELECT q.event_id, q.endpoint_id, q.round FROM {found}
        ORDER BY q.event_id, q.endpoint_id, q.round FOR UPDATE OF q
    )
    UPDATE queue q SET owner = NULL FROM locked l
    WHERE q.event_id = l.event_id AND q.endpoint_id = l.endpoint_id AND q.round = l.round
"""
_NAMED = source({"event_id": "text", "endpoint_id": "text"}, name="o")
_RELEASE = text(
    _GIVE_BACK.format(found=f"queue q JOIN {_NAMED} USING (event_id, endpoint_id) WHERE q.owner = :owner")
)
_RELEASE_ALL = text(_GIVE_BACK.format(found="queue q WHERE q.owner = ANY(CAST(:owners AS bigint[]))"))
# What a replica had that was killed or left without an answer may be at the receiver: the row says so until another
# attempt does.
_RELEASE_IN_DOUBT = text(
    _RELEASE_ALL.text.replace("SET owner = NULL", f"SET owner = NULL, cause = {DeliveryCause.IN_DOUBT:d}")
)
_OWNED = text("SELECT event_id, endpoint_id FROM queue WHERE owner = :owner")
# A skip scan: one probe of queue_lane per owner, whatever the number of rows.
_ORPHANED = text("""
    WITH RECURSIVE owning AS (
        SELECT min(owner) AS owner FROM queue
        UNION ALL
        SELECT (SELECT min(owner) FROM queue WHERE owner > owning.owner) FROM owning WHERE owning.owner IS NOT NULL
    )
    SELECT owner FROM owning
    WHERE owner IS NOT NULL AND NOT EXISTS (SELECT FROM replicas r WHERE r.number = owning.owner)
""")
# A vacuum that met the queue nearly empty leaves word that its pages hold no rows, however many pages come. Whatever
# joins the queue is then planned for one row and reads all of it for each row of a batch: seconds for 500 of 30,000.
_ANALYZE = text("ANALYZE (SKIP_LOCKED) queue")
_OPEN = text("SELECT count(*) FROM (SELECT FROM queue LIMIT 1000000) AS counted")


class Backlog(NamedTuple):
    """A lane with unowned rows and the real instant at which the first of them may be sent."""

    lane: LaneKey
    next_time: datetime


async def backlog(connection: AsyncConnection, *, after: LaneKey, most: int) -> list[Backlog]:
    """Return up to `most` lanes after `after` that have unowned rows, in the order of their keys.

    The inbox of each tenant, which is no lane, is among them.
    """
    rows = (await connection.execute(_BACKLOG, {**after._asdict(), "most": most})).all()
    return [Backlog(LaneKey(row.tenant_id, row.endpoint_id), row.next_time) for row in rows]


async def heads(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> dict[LaneKey, datetime]:
    """Return of each of these lanes when its first unowned row may be sent; one that has none is missing."""
    named = {
        "tenant_id": [lane.tenant_id for lane in lanes],
        "endpoint_id": [lane.endpoint_id for lane in lanes],
    }
    rows = (await connection.execute(_HEADS, named)).all()
    return {LaneKey(row.tenant_id, row.endpoint_id): row.next_time for row in rows}


async def take(
    connection: AsyncConnection, rooms: Sequence[tuple[LaneKey, int]], *, owner: int, real_now: Instant
) -> list[tuple[str, QueuedDelivery]]:
    """Make up to `room` due rows of each lane this owner's; return (endpoint id, delivery) of each."""
    taken = (
        await connection.execute(
            _TAKE,
            {
                "tenant_id": [lane.tenant_id for lane, _ in rooms],
                "endpoint_id": [lane.endpoint_id for lane, _ in rooms],
                "room": [room for _, room in rooms],
                "owner": owner,
                "real_now": real_now.to_stdlib(),
            },
        )
    ).all()
    if not taken:
        return []
    dates = sorted({row.occurrence_date for row in taken})
    found = await connection.execute(_BODIES, {"event_id": [row.event_id for row in taken], "dates": dates})
    messages = {row.event_id: row for row in found.all()}
    return [
        (
            row.endpoint_id,
            QueuedDelivery(
                row.event_id,
                row.round,
                row.occurrence_date,
                row.attempts,
                row.tenant_id,
                row.user_id,
                Instant(messages[row.event_id].due_time),
                Instant(row.decide_time),
                Instant(row.deliver_by),
                messages[row.event_id].traceparent,
                messages[row.event_id].body,
                row.stopped,
            ),
        )
        for row in taken
    ]


async def release(connection: AsyncConnection, owner: int, keys: Sequence[tuple[str, str]]) -> None:
    """Give the rows of these (event id, endpoint id) back, as far as the owner still has them."""
    columns = {"event_id": [key[0] for key in keys], "endpoint_id": [key[1] for key in keys]}
    await connection.execute(_RELEASE, {**columns, "owner": owner})


async def release_all(connection: AsyncConnection, owners: Sequence[int], *, in_doubt: bool = False) -> int:
    """Give every row of these owners back; return how many. `in_doubt`: some may have been on the wire."""
    statement = _RELEASE_IN_DOUBT if in_doubt else _RELEASE_ALL
    return (await connection.execute(statement, {"owners": list(owners)})).rowcount


async def owned(connection: AsyncConnection, owner: int) -> set[tuple[str, str]]:
    """Return (event id, endpoint id) of every row of this owner."""
    return {
        (row.event_id, row.endpoint_id) for row in (await connection.execute(_OWNED, {"owner": owner})).all()
    }


async def orphaned(connection: AsyncConnection) -> list[int]:
    """Return the owners that have rows but are no replicas any more: they committed after their take-over."""
    return list((await connection.execute(_ORPHANED)).scalars())


async def analyze(connection: AsyncConnection) -> None:
    """Let PostgreSQL's planner know how large the queue is now; a tenth of a second, whatever its size."""
    await connection.execute(_ANALYZE)


async def open_rows(connection: AsyncConnection) -> int:
    """Return how many deliveries are pending, the inbox included; counts at most a million."""
    return int((await connection.execute(_OPEN)).scalar_one())
