"""A port with one service of four methods, one of each kind, that do what the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from redletter.scheduler.v1 import event_type_service_pb2 as pb

from chassis.rpc.credentials import Principal
from chassis.rpc.server import Port

NAME = "redletter.test.v1.TestService"
CALLER = Principal("tenant-1", "key-1", frozenset({"tenant"}))
Answer = pb.GetEventTypeResponse
Ask = pb.GetEventTypeRequest
GOOD = Ask(event_type_id="birthday")
BAD = Ask(event_type_id="Not Allowed")


async def anybody(_metadata: Mapping[str, str]) -> Principal:
    """Let everybody in."""
    return CALLER


@dataclass
class Behaviour:
    """What the methods do; a test replaces `act`."""

    act: Callable[[], Awaitable[None]]
    seen: list[Any] = field(default_factory=list)

    async def unary(self, request: Any, _context: Any) -> Any:
        self.seen.append(request)
        await self.act()
        return Answer()

    async def unary_stream(self, request: Any, _context: Any) -> AsyncIterator[Any]:
        yield Answer()
        await self.act()
        yield Answer()

    async def stream_unary(self, requests: AsyncIterator[Any], _context: Any) -> Any:
        async for request in requests:
            self.seen.append(request)
        await self.act()
        return Answer()

    async def stream_stream(self, requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            self.seen.append(request)
            yield Answer()
        await self.act()


def port_of(
    behaviour: Behaviour, *, authenticate: Any = anybody, address: str = "127.0.0.1:0", **options: Any
) -> Port:
    """Return a port that serves `behaviour`."""
    codec = {"request_deserializer": Ask.FromString, "response_serializer": Answer.SerializeToString}
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(behaviour.unary, **codec),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(behaviour.unary_stream, **codec),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(behaviour.stream_unary, **codec),
        "StreamStream": grpc.stream_stream_rpc_method_handler(behaviour.stream_stream, **codec),
    }
    generic = grpc.method_handlers_generic_handler(NAME, handlers)
    register = [lambda server: server.add_generic_rpc_handlers((generic,))]
    return Port("test", address, authenticate=authenticate, register=register, names=[NAME], **options)


class Caller:
    """A client of the four methods."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        codec = {"request_serializer": Ask.SerializeToString, "response_deserializer": Answer.FromString}
        self.unary = self.channel.unary_unary(f"/{NAME}/Unary", **codec)
        self.unary_stream = self.channel.unary_stream(f"/{NAME}/UnaryStream", **codec)
        self.stream_unary = self.channel.stream_unary(f"/{NAME}/StreamUnary", **codec)
        self.stream_stream = self.channel.stream_stream(f"/{NAME}/StreamStream", **codec)


@dataclass
class Refused:
    """An error as a client sees it: its code, its sentence, and its details by type."""

    code: grpc.StatusCode
    message: str
    details: dict[str, Any]


_DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.QuotaFailure,
    error_details_pb2.RequestInfo,
)


async def refused(call: Awaitable[object]) -> Refused:
    """Return how a call is refused; fail when it is not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)
        found = {}
        for packed in status.details if status else ():
            for kind in _DETAILS:
                if packed.Is(kind.DESCRIPTOR):
                    found[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
        return Refused(error.code(), error.details() or "", found)
    raise AssertionError("the call was not refused")


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[tuple[Port, Caller]]]]:
    """Give `serve(behaviour, authenticate=...)`: a started port and a client of it."""
    made: list[tuple[Port, Caller]] = []

    async def start(behaviour: Behaviour, **options: Any) -> tuple[Port, Caller]:
        port = port_of(behaviour, **options)
        await port.start()
        made.append((port, Caller(port.port)))
        return made[-1]

    yield start
    for port, caller in made:
        await caller.channel.close()
        await port.stop(0)


def fails_with(error: Exception) -> Behaviour:
    """Return methods that raise."""

    async def act() -> None:
        raise error

    return Behaviour(act)


def works() -> Behaviour:
    """Return methods that answer."""

    async def act() -> None:
        return None

    return Behaviour(act)
