"""Who leads, for the status page."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_GET = text("SELECT holder, term, since FROM leadership WHERE role = :role")


async def get(connection: AsyncConnection, role: str) -> tuple[str, int, datetime] | None:
    """Return (holder, term, since) of a role, or None before the first election."""
    row = (await connection.execute(_GET, {"role": role})).first()
    return None if row is None else (row[0], int(row[1]), row[2])
