"""Holidays of tenants. Which rules look at them is the rules' business; the lock is here."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Date

# One writer per tenant at a time: two at once could pass the limit together.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('holidays:' || :tenant_id, 0))")
# Primary key.
_GET = text("SELECT name FROM holidays WHERE tenant_id = :tenant_id AND holiday_date = :date")
# Primary key, a range per tenant.
_COUNT = text("SELECT count(*) FROM holidays WHERE tenant_id = :tenant_id")
# Primary key.
_SET = text(
    """
    INSERT INTO holidays (tenant_id, holiday_date, name) VALUES (:tenant_id, :date, :name)
    ON CONFLICT (tenant_id, holiday_date) DO UPDATE SET name = excluded.name
    """
)
# Primary key.
_DELETE = text("DELETE FROM holidays WHERE tenant_id = :tenant_id AND holiday_date = :date")
# Primary key, from where the last page ended.
_PAGE = text(
    """
    SELECT holiday_date, name FROM holidays
    WHERE tenant_id = :tenant_id AND (CAST(:after AS date) IS NULL OR holiday_date > :after)
    ORDER BY holiday_date LIMIT :size
    """
)


async def lock(connection: AsyncConnection, tenant_id: str) -> None:
    """Keep other writers of this tenant's holidays out until the transaction ends."""
    await connection.execute(_LOCK, {"tenant_id": tenant_id})


async def get(connection: AsyncConnection, tenant_id: str, on: Date) -> str | None:
    """Return the name of the holiday of this date."""
    found = await connection.execute(_GET, {"tenant_id": tenant_id, "date": on.to_stdlib()})
    name = found.scalar()
    return None if name is None else str(name)


async def count(connection: AsyncConnection, tenant_id: str) -> int:
    """Return how many holidays a tenant has."""
    return int((await connection.execute(_COUNT, {"tenant_id": tenant_id})).scalar_one())


async def put(connection: AsyncConnection, tenant_id: str, on: Date, *, name: str) -> None:
    """Write a holiday, or another name of it."""
    await connection.execute(_SET, {"tenant_id": tenant_id, "date": on.to_stdlib(), "name": name})


async def delete(connection: AsyncConnection, tenant_id: str, on: Date) -> None:
    """Remove the holiday of this date."""
    await connection.execute(_DELETE, {"tenant_id": tenant_id, "date": on.to_stdlib()})


async def page(
    connection: AsyncConnection, tenant_id: str, *, after: Date | None, size: int
) -> list[tuple[Date, str]]:
    """Return the next `size` holidays of a tenant in the order of their dates."""
    bound = {"tenant_id": tenant_id, "after": None if after is None else after.to_stdlib(), "size": size}
    return [(Date(row[0]), row[1]) for row in await connection.execute(_PAGE, bound)]
