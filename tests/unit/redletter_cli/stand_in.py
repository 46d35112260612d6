"""Services of the contracts for tests of the verbs: what they answer is set by the test, what they get is kept."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from tests.unit.redletter.sdk_examples import abort, status

Answer = Message | Callable[[Any], Message] | tuple[grpc.StatusCode, str] | list[Message]
"""A response, a function of the request, a refusal, or what a stream gives."""


class StandIn(grpc.GenericRpcHandler):
    """Answers any method of one request by name; one that the test did not name answers its empty response."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, Any]] = []
        self.keys: list[str] = []

    def named(self, method: str) -> list[Any]:
        """Return the requests of one method, in order."""
        return [request for name, request in self.calls if name == method]

    def service(self, handler_call_details: Any) -> Any:
        """Return how a call is answered."""
        service, _, name = handler_call_details.method.removeprefix("/").partition("/")
        method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
        request_class = message_factory.GetMessageClass(method.input_type)
        response_class = message_factory.GetMessageClass(method.output_type)

        def answer(request: Message, context: grpc.ServicerContext) -> Any:
            self.calls.append((name, request))
            self.keys.append(str(dict(context.invocation_metadata())["authorization"]))
            found = self.answers.get(name, response_class())
            if isinstance(found, tuple):
                info = error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="redletter")
                abort(context, status(found[0], found[1], info))
            return found(request) if callable(found) else found

        def stream(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
            found = answer(request, context)
            yield from found if isinstance(found, list) else []

        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                stream, request_class.FromString, lambda message: message.SerializeToString()
            )
        return grpc.unary_unary_rpc_method_handler(
            answer, request_class.FromString, lambda message: message.SerializeToString()
        )


@contextmanager
def standing_in(services: StandIn) -> Iterator[str]:
    """Serve on loopback; yields the address."""
    server = grpc.server(ThreadPoolExecutor(2), handlers=(services,), options=[("grpc.so_reuseport", 0)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
