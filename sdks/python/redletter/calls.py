"""What happens to every call on its way: the key, the size limit, the deadline, retries, errors."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import Message

from redletter.errors import ApiError, from_rpc_error, too_large
from redletter.retries import Retries, repeatable

MAX_BYTES = 4 * 1024 * 1024
"""The largest request a public port takes. Over it gRPC itself would refuse, without saying why."""


class _Details(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Calls(grpc.UnaryUnaryClientInterceptor):
    """Sends one request, with the API key and within a deadline, as often as `retries` and the method allow."""

    def __init__(
        self, *, service: str, address: str, api_key: str, timeout: timedelta, retries: Retries
    ) -> None:
        self._service = service
        self._address = address
        self._api_key = api_key
        self._timeout = timeout
        self._retries = retries

    def intercept_unary_unary(  # type: ignore[override]
        self, continuation: Callable[[Any, Message], Any], details: Any, request: Message
    ) -> Any:
        """Return the call once it has succeeded.

        Raises:
            ApiError: it has not.
        """
        self._refuse_large(details.method, request)
        seconds = self._timeout.total_seconds() if details.timeout is None else details.timeout
        deadline = time.monotonic() + seconds
        failed = 0
        while True:
            remaining = max(0.001, deadline - time.monotonic())
            call = continuation(_with_key(details, self._api_key, timeout=remaining), request)
            cause = call.exception()
            if cause is None:
                return call
            failed += 1
            error = self._named(cause)
            delay = self._retries.delay(failed, error) if repeatable(details.method, request) else None
            if delay is None or time.monotonic() + delay.total_seconds() >= deadline:
                raise error from None
            time.sleep(delay.total_seconds())

    def _refuse_large(self, method: str, request: Message) -> None:
        size = request.ByteSize()
        if size > MAX_BYTES:
            raise too_large(method.rpartition("/")[2], size, MAX_BYTES)

    def _named(self, cause: BaseException) -> ApiError:
        if not isinstance(cause, grpc.RpcError):
            raise cause
        return from_rpc_error(cause, service=self._service, address=self._address)


class Streams(grpc.StreamStreamClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the API key to a stream; a stream has no deadline, keep-alive notices a dead peer."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def intercept_stream_stream(  # type: ignore[override]
        self, continuation: Callable[[Any, Iterator[Message]], Any], details: Any, requests: Iterator[Message]
    ) -> Any:
        """Return the stream."""
        return continuation(_with_key(details, self._api_key, timeout=details.timeout), requests)

    def intercept_unary_stream(  # type: ignore[override]
        self, continuation: Callable[[Any, Message], Any], details: Any, request: Message
    ) -> Any:
        """Return the stream."""
        return continuation(_with_key(details, self._api_key, timeout=details.timeout), request)


def _with_key(details: Any, api_key: str, *, timeout: float | None) -> _Details:
    metadata = [*(details.metadata or ()), ("authorization", f"Bearer {api_key}")]
    return _Details(
        details.method,
        timeout,
        metadata,
        details.credentials,
        getattr(details, "wait_for_ready", None),
        getattr(details, "compression", None),
    )
