"""Ended events: insert-only, read by id, by tenant, by person and by metadata."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.store.filters import Filter, of_ended

Row = Mapping[str, Any]
Key = tuple[datetime, str]
"""A place in a listing: (due_time, event_id)."""

# Primary key.
_GET = text("SELECT * FROM events WHERE event_id = :event_id AND tenant_id = :tenant_id")
# Primary key.
_OF_IDS = text(
    "SELECT * FROM events WHERE event_id = ANY(CAST(:event_ids AS text[])) AND tenant_id = :tenant_id"
)


async def get(connection: AsyncConnection, tenant_id: str, event_id: str) -> Row | None:
    """Return one ended event of this tenant."""
    found = await connection.execute(_GET, {"event_id": event_id, "tenant_id": tenant_id})
    row = found.mappings().first()
    return dict(row) if row is not None else None


async def of_ids(connection: AsyncConnection, tenant_id: str, event_ids: Sequence[str]) -> dict[str, Row]:
    """Return those of these events that have ended, by id."""
    found = await connection.execute(_OF_IDS, {"event_ids": list(event_ids), "tenant_id": tenant_id})
    return {row["event_id"]: dict(row) for row in found.mappings()}


async def page(
    connection: AsyncConnection, tenant_id: str, asked: Filter, *, after: Key, size: int
) -> list[Row]:
    """Return the next `size` ended events in (due_time, event_id) order."""
    if not asked.ended_states:
        return []
    found = await connection.execute(*page_statement(tenant_id, asked, after=after, size=size))
    return [dict(row) for row in found.mappings()]


async def count(connection: AsyncConnection, tenant_id: str, asked: Filter) -> int:
    """Return how many ended events a filter finds."""
    if not asked.ended_states:
        return 0
    conditions, bound = of_ended(asked)
    # events_of_tenant, events_of_user or events_by_metadata, as for a page.
    statement = text("SELECT count(*) FROM events WHERE tenant_id = :tenant_id" + conditions)  # noqa: S608
    return int((await connection.execute(statement, {**bound, "tenant_id": tenant_id})).scalar_one())


def page_statement(
    tenant_id: str, asked: Filter, *, after: Key, size: int
) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement of a page and its parameters.

    events_of_tenant; of one person events_of_user; of metadata that few events have events_by_metadata.
    What else is asked is a filter on the way: with a window of due times it reads that window.
    """
    conditions, bound = of_ended(asked)
    statement = text(
        f"""
        SELECT * FROM events
        WHERE tenant_id = :tenant_id AND (due_time, event_id) > (:after_time, :after_id){conditions}
        ORDER BY due_time, event_id
        LIMIT :size
        """  # noqa: S608 - conditions of store/filters.py, which hold no value
    )
    key = {"tenant_id": tenant_id, "after_time": after[0], "after_id": after[1], "size": size}
    return statement, {**bound, **key}
