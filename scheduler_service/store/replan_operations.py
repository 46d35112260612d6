"""What a caller watches while a rule's new timing reaches its people: one open operation per rule."""

import uuid

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.operations import store as operations
from chassis.operations.operation import Operation
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.operations import REPLAN_EVENT_TYPE
from scheduler_service.store import event_types
from scheduler_service.store.event_types import Stored

# operations_open: a handful of rows.
_SUPERSEDE = text(
    """
    UPDATE operations SET state = 'CANCELLED', error = :error, update_time = :now, end_time = :now
    WHERE end_time IS NULL AND tenant_id = :tenant_id AND kind = :kind AND subject = :subject
    """
)


async def start(connection: AsyncConnection, rule: EventType, *, now: Instant) -> str:
    """Write the operation of a rule's new timing, in the transaction of the change; return its id.

    An older one that is still open ends as CANCELLED: its walk is over, this one plans everybody whom it
    has not reached, under the newer timing.
    """
    name = uuid.uuid4()
    superseded = {
        "tenant_id": rule.tenant_id,
        "kind": REPLAN_EVENT_TYPE,
        "subject": rule.event_type_id,
        "error": f"the timing has changed again; operation {name} plans everybody under the newer one",
        "now": now.to_stdlib(),
    }
    await connection.execute(_SUPERSEDE, superseded)
    await operations.insert(
        connection,
        Operation(name, rule.tenant_id, REPLAN_EVENT_TYPE, now, now, subject=rule.event_type_id),
    )
    return str(name)


async def save(connection: AsyncConnection, before: Stored, after: Stored, *, now: Instant) -> str:
    """Write a changed rule; return the id of the operation that moves open plans, empty when nothing moves."""
    await event_types.update(connection, after)
    if after.rule.timing_version == before.rule.timing_version:
        return ""
    return await start(connection, after.rule, now=now)
