"""What tenants decided about their deliveries; a tenant without a row has the defaults."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from chassis.errors import StaleVersion
from delivery_service.domain.delivery_settings import (
    DeliverySettings,
    DeliverySettingsEdit,
    InboxMode,
    after_update,
    check_etag,
)
from delivery_service.store.tables import tenant_settings

_SETTINGS = (
    tenant_settings.c.inbox_mode,
    tenant_settings.c.retention_days,
    tenant_settings.c.version,
    tenant_settings.c.update_time,
)


async def get(engine: AsyncEngine, tenant_id: str) -> DeliverySettings:
    """Return a tenant's settings; by the primary key."""
    async with engine.connect() as connection:
        return await _stored(connection, tenant_id)


async def change(
    engine: AsyncEngine, tenant_id: str, edit: DeliverySettingsEdit, *, etag: str, now: Instant
) -> DeliverySettings:
    """Change what the edit names; return the settings as they are then. By the primary key.

    Raises:
        StaleVersion: they have another etag than the one given, or somebody else changed them just now.
    """
    async with unit_of_work(engine) as connection:
        stored = await _stored(connection, tenant_id)
        check_etag(stored, etag)
        after = after_update(stored, edit, now=now)
        if after is not None:
            await _write(connection, tenant_id, after)
    return after or stored


async def _stored(connection: AsyncConnection, tenant_id: str) -> DeliverySettings:
    query = select(*_SETTINGS).where(tenant_settings.c.tenant_id == tenant_id)
    row = (await connection.execute(query)).one_or_none()
    return DeliverySettings() if row is None else _settings(row)


async def _write(connection: AsyncConnection, tenant_id: str, after: DeliverySettings) -> None:
    values = {
        "inbox_mode": int(after.inbox_mode),
        "retention_days": after.retention_days,
        "version": after.version,
        "update_time": after.update_time.to_stdlib() if after.update_time else None,
    }
    if after.version == 1:
        try:
            await connection.execute(insert(tenant_settings).values(tenant_id=tenant_id, **values))
        except IntegrityError as error:
            raise _overtaken() from error
        return
    done = await connection.execute(
        update(tenant_settings)
        .where(tenant_settings.c.tenant_id == tenant_id, tenant_settings.c.version == after.version - 1)
        .values(values)
    )
    if done.rowcount != 1:
        raise _overtaken()


def _overtaken() -> StaleVersion:
    return StaleVersion(
        "somebody else changed the delivery settings just now; read them again and repeat the change"
    )


def _settings(row: Any) -> DeliverySettings:
    return DeliverySettings(
        InboxMode(row.inbox_mode), row.retention_days, row.version, Instant(row.update_time)
    )
