"""Replicas: one row and one lease per running process, by PostgreSQL's real clock.

The number is new at each start: what a killed process held is never mistaken for what its successor
holds, even under the same name.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_REGISTER = text(
    "INSERT INTO replicas (replica_id, lease_until)"
    " VALUES (:replica_id, clock_timestamp() + make_interval(secs => :lease)) RETURNING number"
)
_RENEW = text(
    "UPDATE replicas SET lease_until = clock_timestamp() + make_interval(secs => :lease)"
    " WHERE number = :number RETURNING number"
)
# Locked, so that of two replicas that find it dead one takes over, and its late renewal waits and finds nothing.
_DEAD = text(
    "SELECT number, replica_id FROM replicas WHERE lease_until < clock_timestamp() AND number <> :number"
    " ORDER BY number FOR UPDATE SKIP LOCKED"
)
_LIVING = text("SELECT count(*) FROM replicas WHERE lease_until >= clock_timestamp()")
_REMOVE = text("DELETE FROM replicas WHERE number = ANY(CAST(:numbers AS bigint[]))")


async def register(connection: AsyncConnection, replica_id: str, *, lease_seconds: float) -> int:
    """Return the number of a new owner."""
    found = await connection.execute(_REGISTER, {"replica_id": replica_id, "lease": lease_seconds})
    return int(found.scalar_one())


async def renew(connection: AsyncConnection, number: int, *, lease_seconds: float) -> bool:
    """Prolong the lease; False when the row is gone: somebody has taken over what this owner held."""
    found = await connection.execute(_RENEW, {"number": number, "lease": lease_seconds})
    return found.scalar() is not None


async def lock_dead(connection: AsyncConnection, *, own: int) -> dict[int, str]:
    """Return number -> replica id of every owner whose lease ran out, locked until the transaction ends."""
    return {row.number: row.replica_id for row in (await connection.execute(_DEAD, {"number": own})).all()}


async def remove(connection: AsyncConnection, numbers: list[int]) -> None:
    """Forget these owners."""
    await connection.execute(_REMOVE, {"numbers": numbers})


async def living(engine: AsyncEngine) -> int:
    """Return how many replicas have a lease."""
    async with engine.connect() as connection:
        return int((await connection.execute(_LIVING)).scalar_one())
