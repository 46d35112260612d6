"""The scheduler's copy of a tenant's defaults."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.domain.occasions import LeapDayRule
from scheduler_service.domain.recipients import TenantDefaults

# Primary key. An older version than the stored one changes nothing.
_UPSERT = text(
    """
    INSERT INTO tenants (tenant_id, version, time_zone, locale, leap_day_rule)
    VALUES (:tenant_id, :version, :time_zone, :locale, :leap_day_rule)
    ON CONFLICT (tenant_id) DO UPDATE
    SET version = excluded.version, time_zone = excluded.time_zone, locale = excluded.locale,
        leap_day_rule = excluded.leap_day_rule
    WHERE tenants.version <= excluded.version
    RETURNING xmax = 0 AS created
    """
)
# Primary key.
_LOAD = text(
    "SELECT tenant_id, time_zone, locale, leap_day_rule FROM tenants"
    " WHERE tenant_id = ANY(CAST(:tenant_ids AS text[]))"
)


async def upsert(connection: AsyncConnection, defaults: TenantDefaults, *, version: int) -> bool:
    """Remember a tenant's defaults; return whether it was not known before."""
    written = await connection.execute(
        _UPSERT,
        {
            "tenant_id": defaults.tenant_id,
            "version": version,
            "time_zone": defaults.time_zone,
            "locale": defaults.locale,
            "leap_day_rule": str(defaults.leap_day_rule),
        },
    )
    return bool(written.scalar())


async def load(connection: AsyncConnection, tenant_ids: Iterable[str]) -> dict[str, TenantDefaults]:
    """Return the defaults of those tenants that are known."""
    rows = await connection.execute(_LOAD, {"tenant_ids": list(tenant_ids)})
    return {row[0]: TenantDefaults(row[0], row[1], row[2], LeapDayRule(row[3])) for row in rows}
