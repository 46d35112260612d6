"""Event types: the tenant's standing rules, versioned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from scheduler_service.domain.event_types import EventType
from scheduler_service.store.rows import event_type_from


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


# Primary key.
_INSERT = text(
    """
    INSERT INTO event_types (tenant_id, event_type_id, display_name, version, timing_version,
        replanned_version, state, occasion_kind, local_time, day_offset, deliver_within, enrol_time,
        priority, templates, attributes, built_in, create_time, update_time)
    VALUES (:tenant_id, :event_type_id, :display_name, :version, :timing_version, 0, :state,
        :occasion_kind, :local_time, :day_offset, :deliver_within, :enrol_time, :priority,
        CAST(:templates AS jsonb), CAST(:attributes AS jsonb), :built_in, :create_time, :update_time)
    ON CONFLICT (tenant_id, event_type_id) DO NOTHING
    RETURNING event_type_id
    """
)
# Primary key. A changed timing starts the walk over the recipients anew.
_UPDATE = text(
    """
    UPDATE event_types SET display_name = :display_name, version = :version,
        replan_cursor = CASE WHEN timing_version < :timing_version THEN '' ELSE replan_cursor END,
        timing_version = :timing_version, state = :state, local_time = :local_time,
        day_offset = :day_offset, deliver_within = :deliver_within, enrol_time = :enrol_time,
        priority = :priority, templates = CAST(:templates AS jsonb),
        attributes = CAST(:attributes AS jsonb), update_time = :update_time
    WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id
    """
)
# Primary key.
_GET = text("SELECT * FROM event_types WHERE tenant_id = :tenant_id AND event_type_id = :event_type_id")
_GET_LOCKED = text(_GET.text + " FOR UPDATE")
# Primary key.
_PAGE = text(
    "SELECT * FROM event_types WHERE tenant_id = :tenant_id AND event_type_id > :after"
    " ORDER BY event_type_id LIMIT :size"
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
    written = await connection.execute(_INSERT, _bound(stored))
    return written.scalar() is not None


async def update(connection: AsyncConnection, stored: Stored) -> None:
    """Write a changed event type that was read with `get(..., lock=True)`."""
    bound = _bound(stored)
    for fixed in ("built_in", "create_time", "occasion_kind"):
        bound.pop(fixed)
    await connection.execute(_UPDATE, bound)


async def get(
    connection: AsyncConnection, tenant_id: str, event_type_id: str, *, lock: bool = False
) -> Stored | None:
    """Return one event type, locked against other writers if asked."""
    found = await connection.execute(
        _GET_LOCKED if lock else _GET, {"tenant_id": tenant_id, "event_type_id": event_type_id}
    )
    row = found.mappings().first()
    return None if row is None else _stored(row)


async def page(connection: AsyncConnection, tenant_id: str, *, after: str, size: int) -> list[Stored]:
    """Return the next `size` event types of a tenant in id order."""
    found = await connection.execute(_PAGE, {"tenant_id": tenant_id, "after": after, "size": size})
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


async def progress(connection: AsyncConnection, replan: Replan, *, cursor: str, done: bool) -> None:
    """Note how far a replan has come; without effect when the timing has changed again."""
    rule = replan.event_type
    await connection.execute(
        _PROGRESS,
        {
            "tenant_id": rule.tenant_id,
            "event_type_id": rule.event_type_id,
            "timing_version": rule.timing_version,
            "cursor": cursor,
            "done": done,
        },
    )


def _stored(row: RowMapping) -> Stored:
    return Stored(
        rule=event_type_from(row),
        display_name=row["display_name"],
        built_in=row["built_in"],
        create_time=Instant(row["create_time"]),
        update_time=Instant(row["update_time"]),
    )


def _bound(stored: Stored) -> dict[str, Any]:
    rule = stored.rule
    templates = [{"locale": t.locale, "title": t.title, "body": t.body} for t in rule.templates]
    return {
        "tenant_id": rule.tenant_id,
        "event_type_id": rule.event_type_id,
        "display_name": stored.display_name,
        "version": rule.version,
        "timing_version": rule.timing_version,
        "state": str(rule.state),
        "occasion_kind": rule.occasion_kind,
        "local_time": rule.local_time.to_stdlib(),
        "day_offset": rule.day_offset,
        "deliver_within": rule.deliver_within,
        "enrol_time": rule.enrol_time.to_stdlib(),
        "priority": int(rule.priority),
        "templates": orjson.dumps(templates).decode(),
        "attributes": orjson.dumps(rule.attributes).decode(),
        "built_in": stored.built_in,
        "create_time": stored.create_time.to_stdlib(),
        "update_time": stored.update_time.to_stdlib(),
    }
