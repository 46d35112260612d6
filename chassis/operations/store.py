"""Operations: long work with its progress. Written by whoever does the work, steered by callers.

A worker calls `insert` once, `progress` in the transaction of each page, and `finish` at the end. One
that callers may stop reads its row with `get(..., lock=True)` in each page's transaction: then nothing
more happens once a pause or a cancellation was answered. Where several replicas may work on one, they
take it with `claim`. The table `operations` is found by the search path of the service's engine.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.operations.operation import Operation, OperationState

# Primary key.
_INSERT = text(
    """
    INSERT INTO operations (operation_id, tenant_id, kind, subject, state, total, done, succeeded, failed, error,
        position, request, create_time, update_time, end_time)
    VALUES (:operation_id, :tenant_id, :kind, :subject, :state, :total, :done, :succeeded, :failed, :error,
        CAST(:position AS jsonb), CAST(:request AS jsonb), :create_time, :update_time, :end_time)
    """
)
# Primary key.
_GET = text("SELECT * FROM operations WHERE operation_id = :operation_id AND tenant_id = :tenant_id")
_GET_LOCKED = text(_GET.text + " FOR UPDATE")
_CLAIM = text(
    "SELECT * FROM operations WHERE operation_id = :operation_id AND state IN ('PENDING', 'RUNNING')"
    " FOR UPDATE SKIP LOCKED"
)
# operations_of_tenant, backwards.
_PAGE = text(
    """
    SELECT * FROM operations
    WHERE tenant_id = :tenant_id AND (create_time, operation_id) < (:before_time, :before_id)
    ORDER BY create_time DESC, operation_id DESC
    LIMIT :size
    """
)
# operations_open.
_OPEN = text(
    """
    SELECT * FROM operations
    WHERE end_time IS NULL AND kind = :kind AND state IN ('PENDING', 'RUNNING')
    ORDER BY create_time, operation_id
    LIMIT :size
    """
)
# Primary key. An operation that is over stays as it is.
_STEER = text(
    "UPDATE operations SET state = :state, update_time = :update_time, end_time = :end_time"
    " WHERE operation_id = :operation_id AND end_time IS NULL"
)
# Primary key.
_PROGRESS = text(
    """
    UPDATE operations SET state = CASE WHEN state = 'PENDING' THEN 'RUNNING' ELSE state END,
        total = coalesce(:total, total), done = :done, succeeded = :succeeded, failed = :failed,
        position = coalesce(CAST(:position AS jsonb), position), update_time = :now
    WHERE operation_id = :operation_id AND end_time IS NULL
    """
)
# Primary key. At the end the number of items is no estimate any more.
_FINISH = text(
    """
    UPDATE operations SET state = :state, error = :error, update_time = :now, end_time = :now,
        total = CASE WHEN :state = 'SUCCEEDED' THEN done ELSE greatest(total, done) END
    WHERE operation_id = :operation_id AND end_time IS NULL
    """
)


async def insert(connection: AsyncConnection, operation: Operation) -> None:
    """Write a new operation."""
    await connection.execute(
        _INSERT,
        {
            "operation_id": operation.operation_id,
            "tenant_id": operation.tenant_id,
            "kind": operation.kind,
            "subject": operation.subject,
            "state": str(operation.state),
            "total": operation.total,
            "done": operation.done,
            "succeeded": operation.succeeded,
            "failed": operation.failed,
            "error": operation.error,
            "position": _json(operation.position),
            "request": _json(operation.request),
            "create_time": operation.create_time.to_stdlib(),
            "update_time": operation.update_time.to_stdlib(),
            "end_time": operation.end_time and operation.end_time.to_stdlib(),
        },
    )


async def get(
    connection: AsyncConnection, tenant_id: str, operation_id: uuid.UUID, *, lock: bool = False
) -> Operation | None:
    """Return one operation of this tenant, locked against other writers if asked."""
    found = await connection.execute(
        _GET_LOCKED if lock else _GET, {"operation_id": operation_id, "tenant_id": tenant_id}
    )
    row = found.mappings().first()
    return None if row is None else _operation(row)


async def claim(connection: AsyncConnection, operation_id: uuid.UUID) -> Operation | None:
    """Return an open operation of any tenant, this transaction's alone; None while it is another one's."""
    found = await connection.execute(_CLAIM, {"operation_id": operation_id})
    row = found.mappings().first()
    return None if row is None else _operation(row)


async def page(
    connection: AsyncConnection, tenant_id: str, *, before: tuple[Instant, uuid.UUID] | None, size: int
) -> list[Operation]:
    """Return the next `size` operations of a tenant, the newest first, older than `before`."""
    time, last = before or (Instant.MAX, uuid.UUID(int=2**128 - 1))
    found = await connection.execute(
        _PAGE,
        {"tenant_id": tenant_id, "before_time": time.to_stdlib(), "before_id": last, "size": size},
    )
    return [_operation(row) for row in found.mappings()]


async def open_of_kind(connection: AsyncConnection, kind: str, *, size: int) -> list[Operation]:
    """Return operations of all tenants that are neither over nor paused, the oldest first."""
    found = await connection.execute(_OPEN, {"kind": kind, "size": size})
    return [_operation(row) for row in found.mappings()]


async def steer(connection: AsyncConnection, operation: Operation) -> None:
    """Write the state that a caller wants, of an operation read with `get(..., lock=True)`."""
    await connection.execute(
        _STEER,
        {
            "operation_id": operation.operation_id,
            "state": str(operation.state),
            "update_time": operation.update_time.to_stdlib(),
            "end_time": operation.end_time and operation.end_time.to_stdlib(),
        },
    )


async def progress(
    connection: AsyncConnection,
    operation_id: uuid.UUID,
    *,
    now: Instant,
    done: int,
    succeeded: int,
    failed: int,
    total: int | None = None,
    position: Mapping[str, Any] | None = None,
) -> None:
    """Note how far it has come (absolute figures); it is RUNNING from the first time on.

    `total` and `position` None keep what is stored. One that is over stays as it is.
    """
    await connection.execute(
        _PROGRESS,
        {
            "operation_id": operation_id,
            "now": now.to_stdlib(),
            "total": total,
            "done": done,
            "succeeded": succeeded,
            "failed": failed,
            "position": None if position is None else _json(position),
        },
    )


async def finish(
    connection: AsyncConnection,
    operation_id: uuid.UUID,
    *,
    now: Instant,
    state: OperationState = OperationState.SUCCEEDED,
    error: str = "",
) -> None:
    """End it; `error` is a sentence for FAILED. One that is over stays as it is."""
    await connection.execute(
        _FINISH,
        {"operation_id": operation_id, "now": now.to_stdlib(), "state": str(state), "error": error},
    )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _read(value: Any) -> dict[str, Any]:
    found = orjson.loads(value) if isinstance(value, str) else value
    assert isinstance(found, dict)
    return found


def _operation(row: RowMapping) -> Operation:
    return Operation(
        operation_id=uuid.UUID(str(row["operation_id"])),
        tenant_id=row["tenant_id"],
        kind=row["kind"],
        create_time=Instant(row["create_time"]),
        update_time=Instant(row["update_time"]),
        subject=row["subject"],
        state=OperationState(row["state"]),
        total=row["total"],
        done=row["done"],
        succeeded=row["succeeded"],
        failed=row["failed"],
        error=row["error"],
        position=_read(row["position"]),
        request=_read(row["request"]),
        end_time=row["end_time"] and Instant(row["end_time"]),
    )
