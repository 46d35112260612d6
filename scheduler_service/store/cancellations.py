"""The outbox of what delivery has to stop, repeated until it has answered."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned

_LEASE_SECONDS = 2
_KEY = {"tenant_id": "text", "user_id": "text"}

# Primary key. A second deletion reaches further.
_INSERT = text(
    f"""
    INSERT INTO cancellations (tenant_id, user_id, decided_before)
    SELECT tenant_id, user_id, :decided_before
    FROM {source(_KEY)} ORDER BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET decided_before = greatest(cancellations.decided_before, excluded.decided_before),
        offered_until = 'epoch'
    """  # noqa: S608 - column names of this module
)
# A scan: the table holds what delivery has not answered yet.
_TAKE = text(
    """
    UPDATE cancellations SET offered_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE (tenant_id, user_id) IN (
        SELECT tenant_id, user_id FROM cancellations WHERE offered_until < clock_timestamp()
        ORDER BY create_time LIMIT :size FOR UPDATE SKIP LOCKED
    )
    RETURNING tenant_id, user_id, decided_before
    """
)
# Primary key; a deletion that came meanwhile stays.
_DELETE = text(
    "DELETE FROM cancellations WHERE tenant_id = :tenant_id AND user_id = :user_id"
    " AND decided_before = :decided_before"
)


async def insert(connection: AsyncConnection, keys: Sequence[tuple[str, str]], *, now: Instant) -> None:
    """Note that everything decided for these people up to `now` has to stop."""
    await connection.execute(_INSERT, {**turned(_KEY, keys), "decided_before": now.to_stdlib()})


async def take(connection: AsyncConnection, *, size: int) -> list[tuple[str, str, Instant]]:
    """Lease what nobody is telling delivery right now."""
    rows = await connection.execute(_TAKE, {"lease": _LEASE_SECONDS, "size": size})
    return [(row[0], row[1], Instant(row[2])) for row in rows]


async def delete(connection: AsyncConnection, tenant_id: str, user_id: str, decided_before: Instant) -> None:
    """Forget a cancellation that delivery has answered."""
    await connection.execute(
        _DELETE,
        {"tenant_id": tenant_id, "user_id": user_id, "decided_before": decided_before.to_stdlib()},
    )
