"""The scheduler's copy of a tenant's defaults."""

from collections.abc import Iterable
from enum import Enum, auto

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Date, Instant

from scheduler_service.domain.occasions import LeapDayRule
from scheduler_service.domain.recipients import TenantDefaults

# Primary key.
_GET = text(
    "SELECT time_zone, locale, leap_day_rule, version, epoch FROM tenants WHERE tenant_id = :tenant_id FOR UPDATE"
)
# Primary key. Versions are comparable only within one epoch of user_service's store.
_UPSERT = text(
    """
    INSERT INTO tenants (tenant_id, version, epoch, time_zone, locale, leap_day_rule)
    VALUES (:tenant_id, :version, :epoch, :time_zone, :locale, :leap_day_rule)
    ON CONFLICT (tenant_id) DO UPDATE
    SET version = excluded.version, epoch = excluded.epoch, time_zone = excluded.time_zone,
        locale = excluded.locale, leap_day_rule = excluded.leap_day_rule
    """
)
# Primary key, a range. Every rule of the tenant is planned anew, and what was rendered or decided on
# under the older defaults loses.
_RETIME = text(
    """
    UPDATE event_types SET version = version + 1, timing_version = timing_version + 1, replan_cursor = '',
        update_time = :now
    WHERE tenant_id = :tenant_id AND state <> 'DELETED'
    """
)
# Primary keys of tenants and holidays.
_LOAD = text(
    """
    SELECT tenant_id, time_zone, locale, leap_day_rule,
        ARRAY(SELECT holiday_date FROM holidays h WHERE h.tenant_id = t.tenant_id) AS holidays
    FROM tenants t WHERE tenant_id = ANY(CAST(:tenant_ids AS text[]))
    """
)


class Effect(Enum):
    """What a tenant's change did."""

    CREATED = auto()
    RETIMED = auto()
    """Zone or leap rule changed: all its people are to be planned anew."""
    NONE = auto()


async def upsert(
    connection: AsyncConnection, defaults: TenantDefaults, *, version: int, epoch: str, now: Instant
) -> Effect:
    """Remember a tenant's defaults, unless newer ones are known; return what that changes."""
    found = (await connection.execute(_GET, {"tenant_id": defaults.tenant_id})).first()
    if found is not None and found[4] == epoch and found[3] >= version:
        return Effect.NONE
    await connection.execute(
        _UPSERT,
        {
            "tenant_id": defaults.tenant_id,
            "version": version,
            "epoch": epoch,
            "time_zone": defaults.time_zone,
            "locale": defaults.locale,
            "leap_day_rule": str(defaults.leap_day_rule),
        },
    )
    if found is None:
        return Effect.CREATED
    if (found[0], found[2]) == (defaults.time_zone, str(defaults.leap_day_rule)):
        return Effect.NONE
    await connection.execute(_RETIME, {"tenant_id": defaults.tenant_id, "now": now.to_stdlib()})
    return Effect.RETIMED


async def load(connection: AsyncConnection, tenant_ids: Iterable[str]) -> dict[str, TenantDefaults]:
    """Return the defaults of those tenants that are known."""
    rows = await connection.execute(_LOAD, {"tenant_ids": list(tenant_ids)})
    return {
        row[0]: TenantDefaults(row[0], row[1], row[2], LeapDayRule(row[3]), frozenset(map(Date, row[4])))
        for row in rows
    }
