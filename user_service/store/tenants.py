"""Tenants: created together with their first key, and marked for the feed."""

import uuid

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import AlreadyExists, NotFound
from chassis.wire import moment
from user_service.domain.api_keys import ApiKey, Scope
from user_service.domain.changes import Urgency
from user_service.domain.occasions import LeapDayRule
from user_service.domain.tenants import Tenant, TenantDraft
from user_service.store import tables
from user_service.store.api_keys import add_key
from user_service.store.transactions import settled

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
            await connection.execute(
                insert(tables.user_changes).values(
                    tenant_id=tenant_id,
                    user_id="",
                    version=tenant.version,
                    urgency=Urgency.TENANT,
                    change_time=moment(real),
                )
            )
            return tenant, key, secret

        return await settled(self._engine, work)

    async def get(self, tenant_id: str) -> Tenant:
        """Return one tenant.

        Raises:
            NotFound: there is none with this id.
        """
        query = select(tables.tenants).where(tables.tenants.c.tenant_id == tenant_id)
        async with self._engine.connect() as connection:
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
        raise AlreadyExists(f'there is a tenant with the name "{draft.name}" already; choose another name')
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
