"""A user_service of the contract for tests of the client: what it answers is set by the test."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2
from redletter.client import Client
from redletter.retries import Retries
from redletter.user.v1 import user_service_pb2, user_service_pb2_grpc

QUICK = Retries(attempts=4, base=timedelta(milliseconds=1), cap=timedelta(milliseconds=2))
DETAILS = "grpc-status-details-bin"


def status(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    """Return a status with details, as the services send it."""
    found = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        found.details.add().Pack(detail)
    return found


class UserService(user_service_pb2_grpc.UserServiceServicer):
    """Answers by functions of the test; remembers the metadata of the calls."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer: Callable[[Any, grpc.ServicerContext], Any] = lambda _, __: None
        self.stream: Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]] = lambda _, __: iter(())

    def GetUser(self, request: Any, context: Any) -> Any:
        """Answer by `answer`."""
        self.calls.append(dict(context.invocation_metadata()))
        return self.answer(request, context)

    def DeleteUser(self, request: Any, context: Any) -> Any:
        """Answer by `answer`."""
        self.calls.append(dict(context.invocation_metadata()))
        return self.answer(request, context)

    def UpsertUser(self, request: Any, context: Any) -> Any:
        """Answer by `answer`."""
        self.calls.append(dict(context.invocation_metadata()))
        return self.answer(request, context)

    def ImportUsers(self, request_iterator: Any, context: Any) -> Any:
        """Answer by `stream`."""
        self.calls.append(dict(context.invocation_metadata()))
        yield from self.stream(request_iterator, context)


def abort(context: grpc.ServicerContext, found: status_pb2.Status) -> None:
    """End the call with a status and its details."""
    context.set_trailing_metadata(((DETAILS, found.SerializeToString()),))
    code = next(c for c in grpc.StatusCode if c.value[0] == found.code)
    context.abort(code, found.message)


@contextmanager
def serving(service: UserService, *, port: int = 0) -> Iterator[int]:
    """Serve on loopback; yields the port."""
    server = grpc.server(
        ThreadPoolExecutor(8),
        options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 4 * 1024 * 1024)],
    )
    user_service_pb2_grpc.add_UserServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait()


def client(address: str, *, api_key: str = "key", timeout: timedelta = timedelta(seconds=5)) -> Client:
    """Return a client that retries quickly."""
    addresses = {"user": address, "scheduler": address, "delivery": address}
    return Client(addresses, api_key, timeout=timeout, retries=QUICK)


def found(user_id: str) -> user_service_pb2.GetUserResponse:
    """Return the answer of GetUser."""
    answer = user_service_pb2.GetUserResponse()
    answer.user.user_id = user_id
    return answer
