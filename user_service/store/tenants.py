"""Tenants: created together with their first key, changed, and marked for the feed."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import AlreadyExists, NotFound
from chassis.wire import moment
from user_service.domain.api_keys import ApiKey, Scope
from user_service.domain.changes import Urgency
from user_service.domain.occasions import LeapDayRule
from user_service.domain.tenants import Tenant, TenantDraft, TenantEdit, after_update, check_etag
from user_service.store import tables
from user_service.store.api_keys import add_key
from user_service.store.transactions import settled

# Primary key.
_BY_ID = select(tables.tenants)
_NEXT_VERSION = text("SELECT nextval('user_versions')")
FIRST_KEY = "default"


class Tenants:
    """All tenants of the deployment."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, draft: TenantDraft, *, now: Instant, real: Instant) -> tuple[Tenant, ApiKey, str]:
        """Store a tenant with its first key; return both and the key's secret, which is stored nowhere.

        Raises:
            AlreadyExists: the name is taken.
        """
        tenant_id = str(uuid.uuid4())

        async def work(connection: AsyncConnection) -> tuple[Tenant, ApiKey, str]:
            tenant = await _insert(connection, tenant_id, draft, now)
            key, secret = await add_key(
                connection, tenant_id, name=FIRST_KEY, scopes=(Scope.TENANT,), expire_time=None, real=real
            )
            await _mark(connection, tenant, real)
            return tenant, key, secret

        return await settled(self._engine, work)

    async def get(self, tenant_id: str) -> Tenant:
        """Return one tenant.

        Raises:
            NotFound: there is none with this id.
        """
        async with self._engine.connect() as connection:
            return await _read(connection, _BY_ID.where(tables.tenants.c.tenant_id == tenant_id), tenant_id)

    async def update(
        self, tenant_id: str, edit: TenantEdit, *, etag: str, now: Instant, real: Instant
    ) -> Tenant:
        """Change a tenant and mark it; an edit that changes nothing neither writes nor marks.

        Raises:
            NotFound: there is none with this id.
            StaleVersion: it has another etag than the given one.
            AlreadyExists: the new name is taken.
        """
        query = _BY_ID.where(tables.tenants.c.tenant_id == tenant_id).with_for_update()

        async def work(connection: AsyncConnection) -> Tenant:
            stored = await _read(connection, query, tenant_id)
            check_etag(stored, etag)
            after = after_update(stored, edit, now=Instant(moment(now)))
            if after is None:
                return stored
            after = replace(after, version=int((await connection.execute(_NEXT_VERSION)).scalar_one()))
            await _update(connection, after)
            await _mark(connection, after, real)
            return after

        return await settled(self._engine, work)


async def _read(connection: AsyncConnection, query: Select[Any], tenant_id: str) -> Tenant:
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no tenant {tenant_id}")
    return Tenant(
        tenant_id=row["tenant_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        locale=row["locale"],
        leap_day_rule=LeapDayRule(row["leap_day_rule"]),
        version=row["version"],
        create_time=Instant(row["create_time"]),
        update_time=Instant(row["update_time"]),
    )


async def _update(connection: AsyncConnection, tenant: Tenant) -> None:
    statement = (
        update(tables.tenants)
        .where(tables.tenants.c.tenant_id == tenant.tenant_id)
        .values(
            name=tenant.name,
            time_zone=tenant.time_zone,
            locale=tenant.locale,
            leap_day_rule=tenant.leap_day_rule,
            version=tenant.version,
            update_time=moment(tenant.update_time),
        )
    )
    try:
        await connection.execute(statement)
    except IntegrityError:  # the only constraint that an update can break is the name's
        raise _taken(tenant.name) from None


async def _mark(connection: AsyncConnection, tenant: Tenant, real: Instant) -> None:
    mark = upsert(tables.user_changes).values(
        tenant_id=tenant.tenant_id,
        user_id="",
        version=tenant.version,
        urgency=Urgency.TENANT,
        change_time=moment(real),
    )
    await connection.execute(
        mark.on_conflict_do_update(
            index_elements=["tenant_id", "user_id"], set_={"version": mark.excluded.version}
        )
    )


async def _insert(connection: AsyncConnection, tenant_id: str, draft: TenantDraft, now: Instant) -> Tenant:
    version = int((await connection.execute(_NEXT_VERSION)).scalar_one())
    at = moment(now)
    created = await connection.execute(
        upsert(tables.tenants)
        .values(
            tenant_id=tenant_id,
            name=draft.name,
            time_zone=draft.time_zone,
            locale=draft.locale,
            leap_day_rule=draft.leap_day_rule,
            version=version,
            create_time=at,
            update_time=at,
        )
        .on_conflict_do_nothing(constraint="tenants_name")
        .returning(tables.tenants.c.tenant_id)
    )
    if created.scalar() is None:
        raise _taken(draft.name)
    return Tenant(
        tenant_id=tenant_id,
        name=draft.name,
        time_zone=draft.time_zone,
        locale=draft.locale,
        leap_day_rule=draft.leap_day_rule,
        version=version,
        create_time=Instant(at),
        update_time=Instant(at),
    )


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f'there is a tenant with the name "{name}" already; choose another name')
