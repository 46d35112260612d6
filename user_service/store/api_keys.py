"""API keys: made with a secret that only the caller ever sees, verified by its hash."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import NotFound, Unauthenticated
from chassis.wire import moment
from user_service.domain.api_keys import ApiKey, Scope, digest
from user_service.store import tables
from user_service.store.rows import optional_instant
from user_service.store.transactions import settled

_KEYS = tables.api_keys
_SECRETS = tables.api_key_secrets


class ApiKeys:
    """The keys of all tenants and of the operators."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self, tenant_id: str, *, name: str, expire_time: Instant | None, real: Instant
    ) -> tuple[ApiKey, str]:
        """Store a new key of the tenant; return it and its secret, which is stored nowhere."""

        async def work(connection: AsyncConnection) -> tuple[ApiKey, str]:
            return await add_key(
                connection, tenant_id, name=name, scopes=(Scope.TENANT,), expire_time=expire_time, real=real
            )

        return await settled(self._engine, work)

    async def create_operator_key(self, *, real: Instant) -> str | None:
        """Make the operator's key and return its secret, or None when there is one already."""

        async def work(connection: AsyncConnection) -> str | None:
            # Two that bootstrap at the same time must not make two keys.
            await connection.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))
            query = select(func.count()).where(_KEYS.c.scopes.contains([Scope.OPERATOR]))
            if (await connection.execute(query)).scalar_one():
                return None
            _, secret = await add_key(
                connection, None, name="operator", scopes=(Scope.OPERATOR,), expire_time=None, real=real
            )
            return secret

        return await settled(self._engine, work)

    async def verify(self, secret: str, *, real: Instant) -> ApiKey:
        """Return the key of a secret.

        Raises:
            Unauthenticated: it is unknown, expired or revoked.
        """
        query = select(_KEYS).join(_SECRETS).where(_SECRETS.c.secret_hash == digest(secret))
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise Unauthenticated("the API key is not known; check that it was copied whole, from rl_ on")
        key = _key_of(row)
        if not key.works_at(real):
            why = "revoked" if key.revoke_time is not None else "expired"
            raise Unauthenticated(f"the API key {key.api_key_id} is {why}; use another one")
        return key

    async def list(self, tenant_id: str, *, after: str, most: int) -> Sequence[ApiKey]:
        """Return up to `most` keys of the tenant behind the id `after`, by id."""
        query = (
            select(_KEYS)
            .where(_KEYS.c.tenant_id == tenant_id, _KEYS.c.api_key_id > after)
            .order_by(_KEYS.c.api_key_id)
            .limit(most)
        )
        async with self._engine.connect() as connection:
            return [_key_of(row) for row in (await connection.execute(query)).mappings()]

    async def revoke(self, tenant_id: str, api_key_id: str, *, real: Instant) -> ApiKey:
        """End a key of the tenant and return it; a revoked one keeps the instant it was revoked at.

        Raises:
            NotFound: the tenant has no such key.
        """
        statement = (
            update(_KEYS)
            .where(_KEYS.c.tenant_id == tenant_id, _KEYS.c.api_key_id == api_key_id)
            .values(revoke_time=func.coalesce(_KEYS.c.revoke_time, moment(real)))
            .returning(_KEYS)
        )

        async def work(connection: AsyncConnection) -> Any:
            return (await connection.execute(statement)).mappings().one_or_none()

        row = await settled(self._engine, work)
        if row is None:
            raise NotFound(f"there is no API key {api_key_id!r}")
        return _key_of(row)


async def add_key(
    connection: AsyncConnection,
    tenant_id: str | None,
    *,
    name: str,
    scopes: tuple[Scope, ...],
    expire_time: Instant | None,
    real: Instant,
) -> tuple[ApiKey, str]:
    """Store a key in the caller's transaction; return it and its secret."""
    secret = f"rl_{secrets.token_urlsafe(32)}"
    at = Instant(moment(real))
    key = ApiKey(f"key_{secrets.token_hex(10)}", tenant_id, name, scopes, at, expire_time)
    await connection.execute(
        insert(_KEYS).values(
            api_key_id=key.api_key_id,
            tenant_id=tenant_id,
            name=name,
            scopes=list(scopes),
            create_time=moment(real),
            expire_time=None if expire_time is None else moment(expire_time),
        )
    )
    await connection.execute(
        insert(_SECRETS).values(
            secret_hash=digest(secret), api_key_id=key.api_key_id, create_time=moment(real)
        )
    )
    return key, secret


def _key_of(row: Any) -> ApiKey:
    return ApiKey(
        api_key_id=row["api_key_id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        scopes=tuple(Scope(scope) for scope in row["scopes"]),
        create_time=Instant(row["create_time"]),
        expire_time=optional_instant(row["expire_time"]),
        revoke_time=optional_instant(row["revoke_time"]),
    )
