"""The key of all ids: a row of the first migration."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def hmac_key(engine: AsyncEngine) -> bytes:
    """Return the key with which plan ids are hashed; the same for the life of this store."""
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT hmac_key FROM identity"))
        return bytes(found.scalar_one())
