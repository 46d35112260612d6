"""The outbox of what delivery has to stop, repeated until it has answered.

A row is about everything that was decided for a person (`event_id` empty) or about one event.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned

LEASE_SECONDS = 2
"""How long nobody else tells delivery of a row that somebody is telling it of; real seconds."""

_EVENT = {"tenant_id": "text", "user_id": "text", "event_id": "text"}
_ANSWERED = {**_EVENT, "decided_before": "timestamptz"}

# Primary key, in its order. A second stop of the same subject reaches further.
_INSERT = text(
    f"""
    INSERT INTO cancellations (tenant_id, user_id, event_id, decided_before, reason, offered_until)
    SELECT DISTINCT tenant_id, user_id, event_id, CAST(:decided_before AS timestamptz), :reason,
        CASE WHEN :lease > 0 THEN clock_timestamp() + make_interval(secs => :lease)
             ELSE CAST('epoch' AS timestamptz) END
    FROM {source(_EVENT)} ORDER BY tenant_id, user_id, event_id
    ON CONFLICT (tenant_id, user_id, event_id) DO UPDATE
    SET decided_before = greatest(cancellations.decided_before, excluded.decided_before),
        offered_until = excluded.offered_until
    """  # noqa: S608 - column names of this module
)
# A scan: the table holds what delivery has not answered yet. People and events are taken apart, so
# that a long list of events does not keep a deleted person waiting.
_TAKE = text(
    """
    UPDATE cancellations SET offered_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE (tenant_id, user_id, event_id) IN (
        SELECT tenant_id, user_id, event_id FROM cancellations
        WHERE offered_until < clock_timestamp() AND (event_id = '') = :people
        ORDER BY create_time LIMIT :size FOR UPDATE SKIP LOCKED
    )
    RETURNING tenant_id, user_id, event_id, decided_before, reason
    """
)
# Primary key; a stop that came meanwhile and reaches further stays.
_DELETE = text(
    f"""
    DELETE FROM cancellations c USING {source(_ANSWERED)}
    WHERE (c.tenant_id, c.user_id, c.event_id) = (input.tenant_id, input.user_id, input.event_id)
      AND c.decided_before <= input.decided_before
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Stop:
    """What delivery has to be told: stop what was decided before this instant, for one word of a reason."""

    tenant_id: str
    user_id: str
    event_id: str
    decided_before: Instant
    reason: str


async def insert(
    connection: AsyncConnection,
    keys: Sequence[tuple[str, str]],
    *,
    now: Instant,
    reason: str = "user_deleted",
) -> None:
    """Note that everything decided for these (tenant, user) up to `now` has to stop."""
    await insert_events(connection, [(*key, "") for key in keys], now=now, reason=reason)


async def insert_events(
    connection: AsyncConnection,
    events: Sequence[tuple[str, str, str]],
    *,
    now: Instant,
    reason: str,
    lease: float = 0,
) -> None:
    """Note that these (tenant, user, event id), decided before `now` (exclusive), have to stop.

    `reason` is one word for logs. `lease` keeps the canceller away for so many real seconds: for a
    caller who tells delivery itself.
    """
    if events:
        bound = {**turned(_EVENT, events), "decided_before": now.to_stdlib(), "reason": reason}
        await connection.execute(_INSERT, {**bound, "lease": lease})


async def take(connection: AsyncConnection, *, people: bool, size: int) -> list[Stop]:
    """Lease what nobody is telling delivery right now: stops of whole people, or of single events."""
    rows = await connection.execute(_TAKE, {"lease": LEASE_SECONDS, "size": size, "people": people})
    return [Stop(row[0], row[1], row[2], Instant(row[3]), row[4]) for row in rows]


async def delete(connection: AsyncConnection, answered: Sequence[Stop]) -> None:
    """Forget stops that delivery has answered, unless they reach further by now."""
    if answered:
        rows = [(s.tenant_id, s.user_id, s.event_id, s.decided_before.to_stdlib()) for s in answered]
        await connection.execute(_DELETE, turned(_ANSWERED, rows))
