"""Planned events: open plans, read as the second half of a listing."""

from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.plan_records import Plan
from scheduler_service.store.filters import Filter, of_planned
from scheduler_service.store.plans import user_range
from scheduler_service.store.rows import PLAN_COLUMNS, plan_from

# Primary key, a range per tenant.
_PRIORITIES = text("SELECT event_type_id, priority FROM event_types WHERE tenant_id = :tenant_id")


async def priorities(connection: AsyncConnection, tenant_id: str) -> dict[str, Priority]:
    """Return the priority of each event type of a tenant."""
    rows = await connection.execute(_PRIORITIES, {"tenant_id": tenant_id})
    return {row[0]: Priority(row[1]) for row in rows}


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    asked: Filter,
    *,
    user_part: bytes | None,
    types_of_priority: list[str],
    after: tuple[datetime, bytes],
    size: int,
) -> list[Plan]:
    """Return the next `size` open plans in (due_time, plan_id) order, of one person if a part is given."""
    if not asked.wants_planned:
        return []
    statement, bound = page_statement(
        tenant_id, asked, user_part=user_part, types_of_priority=types_of_priority, after=after, size=size
    )
    return [plan_from(row) for row in await connection.execute(statement, bound)]


def page_statement(
    tenant_id: str,
    asked: Filter,
    *,
    user_part: bytes | None,
    types_of_priority: list[str],
    after: tuple[datetime, bytes],
    size: int,
) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement of a page and its parameters."""
    conditions, bound = of_planned(asked, types_of_priority=types_of_priority)
    bound |= {"tenant_id": tenant_id, "after_time": after[0], "after_id": after[1], "size": size}
    open_plans = f"""
        SELECT {PLAN_COLUMNS} FROM plans
        WHERE tenant_id = :tenant_id AND due_time IS NOT NULL
          AND (due_time, plan_id) > (:after_time, CAST(:after_id AS bytea)){conditions}
    """  # noqa: S608 - conditions of store/filters.py, which hold no value
    ordered = "ORDER BY due_time, plan_id LIMIT :size"
    if user_part is not None:
        # Primary key: a person's plans are one range of it.
        low, high = user_range(user_part)
        of_user = f"{open_plans} AND plan_id >= :low AND plan_id < :high {ordered}"
        return text(of_user), {**bound, "low": low, "high": high}
    # plans_due.
    return text(f"{open_plans} {ordered}"), bound
