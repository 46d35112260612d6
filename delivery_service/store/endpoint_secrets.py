"""Signing secrets of endpoints; their times are of the real clock.

A change locks the endpoint's row first: of two rotations at once the second one sees what the first one did.
All statements go by the primary key, which begins with tenant and endpoint.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from chassis.errors import AlreadyExists, NotFound
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoint_secrets import Rotation, StoredSecret, expiry
from delivery_service.domain.signatures import Secret, SecretKind, public_key_text

Decide = Callable[[Sequence[StoredSecret]], Rotation]
"""Takes the secrets of an endpoint, newest first; says what a rotation does to them."""

# Whoever reads these signs by them until he reads again; what runs out meanwhile is left out by `until`.
_VALID = text(
    """
    SELECT tenant_id, endpoint_id, secret_id, secret, kind, expire_time
    FROM endpoint_secrets JOIN unnest(CAST(:tenants AS text[]), CAST(:endpoints AS text[]))
        AS lane (tenant_id, endpoint_id) USING (tenant_id, endpoint_id)
    WHERE expire_time IS NULL OR expire_time > clock_timestamp()
    ORDER BY create_time DESC, secret_id
    """
)
_LOCK = text("SELECT 1 FROM endpoints WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id FOR UPDATE")
_ALL = text(
    """
    SELECT endpoint.endpoint_id, secret_id, secret, kind, secret.create_time, expire_time
    FROM endpoints AS endpoint LEFT JOIN endpoint_secrets AS secret USING (tenant_id, endpoint_id)
    WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id
    ORDER BY secret.create_time DESC, secret_id
    """
)
_END = text(
    """
    UPDATE endpoint_secrets SET expire_time = :until
    WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND secret_id = ANY(CAST(:ended AS text[]))
    """
)
_ADD = text(
    """
    INSERT INTO endpoint_secrets (tenant_id, endpoint_id, secret_id, secret, create_time, kind)
    VALUES (:tenant_id, :endpoint_id, :secret_id, :secret, :create_time, :kind)
    """
)
# A key that has run out is of no use but to a thief; that there was one stays known, of the last twenty.
_WIPE = text(
    """
    UPDATE endpoint_secrets SET secret = ''
    WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND expire_time <= :now AND secret <> ''
    """
)
_FORGET = text(
    """
    DELETE FROM endpoint_secrets
    WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND secret_id IN (
        SELECT secret_id FROM endpoint_secrets
        WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND expire_time <= :now
        ORDER BY expire_time DESC, create_time DESC OFFSET 20)
    """
)


async def valid(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> dict[LaneKey, tuple[Secret, ...]]:
    """Return the secrets of these endpoints that sign now, newest first."""
    named = {"tenants": [lane.tenant_id for lane in lanes], "endpoints": [lane.endpoint_id for lane in lanes]}
    found: dict[LaneKey, list[Secret]] = {}
    for row in (await connection.execute(_VALID, named)).all():
        found.setdefault(LaneKey(row.tenant_id, row.endpoint_id), []).append(_secret(row))
    return {lane: tuple(secrets) for lane, secrets in found.items()}


async def page(engine: AsyncEngine, lane: LaneKey) -> list[StoredSecret]:
    """Return what may be known of an endpoint's secrets, newest first; at most 20 of them have run out.

    Raises:
        NotFound: the tenant has no such endpoint.
    """
    async with engine.connect() as connection:
        return [_stored(row) for row in await _rows(connection, lane)]


class Changed(NamedTuple):
    """What a change did: the ids of the secrets that it gave an end, and all secrets after it, newest first."""

    ended: tuple[str, ...]
    present: list[StoredSecret]


async def rotate(
    engine: AsyncEngine, lane: LaneKey, secret: Secret, *, decide: Decide, now: Instant
) -> Changed:
    """Add a secret to an endpoint and let others run out, as `decide` says of those there are.

    Raises:
        NotFound: the tenant has no such endpoint.
        AlreadyExists: the endpoint signs with this very key.
    """
    async with unit_of_work(engine) as connection:
        rows = await _locked(connection, lane)
        for row in rows:
            if row.secret == secret.key:
                raise AlreadyExists(
                    f'the endpoint has this very secret as "{row.secret_id}"; give another one'
                )
        decided = decide([_stored(row) for row in rows])
        await _end(connection, lane, decided.replaced, decided.until)
        added = {
            "secret_id": secret.secret_id,
            "secret": secret.key,
            "kind": secret.kind,
            "create_time": decided.create_time.to_stdlib(),
        }
        await connection.execute(_ADD, {**lane._asdict(), **added})
        return Changed(decided.replaced, await _tidied(connection, lane, now))


async def expire(engine: AsyncEngine, lane: LaneKey, secret_id: str, *, now: Instant) -> Changed:
    """End a secret at once; one that has ended stays as it is.

    Raises:
        NotFound: the tenant has no such endpoint, or it no such secret.
        IllegalTransition: no secret would be left that does not run out.
    """
    async with unit_of_work(engine) as connection:
        present = [_stored(row) for row in await _locked(connection, lane)]
        until = expiry(present, secret_id, now=now)
        if until is None:
            return Changed((), present)
        await _end(connection, lane, [secret_id], until)
        return Changed((secret_id,), await _tidied(connection, lane, now))


async def _locked(connection: AsyncConnection, lane: LaneKey) -> Sequence[Any]:
    await connection.execute(_LOCK, lane._asdict())
    return await _rows(connection, lane)


async def _rows(connection: AsyncConnection, lane: LaneKey) -> Sequence[Any]:
    rows = (await connection.execute(_ALL, lane._asdict())).all()
    if not rows:
        raise NotFound(f'there is no endpoint "{lane.endpoint_id}"')
    return [row for row in rows if row.secret_id is not None]


async def _end(connection: AsyncConnection, lane: LaneKey, ended: Sequence[str], until: Instant) -> None:
    named = {**lane._asdict(), "ended": list(ended), "until": until.to_stdlib()}
    await connection.execute(_END, named)


async def _tidied(connection: AsyncConnection, lane: LaneKey, now: Instant) -> list[StoredSecret]:
    for statement in (_WIPE, _FORGET):
        await connection.execute(statement, {**lane._asdict(), "now": now.to_stdlib()})
    return [_stored(row) for row in await _rows(connection, lane)]


def _secret(row: Any) -> Secret:
    kind = SecretKind(row.kind)
    if row.expire_time is None:
        return Secret(row.secret_id, row.secret, kind)
    return Secret(row.secret_id, row.secret, kind, row.expire_time.timestamp())


def _stored(row: Any) -> StoredSecret:
    kind = SecretKind(row.kind)
    return StoredSecret(
        row.secret_id,
        kind,
        Instant(row.create_time),
        None if row.expire_time is None else Instant(row.expire_time),
        public_key_text(row.secret) if kind is SecretKind.ED25519 and row.secret else "",
    )
