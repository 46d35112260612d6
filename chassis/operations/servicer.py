"""OperationService: the long work of the caller's tenant."""

import uuid
from collections.abc import Callable, Collection
from functools import partial

import grpc
import structlog
from redletter.common.v1 import operation_pb2 as pb
from redletter.common.v1 import operation_service_pb2 as service_pb
from redletter.common.v1 import operation_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import NotFound
from chassis.operations import operation as domain
from chassis.operations import store as operations
from chassis.operations.operation import Operation
from chassis.rpc import credentials
from chassis.transactions import settled
from chassis.wire import timestamp

log = structlog.get_logger()

Transition = Callable[[Operation, Instant], Operation]


class Operations(service_grpc.OperationServiceServicer):
    """Reads and steers operations; those of `kinds` may be stopped, `steered` is told when one may go on."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        kinds: Collection[str],
        steered: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._kinds = frozenset(kinds)
        self._steered = steered

    async def GetOperation(
        self, request: service_pb.GetOperationRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetOperationResponse:
        """Answer one operation."""
        async with self._engine.connect() as connection:
            found = await _of(connection, request.operation_id)
        return service_pb.GetOperationResponse(operation=rendered(found))

    async def ListOperations(
        self, request: service_pb.ListOperationsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListOperationsResponse:
        """Answer one page, the newest first."""
        tenant_id = credentials.tenant_id()
        bound = ["operations", tenant_id]
        key = pages.decode(request.page_token, bound)
        before = (Instant.parse_iso(str(key[0])), uuid.UUID(str(key[1]))) if key else None
        size = pages.page_size(request.page_size)
        async with self._engine.connect() as connection:
            found = await operations.page(connection, tenant_id, before=before, size=size + 1)
        token = ""
        if len(found) > size:
            last = found[size - 1]
            token = pages.encode([last.create_time.format_iso(), str(last.operation_id)], bound)
        return service_pb.ListOperationsResponse(
            operations=[rendered(operation) for operation in found[:size]], next_page_token=token
        )

    async def PauseOperation(
        self, request: service_pb.PauseOperationRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.PauseOperationResponse:
        """Stop one until it is resumed."""
        operation = await self._steer(request.operation_id, partial(domain.paused, kinds=self._kinds))
        return service_pb.PauseOperationResponse(operation=rendered(operation))

    async def ResumeOperation(
        self, request: service_pb.ResumeOperationRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ResumeOperationResponse:
        """Let one go on."""
        operation = await self._steer(request.operation_id, domain.resumed)
        self._steered()
        return service_pb.ResumeOperationResponse(operation=rendered(operation))

    async def CancelOperation(
        self, request: service_pb.CancelOperationRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.CancelOperationResponse:
        """End one."""
        operation = await self._steer(request.operation_id, partial(domain.cancelled, kinds=self._kinds))
        return service_pb.CancelOperationResponse(operation=rendered(operation))

    async def _steer(self, operation_id: str, transition: Transition) -> Operation:
        now = self._clock.now()

        async def work(connection: AsyncConnection) -> Operation:
            before = await _of(connection, operation_id, lock=True)
            after = transition(before, now)
            if after is not before:
                await operations.steer(connection, after)
            return after

        operation = await settled(self._engine, work)
        log.info(
            "operation.steered", operation_id=operation_id, kind=operation.kind, state=str(operation.state)
        )
        return operation


async def _of(connection: AsyncConnection, operation_id: str, *, lock: bool = False) -> Operation:
    """Return the caller's operation.

    Raises:
        NotFound: the tenant has none under this id.
    """
    found = await operations.get(connection, credentials.tenant_id(), uuid.UUID(operation_id), lock=lock)
    if found is None:
        raise NotFound(f"there is no operation {operation_id!r}")
    return found


def rendered(operation: Operation) -> pb.Operation:
    """Return the wire form of an operation."""
    return pb.Operation(
        operation_id=str(operation.operation_id),
        kind=operation.kind,
        subject=operation.subject,
        state=f"STATE_{operation.state}",
        total=operation.total,
        done=operation.done,
        succeeded=operation.succeeded,
        failed=operation.failed,
        create_time=timestamp(operation.create_time),
        end_time=None if operation.end_time is None else timestamp(operation.end_time),
        error=operation.error,
    )
