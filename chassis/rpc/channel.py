"""Calls between the services: spread over replicas that come and go, repeated, guarded, signed, traced."""

import re
from collections.abc import Callable
from typing import Any, Final

import grpc
import orjson

from chassis.circuits import Circuit, CircuitOpen
from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES

_IPV4 = re.compile(r"[0-9.]+:[0-9]+")

# Every internal method may be repeated: whoever it reached before has done it, or not. So a call that a replica
# takes with it when it ends goes to the next one, and its caller never learns. How often is bounded by the tokens:
# when more fails than succeeds nothing is repeated any more.
_SERVICE_CONFIG: Final = orjson.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.02s",
                    "maxBackoff": "0.2s",
                    "backoffMultiplier": 3,
                    # The second: a replica that stops and cannot wait for its calls any longer.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            }
        ],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.2},
    }
).decode()

_OPTIONS: Final = [
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.max_receive_message_length", MAX_INTERNAL_BYTES),
    ("grpc.max_send_message_length", MAX_INTERNAL_BYTES),
    # A request that does not fit is sent once and never repeated; by default that is one of 256 KB.
    ("grpc.per_rpc_retry_buffer_size", MAX_INTERNAL_BYTES),
    # A replica that returns is used again within a second. The least of them is also how long one attempt to
    # connect may take, and a replica that is just starting is slow to answer.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Names are resolved again whenever a connection ends, also by age, but not more often than this.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]

# What says that a peer cannot be reached or cannot do it now; any other status is an answer.
_NO_ANSWER: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


def target(addresses: str) -> str:
    """Return the gRPC target of a setting: `host:port`, or several separated by commas.

    A DNS name is resolved again as replicas come and go (a headless service in Kubernetes); one with a scheme,
    as `dns://10.0.0.10/name:port` to ask that server, is taken as it is.

    Raises:
        ValueError: none is given, or several of which one is a name: gRPC would use only the first.
    """
    if "://" in addresses:
        return addresses
    listed = [part.strip() for part in addresses.split(",") if part.strip()]
    if listed and all(_IPV4.fullmatch(part) for part in listed):
        return "ipv4:" + ",".join(listed)
    if len(listed) != 1:
        raise ValueError(f"{addresses!r} is not an address (allowed: one name:port, or several IPv4:port)")
    return "dns:///" + listed[0]


def connect(addresses: str, token: InternalToken, *, peer: str = "") -> grpc.aio.Channel:
    """Return a channel to an internal port; every call on it carries the service credential.

    With the name of a `peer` each of its methods has a circuit: while it is open, calls of that method end at once
    as UNAVAILABLE, as they would after waiting. Callers have their fallbacks for that.
    """
    from chassis import traces

    guarded = [_Guarded(peer)] if peer else []
    return grpc.aio.insecure_channel(
        target(addresses),
        options=_OPTIONS,
        interceptors=[*traces.client_interceptors(), *guarded, _Signed(token)],
    )


class _Guarded(grpc.aio.UnaryUnaryClientInterceptor):
    """One circuit per method: a slow summary must not keep events from being handed over."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._circuits: dict[bytes | str, Circuit] = {}

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        circuit = self._circuits.get(details.method)
        if circuit is None:
            circuit = self._circuits[details.method] = self._circuit(details.method)

        async def attempt() -> Any:
            call = await continuation(details, request)
            code = await call.code()
            if code in _NO_ANSWER:
                await call  # raises
            return call

        try:
            return await circuit.call(attempt)
        except CircuitOpen as refusal:
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details=refusal.message
            ) from None

    def _circuit(self, method: bytes | str) -> Circuit:
        name = method.decode() if isinstance(method, bytes) else method
        return Circuit(f"{self._peer}/{name.rpartition('/')[2]}", counts=_means_no_answer)


def _means_no_answer(error: Exception) -> bool:
    return isinstance(error, grpc.aio.AioRpcError) and error.code() in _NO_ANSWER


class _Signed(grpc.aio.UnaryUnaryClientInterceptor):
    """Adds the service credential to each call."""

    def __init__(self, token: InternalToken) -> None:
        self._token = token

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        metadata.add("authorization", self._token.header())
        signed = grpc.aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )
        return await continuation(signed, request)
