"""EndpointService: the tenant's webhook endpoints."""

import secrets
from collections.abc import Sequence

import grpc
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2_grpc
from redletter.delivery.v1 import endpoint_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.rpc.credentials import tenant_id
from chassis.wire import duration, span, timestamp
from delivery_service.api import page_keys
from delivery_service.domain.addresses import Network
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoints import (
    DEFAULT_TIMEOUT,
    Endpoint,
    EndpointState,
    require_id,
    require_url,
)
from delivery_service.domain.signatures import KEY_BYTES, secret_text
from delivery_service.store import endpoints
from delivery_service.store.endpoints import Secret


class EndpointServicer(endpoint_service_pb2_grpc.EndpointServiceServicer):
    """Parses, calls, renders."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, *, allowed_networks: Sequence[Network]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._allowed = allowed_networks

    async def CreateEndpoint(
        self, request: wire.CreateEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.CreateEndpointResponse:
        """Create an endpoint; its secret is shown once."""
        now = self._clock.now()
        endpoint = Endpoint(
            tenant_id=tenant_id(),
            endpoint_id=require_id(request.endpoint_id) or f"ep_{secrets.token_hex(8)}",
            url=require_url(request.url, allowed_networks=self._allowed),
            description=request.description,
            state=EndpointState.ENABLED,
            timeout=span(request.timeout) if request.HasField("timeout") else DEFAULT_TIMEOUT,
            version=1,
            create_time=now,
            update_time=now,
        )
        secret = Secret(f"sec_{secrets.token_hex(8)}", secrets.token_bytes(KEY_BYTES))
        await endpoints.create(self._engine, endpoint, secret)
        return wire.CreateEndpointResponse(endpoint=_rendered(endpoint), secret=secret_text(secret.key))

    async def GetEndpoint(
        self, request: wire.GetEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetEndpointResponse:
        """Answer one endpoint."""
        found = await endpoints.get(self._engine, LaneKey(tenant_id(), request.endpoint_id))
        return wire.GetEndpointResponse(endpoint=_rendered(found))

    async def ListEndpoints(
        self, request: wire.ListEndpointsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListEndpointsResponse:
        """List endpoints in the order of their ids."""
        tenant = tenant_id()
        bound_to = ["endpoints", tenant]
        size = pages.page_size(request.page_size)
        key = page_keys.decode(request.page_token, bound_to, shape=[str])
        found = await endpoints.page(self._engine, tenant, after=str(key[0]) if key else "", size=size + 1)
        token = pages.encode([found[size - 1].endpoint_id], bound_to) if len(found) > size else ""
        return wire.ListEndpointsResponse(
            endpoints=[_rendered(one) for one in found[:size]], next_page_token=token
        )


def _rendered(endpoint: Endpoint) -> endpoint_pb2.Endpoint:
    return endpoint_pb2.Endpoint(
        endpoint_id=endpoint.endpoint_id,
        url=endpoint.url,
        description=endpoint.description,
        state=endpoint_pb2.Endpoint.State.Name(endpoint.state),
        timeout=duration(endpoint.timeout),
        create_time=timestamp(endpoint.create_time),
        update_time=timestamp(endpoint.update_time),
        etag=f"v{endpoint.version}",
    )
