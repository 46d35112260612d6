"""Ended events: insert-only, read by id, by tenant and by person."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.store.plans import Window

Row = Mapping[str, Any]

# Primary key.
_GET = text("SELECT * FROM events WHERE event_id = :event_id AND tenant_id = :tenant_id")

_FILTER = """
      AND (due_time, event_id) > (:after_time, :after_id)
      AND due_time > :due_after AND due_time < :due_before
      AND (:event_type_id = '' OR event_type_id = :event_type_id)
      AND state = ANY(CAST(:states AS text[]))
    ORDER BY due_time, event_id
    LIMIT :size
"""
# events_of_tenant.
_PAGE = text("SELECT * FROM events WHERE tenant_id = :tenant_id" + _FILTER)  # noqa: S608
# events_of_user.
_PAGE_OF_USER = text("SELECT * FROM events WHERE tenant_id = :tenant_id AND user_id = :user_id" + _FILTER)  # noqa: S608


async def get(connection: AsyncConnection, tenant_id: str, event_id: str) -> Row | None:
    """Return one ended event of this tenant."""
    found = await connection.execute(_GET, {"event_id": event_id, "tenant_id": tenant_id})
    row = found.mappings().first()
    return dict(row) if row is not None else None


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    user_id: str,
    after: tuple[datetime, str],
    window: Window,
    states: Sequence[str],
    size: int,
) -> list[Row]:
    """Return the next `size` ended events in (due_time, event_id) order."""
    found = await connection.execute(
        _PAGE_OF_USER if user_id else _PAGE,
        {
            "tenant_id": tenant_id,
            **({"user_id": user_id} if user_id else {}),
            "after_time": after[0],
            "after_id": after[1],
            "due_after": window.due_after,
            "due_before": window.due_before,
            "event_type_id": window.event_type_id,
            "states": list(states),
            "size": size,
        },
    )
    return [dict(row) for row in found.mappings()]
