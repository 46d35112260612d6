"""Changes of people who cannot be planned yet: acknowledged to the feed, kept here, tried again by each new leader."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.arrays import source, turned

_KEY = {"tenant_id": "text", "user_id": "text"}
_WRITTEN = {**_KEY, "reason": "text", "body": "bytea"}

# Primary key.
_INSERT = text(
    f"""
    INSERT INTO parked (tenant_id, user_id, reason, body)
    SELECT * FROM {source(_WRITTEN)} ORDER BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET reason = excluded.reason, body = excluded.body
    """  # noqa: S608 - column names of this module
)
# Primary key.
_DELETE = text(
    f"""
    DELETE FROM parked p USING {source(_KEY)}
    WHERE p.tenant_id = input.tenant_id AND p.user_id = input.user_id
    """  # noqa: S608
)
# Primary key, from where the last page ended.
_PAGE = text(
    "SELECT tenant_id, user_id, body FROM parked WHERE (tenant_id, user_id) > (:tenant_id, :user_id)"
    " ORDER BY tenant_id, user_id LIMIT :size"
)
# A scan: the table holds exceptions.
_COUNT = text("SELECT count(*) FROM parked")
_CLEAR = text("DELETE FROM parked")

Key = tuple[str, str]


async def insert(connection: AsyncConnection, rows: Sequence[tuple[str, str, str, bytes]]) -> None:
    """Keep (tenant, user, reason, bytes of the change); a newer change of a person takes the older one's place."""
    if rows:
        await connection.execute(_INSERT, turned(_WRITTEN, rows))


async def delete(connection: AsyncConnection, keys: Sequence[Key]) -> None:
    """Forget what was kept of these people: something newer was applied."""
    if keys:
        await connection.execute(_DELETE, turned(_KEY, keys))


async def clear(connection: AsyncConnection) -> None:
    """Forget everything: the feed begins anew and brings everybody."""
    await connection.execute(_CLEAR)


async def page(connection: AsyncConnection, *, after: Key, size: int) -> list[tuple[Key, bytes]]:
    """Return the next `size` people in id order, with the bytes of their change."""
    bound = {"tenant_id": after[0], "user_id": after[1], "size": size}
    return [((row[0], row[1]), row[2]) for row in await connection.execute(_PAGE, bound)]


async def count(connection: AsyncConnection) -> int:
    """Return how many people wait here."""
    return int((await connection.execute(_COUNT)).scalar_one())
