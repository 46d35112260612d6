"""Retention: tombstones whose cycle can no longer come back."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Primary key, from where the last page ended; what somebody holds is left for the next round. A caller's plan has its event or its request to remember it;
# `once` sorts after every year, so that what happens once is remembered for ever.
_SWEEP = text(
    """
    WITH page AS MATERIALIZED (
        SELECT plan_id, due_time IS NULL AND (instance <> '' OR last_cycle < :before) AS over
        FROM plans WHERE plan_id > :after ORDER BY plan_id LIMIT :size
    ), held AS MATERIALIZED (
        SELECT plan_id FROM plans
        WHERE plan_id = ANY(ARRAY(SELECT plan_id FROM page WHERE over)) AND due_time IS NULL
        ORDER BY plan_id FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM plans WHERE plan_id = ANY(ARRAY(SELECT plan_id FROM held)) RETURNING plan_id
    )
    SELECT (SELECT plan_id FROM page ORDER BY plan_id DESC LIMIT 1), (SELECT count(*) FROM page), (SELECT count(*) FROM gone)
    """
)


async def sweep(
    connection: AsyncConnection, *, after: bytes, before_year: int, size: int
) -> tuple[bytes, int]:
    """Look at the next plans in id order; return where the next page begins (empty: over) and how many went."""
    bound = {"after": after, "before": f"{before_year:04d}", "size": size}
    last, looked, gone = (await connection.execute(_SWEEP, bound)).one()
    return bytes(last) if looked == size else b"", int(gone)
