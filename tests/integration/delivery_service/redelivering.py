"""What tests of redelivery say to a world, and how they fill its store with what has ended."""

from datetime import date, timedelta
from typing import Any

from redletter.common.v1 import operation_pb2, operation_service_pb2
from redletter.delivery.v1 import (
    dead_letter_service_pb2,
    delivery_filter_pb2,
    delivery_pb2,
    delivery_service_pb2,
)
from redletter.delivery.v1.delivery_filter_pb2 import DeliveryFilter, DeliveryName
from sqlalchemy import text

from delivery_service.store.partitions import Partitions
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant

DAY = date(2027, 2, 28)
Cause = delivery_pb2.DeliveryCause
State = delivery_pb2.Delivery.State
Operation = operation_pb2.Operation

# Ended one second apart, the first one `number` seconds before now; ids in the order of the ends.
_MESSAGES = """
    INSERT INTO messages (event_id, occurrence_date, tenant_id, user_id, event_type_id, due_time, decide_time,
        deliver_by, priority, body, metadata, traceparent, accept_time)
    SELECT 'evt_' || CAST(:name AS text) || lpad(i::text, 20, '0') || '_2027', :day, :tenant, 'u' || i % 3, 'birthday',
        CAST(:at AS timestamptz), CAST(:at AS timestamptz), :at, 2, '\\x7b7d', '', '', :at
    FROM generate_series(1, CAST(:number AS int)) AS i
"""
_DELIVERIES = """
    INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
        accept_time, deliver_by, end_time)
    SELECT 'evt_' || CAST(:name AS text) || lpad(i::text, 20, '0') || '_2027', :endpoint, 1, :day, :tenant,
        CAST(:state AS smallint), CAST(:cause AS smallint), 1, :at, :at,
        CAST(:at AS timestamptz) - make_interval(secs => CAST(:number AS int) - i)
    FROM generate_series(1, CAST(:number AS int)) AS i
"""


async def fill(
    world: World,
    number: int,
    *,
    name: str = "aaaaaa",
    endpoint: str = "hook",
    state: int = State.STATE_DEAD,
    cause: int = Cause.DELIVERY_CAUSE_HTTP_STATUS,
    tenant: str = TENANT_ID,
) -> list[str]:
    """Let so many deliveries have ended, of messages of their own; return their ids, the oldest end first."""
    assert len(name) == 6
    await Partitions(world.engine).ensure([DAY])
    common = {
        "name": name,
        "day": DAY,
        "tenant": tenant,
        "number": number,
        "at": world.clock.now().to_stdlib(),
    }
    async with world.engine.begin() as connection:
        await connection.execute(text(_MESSAGES), common)
        ended = {**common, "endpoint": endpoint, "state": state, "cause": cause}
        await connection.execute(text(_DELIVERIES), ended)
    return [f"evt_{name}{n:020}_2027" for n in range(1, number + 1)]


async def redeliver(
    world: World, event_id: str, endpoint_id: str = "hook", **fields: Any
) -> delivery_pb2.Delivery:
    """Redeliver one; return its new round."""
    as_tenant(fields.pop("tenant", TENANT_ID))
    request = delivery_service_pb2.RedeliverDeliveryRequest(event_id=event_id, endpoint_id=endpoint_id)
    if "within" in fields:
        request.deliver_within.FromTimedelta(fields.pop("within"))
    return (await world.deliveries.RedeliverDelivery(request, None)).delivery


async def redeliver_some(
    world: World, names: list[tuple[str, str]], **fields: Any
) -> delivery_service_pb2.RedeliverDeliveriesResponse:
    """Redeliver named deliveries."""
    as_tenant()
    named = [DeliveryName(event_id=event, endpoint_id=endpoint) for event, endpoint in names]
    request = delivery_service_pb2.RedeliverDeliveriesRequest(deliveries=named, **fields)
    return await world.deliveries.RedeliverDeliveries(request, None)


async def redeliver_all(
    world: World,
    *,
    per_second: int = 5000,
    dry_run: bool = False,
    within: timedelta | None = None,
    **asked: Any,
) -> delivery_service_pb2.RedeliverDeliveriesResponse:
    """Redeliver what a filter finds."""
    as_tenant()
    request = delivery_service_pb2.RedeliverDeliveriesRequest(
        filter=DeliveryFilter(**asked), max_per_second=per_second, dry_run=dry_run
    )
    if within is not None:
        request.deliver_within.FromTimedelta(within)
    return await world.deliveries.RedeliverDeliveries(request, None)


async def dead_letters(world: World, *, size: int = 0, **asked: Any) -> list[str]:
    """Return the event ids of all dead letters that a filter finds, page by page."""
    as_tenant(asked.pop("tenant", TENANT_ID))
    request = dead_letter_service_pb2.ListDeadLettersRequest(
        filter=delivery_filter_pb2.DeliveryFilter(**asked), page_size=size
    )
    found: list[str] = []
    while True:
        answer = await world.dead_letters.ListDeadLetters(request, None)
        found += [one.event_id for one in answer.dead_letters]
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def operation(world: World, name: str) -> operation_pb2.Operation:
    """Return an operation as it is now."""
    as_tenant()
    request = operation_service_pb2.GetOperationRequest(operation_id=name)
    return (await world.operations.GetOperation(request, None)).operation


async def over(world: World, name: str) -> operation_pb2.Operation:
    """Return an operation once it is over."""

    async def ended() -> operation_pb2.Operation | None:
        found = await operation(world, name)
        return found if found.HasField("end_time") else None

    found: operation_pb2.Operation = await world.until(ended)
    return found


async def rounds(world: World) -> list[str]:
    """Return the event ids of the open rounds after the first, in the order of ids."""
    rows = await world.rows("SELECT event_id FROM queue WHERE round > 1 ORDER BY event_id")
    return [row.event_id for row in rows]
