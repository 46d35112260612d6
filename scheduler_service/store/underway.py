"""Events that are decided and may not have been received yet."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

# events_of_user, from the longest delivery window on; a reissue or a reschedule does not prolong it.
_OF_USER = text(
    """
    SELECT tenant_id, user_id, event_id FROM events
    WHERE tenant_id = :tenant_id AND user_id = :user_id
      AND due_time > CAST(:now AS timestamptz) - interval '31 days'
      AND state = 'SENT' AND deliver_by > :now
      AND (event_type_id = ANY(CAST(:event_type_ids AS text[]))
           OR occasion_id = ANY(CAST(:occasion_ids AS text[])))
    """
)


async def of_user(
    connection: AsyncConnection,
    user: tuple[str, str],
    *,
    event_type_ids: Collection[str],
    occasion_ids: Collection[str],
    now: Instant,
) -> list[tuple[str, str, str]]:
    """Return (tenant, user, event id) of what of these types or occasions may still be delivered."""
    bound = {
        "tenant_id": user[0],
        "user_id": user[1],
        "now": now.to_stdlib(),
        "event_type_ids": list(event_type_ids),
        "occasion_ids": list(occasion_ids),
    }
    return [(row[0], row[1], row[2]) for row in await connection.execute(_OF_USER, bound)]
