"""Replans: who is near, and how far the operation that a caller watches has come."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store.recipients import COLUMNS
from scheduler_service.store.rows import recipient_from

KIND = "replan_event_type"
_BEGINNING = "0001-01-02T00:00:00+00:00|"

# plans_of_tenant, from where the last page ended.
_DUE_SOON = text(
    """
    SELECT user_id, due_time, plan_id FROM plans
    WHERE tenant_id = :tenant_id AND (due_time, plan_id) > (:after_time, CAST(:after_id AS bytea))
      AND due_time < :horizon AND event_type_id = :event_type_id
    ORDER BY due_time, plan_id LIMIT :size
    """
)
# Primary key, a range per tenant: reads everybody once for those whose day is near.
_WHOSE_DAY_IS = text(
    f"""
    SELECT {COLUMNS} FROM recipients
    WHERE tenant_id = :tenant_id AND user_id > :after AND EXISTS (
        SELECT FROM jsonb_array_elements(occasions) AS o
        WHERE o ->> 'kind' = :kind
          AND (o ->> 'month')::int * 100 + (o ->> 'day')::int = ANY(CAST(:days AS int[])))
    ORDER BY user_id LIMIT :size
    """  # noqa: S608 - column names of this package
)
# operations_open: a handful of rows.
_PROGRESS = text(
    """
    UPDATE operations SET
        total = CASE WHEN state = 'PENDING'
                     THEN (SELECT count(*) FROM recipients r WHERE r.tenant_id = operations.tenant_id)
                     ELSE greatest(total, done + :walked) END,
        state = CASE WHEN :done THEN 'SUCCEEDED' ELSE 'RUNNING' END,
        done = done + :walked, succeeded = succeeded + :walked,
        update_time = :now, end_time = CASE WHEN :done THEN CAST(:now AS timestamptz) END
    WHERE end_time IS NULL AND tenant_id = :tenant_id AND kind = :kind AND subject = :event_type_id
    """
)


async def due_soon(
    connection: AsyncConnection, rule: EventType, *, horizon: Instant, after: str, size: int
) -> tuple[list[str], str]:
    """Return the people with a plan of this rule due before `horizon`, and where the next page begins.

    An empty place: there is no next page.
    """
    time, _, plan_id = (after or _BEGINNING).partition("|")
    rows = list(
        await connection.execute(
            _DUE_SOON,
            {
                "tenant_id": rule.tenant_id,
                "event_type_id": rule.event_type_id,
                "after_time": datetime.fromisoformat(time),
                "after_id": bytes.fromhex(plan_id),
                "horizon": horizon.to_stdlib(),
                "size": size,
            },
        )
    )
    last = f"{rows[-1][1].isoformat()}|{bytes(rows[-1][2]).hex()}" if len(rows) == size else ""
    return [row[0] for row in rows if row[0]], last


async def whose_day_is(
    connection: AsyncConnection, rule: EventType, *, days: Sequence[int], after: str, size: int
) -> list[Recipient]:
    """Return people with an occasion of the rule's kind on one of `days` (month * 100 + day), in id order."""
    bound = {
        "tenant_id": rule.tenant_id,
        "kind": rule.occasion_kind,
        "days": list(days),
        "after": after,
        "size": size,
    }
    return [recipient_from(row) for row in await connection.execute(_WHOSE_DAY_IS, bound)]


async def progress(
    connection: AsyncConnection, rule: EventType, *, walked: int, done: bool, now: Instant
) -> None:
    """Tell the operations that watch this rule's replan how many more people are planned."""
    await connection.execute(
        _PROGRESS,
        {
            "tenant_id": rule.tenant_id,
            "kind": KIND,
            "event_type_id": rule.event_type_id,
            "walked": walked,
            "done": done,
            "now": now.to_stdlib(),
        },
    )
