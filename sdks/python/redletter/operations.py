"""Long work of the services: which one answers for an operation is in the version of its id."""

import heapq
import uuid
from collections.abc import Iterator
from typing import Final

from redletter.common.v1 import operation_pb2
from redletter.common.v1 import operation_service_pb2 as wire
from redletter.common.v1.operation_service_pb2_grpc import OperationServiceStub

_OF_DELIVERY: Final = 8


class Operations:
    """Reads and steers operations; each call goes to the service whose operation it is."""

    def __init__(self, scheduler: OperationServiceStub, delivery: OperationServiceStub) -> None:
        self.scheduler = scheduler
        self.delivery = delivery

    def GetOperation(self, request: wire.GetOperationRequest) -> wire.GetOperationResponse:
        """Answer one operation."""
        return self._of(request.operation_id).GetOperation(request)

    def PauseOperation(self, request: wire.PauseOperationRequest) -> wire.PauseOperationResponse:
        """Stop an operation until it is resumed."""
        return self._of(request.operation_id).PauseOperation(request)

    def ResumeOperation(self, request: wire.ResumeOperationRequest) -> wire.ResumeOperationResponse:
        """Let a paused operation go on."""
        return self._of(request.operation_id).ResumeOperation(request)

    def CancelOperation(self, request: wire.CancelOperationRequest) -> wire.CancelOperationResponse:
        """End an operation."""
        return self._of(request.operation_id).CancelOperation(request)

    def every(self, *, page_size: int = 100) -> Iterator[operation_pb2.Operation]:
        """Yield the operations of all services, the newest first; a page is asked for when it is needed."""
        services = [_every(service, page_size) for service in (self.scheduler, self.delivery)]
        return heapq.merge(*services, key=_age)

    def _of(self, operation_id: str) -> OperationServiceStub:
        try:
            found = uuid.UUID(operation_id)
        except ValueError:
            return self.scheduler  # its refusal says what an id looks like
        return self.delivery if found.version == _OF_DELIVERY else self.scheduler


def _every(service: OperationServiceStub, page_size: int) -> Iterator[operation_pb2.Operation]:
    token = ""
    while True:
        answer = service.ListOperations(wire.ListOperationsRequest(page_size=page_size, page_token=token))
        yield from answer.operations
        token = answer.next_page_token
        if not token:
            return


def _age(operation: operation_pb2.Operation) -> tuple[int, int]:
    """Return what is smaller the newer an operation is."""
    return -operation.create_time.seconds, -operation.create_time.nanos
