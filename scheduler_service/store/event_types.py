"""Event types: the tenant's standing rules, versioned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from scheduler_service.domain.event_types import EventType
from scheduler_service.store.rule_rows import event_type_from, event_type_row


@dataclass(frozen=True)
class Stored:
    """An event type as it is stored: the rule, and what only people read."""

    rule: EventType
    display_name: str
    built_in: bool
    create_time: Instant
    update_time: Instant


@dataclass(frozen=True)
class Replan:
    """An event type whose timing changed: which recipients were already planned again."""

    event_type: EventType
    cursor: str


_RULE = (
    "tenant_id", "event_type_id", "version", "timing_version", "state", "occasion_kind", "local_time",
    "day_offset", "deliver_within", "enrol_time", "priority", "templates", "attributes", "recurrence",
    "rrule", "gap", "fold", "skipped_date", "late", "on_enrol", "weekend_shift", "min_gap", "spread",
)  # fmt: skip
_WRITTEN = (*_RULE, "display_name", "built_in", "create_time", "update_time")
_JSON = ("templates", "attributes")
_FIXED = ("tenant_id", "event_type_id", "occasion_kind", "recurrence", "built_in", "create_time")


def _value(name: str) -> str:
    return f"CAST(:{name} AS jsonb)" if name in _JSON else f":{name}"


# Primary key.
_INSERT = text(
    f"""
    INSERT INTO event_types ({", ".join(_WRITTEN)}, replanned_version)
    VALUES ({", ".join(map(_value, _WRITTEN))}, 0)
    ON CONFLICT (tenant_id, event_type_id) DO NOTHING
    RETURNING event_type_id
    """  # noqa: S608 - column names of this module
)
# Primary key. A changed timing starts the walk over the recipients anew.
_UPDATE = text(
    f"""
    UPDATE event_types SET
        replan_cursor = CASE WHEN timing_version < :timing_version THEN '' ELSE replan_cursor END,
        {", ".join(f"{name} = {_value(name)}" for name in _WRITTEN if name not in _FIXED)}
    WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id
    """  # noqa: S608
)
# Primary key. What the rule was under this version, for events that were decided with it.
_REMEMBER = text(
    """
    INSERT INTO event_type_versions (tenant_id, event_type_id, version, body, create_time)
    SELECT tenant_id, event_type_id, version, to_jsonb(e), update_time FROM event_types e
    WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id
    ON CONFLICT (tenant_id, event_type_id, version) DO NOTHING
    """
)
# Primary key.
_GET = text("SELECT * FROM event_types WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id")
_GET_LOCKED = text(_GET.text + " FOR UPDATE")
# Primary key.
_PAGE = text(
    "SELECT * FROM event_types WHERE tenant_id = :tenant_id AND event_type_id > :after"
    " AND (:show_deleted OR state <> 'DELETED') ORDER BY event_type_id LIMIT :size"
)
# Primary key of event_type_versions. The row comes back with the types it had.
_GET_VERSION = text(
    """
    SELECT e.* FROM event_type_versions v, jsonb_populate_record(NULL::event_types, v.body) AS e
    WHERE v.tenant_id = :tenant_id AND v.event_type_id = :event_type_id AND v.version = :version
    """
)
# One creator per tenant at a time: two at once could pass the limit together.
_LOCK_TENANT = text("SELECT pg_advisory_xact_lock(hashtextextended('event_types:' || :tenant_id, 0))")
# Primary key, a range per tenant.
_COUNT = text("SELECT count(*) FROM event_types WHERE tenant_id = :tenant_id AND state <> 'DELETED'")
# Primary key, a range per tenant, in its order.
_SHIFTED_LOCKED = text(
    "SELECT * FROM event_types WHERE tenant_id = :tenant_id AND weekend_shift <> 'NONE'"
    " AND state <> 'DELETED' ORDER BY event_type_id FOR UPDATE"
)
# Primary key, a range per tenant.
_OF_TENANTS = text("SELECT * FROM event_types WHERE tenant_id = ANY(CAST(:tenant_ids AS text[]))")
# A scan: there are tens of rules per tenant. A rule may be there before the feed has brought its tenant.
_UNPLANNED = text(
    "SELECT * FROM event_types WHERE replanned_version < timing_version"
    " AND tenant_id IN (SELECT tenant_id FROM tenants)"
    " ORDER BY update_time, tenant_id, event_type_id LIMIT 1"
)
# Primary key.
_PROGRESS = text(
    """
    UPDATE event_types SET replan_cursor = :cursor,
        replanned_version = CASE WHEN :done THEN :timing_version ELSE replanned_version END
    WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id AND timing_version = :timing_version
    """
)


async def insert(connection: AsyncConnection, stored: Stored) -> bool:
    """Write a new event type; return False when the id is taken."""
    written = (await connection.execute(_INSERT, _bound(stored))).scalar() is not None
    if written:
        await _remember(connection, stored)
    return written


async def update(connection: AsyncConnection, stored: Stored) -> None:
    """Write a changed event type that was read with `get(..., lock=True)`; the old version is kept beside."""
    await _remember(connection, stored)  # one that is older than this memory
    bound = {name: value for name, value in _bound(stored).items() if name not in _FIXED[2:]}
    await connection.execute(_UPDATE, bound)
    await _remember(connection, stored)


async def _remember(connection: AsyncConnection, stored: Stored) -> None:
    rule = stored.rule
    await connection.execute(_REMEMBER, {"tenant_id": rule.tenant_id, "event_type_id": rule.event_type_id})


async def get(
    connection: AsyncConnection, tenant_id: str, event_type_id: str, *, lock: bool = False
) -> Stored | None:
    """Return one event type, locked against other writers if asked."""
    found = await connection.execute(
        _GET_LOCKED if lock else _GET, {"tenant_id": tenant_id, "event_type_id": event_type_id}
    )
    row = found.mappings().first()
    return None if row is None else _stored(row)


async def get_version(
    connection: AsyncConnection, tenant_id: str, event_type_id: str, *, version: int
) -> Stored | None:
    """Return an event type as it was in one of its versions."""
    found = await connection.execute(
        _GET_VERSION, {"tenant_id": tenant_id, "event_type_id": event_type_id, "version": version}
    )
    row = found.mappings().first()
    return None if row is None else _stored(row)


async def page(
    connection: AsyncConnection, tenant_id: str, *, after: str, size: int, show_deleted: bool = False
) -> list[Stored]:
    """Return the next `size` event types of a tenant in id order."""
    bound = {"tenant_id": tenant_id, "after": after, "size": size, "show_deleted": show_deleted}
    found = await connection.execute(_PAGE, bound)
    return [_stored(row) for row in found.mappings()]


async def count_for_creation(connection: AsyncConnection, tenant_id: str) -> int:
    """Return how many event types a tenant has that are not deleted; nobody else creates one until the end
    of the transaction."""
    await connection.execute(_LOCK_TENANT, {"tenant_id": tenant_id})
    return int((await connection.execute(_COUNT, {"tenant_id": tenant_id})).scalar_one())


async def with_weekend_shift(connection: AsyncConnection, tenant_id: str) -> list[Stored]:
    """Return and lock a tenant's event types that look at weekends and holidays, in id order."""
    found = await connection.execute(_SHIFTED_LOCKED, {"tenant_id": tenant_id})
    return [_stored(row) for row in found.mappings()]


