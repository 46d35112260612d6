"""Calls between the services: spread over replicas, signed, traced, with a deadline."""

import re
from collections.abc import Callable
from typing import Any

import grpc

from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES

_IPV4 = re.compile(r"[0-9.]+:[0-9]+")
_SPREAD = '{"loadBalancingConfig": [{"round_robin": {}}]}'


def target(addresses: str) -> str:
    """Return the gRPC target of a setting: `host:port`, or several separated by commas.

    A DNS name is resolved again as replicas come and go (a headless service in Kubernetes).

    Raises:
        ValueError: none is given, or several of which one is a name: gRPC would use only the first.
    """
    listed = [part.strip() for part in addresses.split(",") if part.strip()]
    if listed and all(_IPV4.fullmatch(part) for part in listed):
        return "ipv4:" + ",".join(listed)
    if len(listed) != 1:
        raise ValueError(f"{addresses!r} is not an address (allowed: one name:port, or several IPv4:port)")
    return "dns:///" + listed[0]


def connect(addresses: str, token: InternalToken) -> grpc.aio.Channel:
    """Return a channel to an internal port; every call on it carries the service credential."""
    from chassis import traces

    return grpc.aio.insecure_channel(
        target(addresses),
        options=[
            ("grpc.service_config", _SPREAD),
            ("grpc.max_receive_message_length", MAX_INTERNAL_BYTES),
            ("grpc.max_send_message_length", MAX_INTERNAL_BYTES),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 5_000),
        ],
        interceptors=[*traces.client_interceptors(), _Signed(token)],
    )


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
