"""The store's own secret: the key under which care switches are hashed, made once by the migration."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from user_service.domain.care_switches import SwitchHash
from user_service.store import tables


class Identity:
    """The key of this store. It never changes, so it is read once per process."""

    def __init__(self) -> None:
        self._switch_hash: SwitchHash | None = None

    async def switch_hash(self, connection: AsyncConnection) -> SwitchHash:
        """Return the hash of care switches under this store's key."""
        if self._switch_hash is None:
            found = await connection.execute(select(tables.identity.c.hmac_key))
            self._switch_hash = SwitchHash(found.scalar_one())
        return self._switch_hash