async def of_tenants(
    connection: AsyncConnection, tenant_ids: Iterable[str]
) -> dict[str, Sequence[EventType]]:
    """Return the rules of these tenants."""
    found = await connection.execute(_OF_TENANTS, {"tenant_ids": sorted(tenant_ids)})
    rules: dict[str, list[EventType]] = {}
    for row in found.mappings():
        rules.setdefault(row["tenant_id"], []).append(event_type_from(row))
    return dict(rules)


async def unplanned(connection: AsyncConnection) -> Replan | None:
    """Return the event type that waits longest for its recipients to be planned again."""
    row = (await connection.execute(_UNPLANNED)).mappings().first()
    return None if row is None else Replan(event_type_from(row), row["replan_cursor"])


async def progress(connection: AsyncConnection, replan: Replan, *, cursor: str, done: bool) -> bool:
    """Note how far a replan has come; without effect, and False, when the timing has changed again.

    After True nobody changes the rule until the end of the transaction.
    """
    rule = replan.event_type
    noted = await connection.execute(
        _PROGRESS,
        {
            "tenant_id": rule.tenant_id,
            "event_type_id": rule.event_type_id,
            "timing_version": rule.timing_version,
            "cursor": cursor,
            "done": done,
        },
    )
    return noted.rowcount > 0


def _stored(row: RowMapping) -> Stored:
    return Stored(
        rule=event_type_from(row),
        display_name=row["display_name"],
        built_in=row["built_in"],
        create_time=Instant(row["create_time"]),
        update_time=Instant(row["update_time"]),
    )


def _bound(stored: Stored) -> dict[str, Any]:
    return {
        **event_type_row(stored.rule),
        "display_name": stored.display_name,
        "built_in": stored.built_in,
        "create_time": stored.create_time.to_stdlib(),
        "update_time": stored.update_time.to_stdlib(),
    }
