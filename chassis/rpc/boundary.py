"""The one interceptor between the wire and a servicer.

For each call, in this order: a request id, the caller, the field rules, the method itself, and
whatever it raised as a status with details. A servicer below it parses, calls and renders.
"""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from chassis.circuits import Circuit, CircuitState
from chassis.database import is_away
from chassis.metrics import RPC_ACTIVE, RPC_SECONDS
from chassis.rpc import credentials
from chassis.rpc.errors import internal, named, status_of
from chassis.rpc.validation import validate

log = structlog.get_logger()

Authenticate = Callable[[Mapping[str, str]], Awaitable[credentials.Principal]]

# Health and reflection are asked by probes and tools that have no key.
_OPEN_TO_ALL = "/grpc."


class Boundary(grpc.aio.ServerInterceptor):
    """Authenticates, validates, observes, and maps errors for every method of one port."""

    def __init__(self, service: str, authenticate: Authenticate, database: Circuit | None = None) -> None:
        self._service = service
        self._authenticate = authenticate
        self._database = database

    async def intercept_service(  # type: ignore[override]  # the stubs make it generic per method
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Return the handler of the method, wrapped."""
        handler = await continuation(details)
        if handler is None or details.method.startswith(_OPEN_TO_ALL):
            return handler
        return self._wrapped(handler, details.method)

    def _wrapped(self, handler: Any, method: str) -> grpc.RpcMethodHandler:
        if handler.request_streaming and handler.response_streaming:
            make, behaviour = (
                grpc.stream_stream_rpc_method_handler,
                self._stream(handler.stream_stream, method),
            )
        elif handler.response_streaming:
            make, behaviour = grpc.unary_stream_rpc_method_handler, self._stream(handler.unary_stream, method)
        elif handler.request_streaming:
            make, behaviour = grpc.stream_unary_rpc_method_handler, self._unary(handler.stream_unary, method)
        else:
            make, behaviour = grpc.unary_unary_rpc_method_handler, self._unary(handler.unary_unary, method)
        return make(
            behaviour,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext) -> Any:
            async with self._observed(method, context):
                return await behaviour(_checked(request), context)

        return call

    def _stream(self, behaviour: Any, method: str) -> Any:
        async def call(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
            async with self._observed(method, context):
                async for response in behaviour(_checked(request), context):
                    yield response

        return call

    @asynccontextmanager
    async def _observed(self, method: str, context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
        metadata = {
            key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)
        }
        request_id = metadata.get("x-request-id", "")[:64] or uuid.uuid4().hex
        began = time.perf_counter()
        status: status_pb2.Status | None = None
        code = "OK"
        RPC_ACTIVE.labels(self._service).inc()
        with structlog.contextvars.bound_contextvars(request_id=request_id, method=method):
            try:
                credentials.enter(await self._admitted(metadata))
                yield
                if self._database is not None:
                    self._database.note(None)
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the only place where errors become statuses
                # Only readiness tries out whether it is back: a caller should not be the one to wait.
                if self._database is not None and is_away(error):
                    self._database.note(error)
                status = self._status(error, request_id)
                code = code_pb2.Code.Name(status.code)
            except BaseException:
                code = "CANCELLED"
                raise
            finally:
                RPC_ACTIVE.labels(self._service).dec()
                RPC_SECONDS.labels(self._service, method, code).observe(time.perf_counter() - began)
        if status is not None:
            await context.abort_with_status(rpc_status.to_status(status))

    async def _admitted(self, metadata: Mapping[str, str]) -> credentials.Principal:
        if self._database is not None and self._database.state is not CircuitState.CLOSED:
            raise self._database.refusal()
        return await self._authenticate(metadata)

    def _status(self, error: Exception, request_id: str) -> status_pb2.Status:
        known = named(error)
        if known is None:
            log.error("call.crashed", error=type(error).__name__, exc_info=error)
            return internal(request_id)
        log.info("call.refused", error=type(known).__name__, reason=known.reason)
        return status_of(known)


def _checked(request: Any) -> Any:
    if hasattr(request, "__aiter__"):
        return _checked_stream(request)
    validate(request)
    return request


async def _checked_stream(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        validate(request)
        yield request
