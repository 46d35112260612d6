"""EndpointService: the tenant's webhook endpoints."""

import secrets
from collections.abc import Callable, Sequence

import grpc
import structlog
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2_grpc
from redletter.delivery.v1 import endpoint_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import InvalidInput
from chassis.rpc.credentials import tenant_id
from delivery_service.api import page_keys
from delivery_service.api.endpoint_parsing import FIELDS, Changes, applied, changes
from delivery_service.api.endpoint_rendering import endpoint as rendered
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.destinations import Destinations
from delivery_service.domain.endpoint_secrets import new_secret
from delivery_service.domain.endpoints import (
    DEFAULT_TIMEOUT,
    DisableReason,
    Endpoint,
    EndpointState,
    disabled,
    edited,
    enabled,
    require_id,
)
from delivery_service.domain.signatures import SecretKind, secret_text
from delivery_service.store import endpoints

log = structlog.get_logger()


class EndpointServicer(endpoint_service_pb2_grpc.EndpointServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, destinations: Destinations) -> None:
        self._engine = engine
        self._clock = clock
        self._destinations = destinations

    async def CreateEndpoint(
        self, request: wire.CreateEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.CreateEndpointResponse:
        """Create an endpoint; its secret is shown once."""
        bare = self._bare(require_id(request.endpoint_id) or f"ep_{secrets.token_hex(8)}")
        endpoint = _created(bare, self._changes(request, sorted(FIELDS)))
        secret = new_secret(SecretKind.HMAC)
        await endpoints.create(self._engine, endpoint, secret)
        log.info("endpoint.created", endpoint_id=endpoint.endpoint_id)
        return wire.CreateEndpointResponse(endpoint=rendered(endpoint), secret=secret_text(secret.key))

    async def GetEndpoint(
        self, request: wire.GetEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetEndpointResponse:
        """Answer one endpoint."""
        found = await endpoints.get(self._engine, LaneKey(tenant_id(), request.endpoint_id))
        return wire.GetEndpointResponse(endpoint=rendered(found))

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
            endpoints=[rendered(one) for one in found[:size]], next_page_token=token
        )

    async def UpdateEndpoint(
        self, request: wire.UpdateEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.UpdateEndpointResponse:
        """Change the named fields."""
        given, paths = request.endpoint, request.update_mask.paths
        try:
            wanted = self._changes(given, paths)
        except InvalidInput as error:
            raise _placed(error) from None
        now = self._clock.now()

        def how(stored: Endpoint) -> Endpoint:
            return edited(stored, _applied(stored, wanted), now=now)

        stored, changed = await self._change(given.endpoint_id, how, etag=given.etag)
        if changed:
            log.info("endpoint.updated", endpoint_id=stored.endpoint_id, version=stored.version)
        return wire.UpdateEndpointResponse(endpoint=rendered(stored))

    async def DeleteEndpoint(
        self, request: wire.DeleteEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.DeleteEndpointResponse:
        """Delete an endpoint; what waits for it ends as dead."""
        lane = LaneKey(tenant_id(), request.endpoint_id)
        await endpoints.remove(self._engine, lane, etag=request.etag)
        log.info("endpoint.deleted", endpoint_id=lane.endpoint_id)
        return wire.DeleteEndpointResponse()

    async def EnableEndpoint(
        self, request: wire.EnableEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.EnableEndpointResponse:
        """Address messages to it again."""
        now = self._clock.now()
        stored, changed = await self._change(request.endpoint_id, lambda stored: enabled(stored, now=now))
        if changed:
            log.info("endpoint.enabled", endpoint_id=stored.endpoint_id, version=stored.version)
        return wire.EnableEndpointResponse(endpoint=rendered(stored))

    async def DisableEndpoint(
        self, request: wire.DisableEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.DisableEndpointResponse:
        """Send it no more messages."""
        now = self._clock.now()
        stored, changed = await self._change(
            request.endpoint_id,
            lambda stored: disabled(stored, DisableReason.BY_CALLER, request.note, now=now),
        )
        if changed:
            log.info("endpoint.disabled", endpoint_id=stored.endpoint_id, version=stored.version)
        return wire.DisableEndpointResponse(endpoint=rendered(stored))

    def _changes(
        self, given: wire.CreateEndpointRequest | endpoint_pb2.Endpoint, paths: Sequence[str]
    ) -> Changes:
        return changes(given, paths, destinations=self._destinations, now=self._clock.real())

    async def _change(
        self, endpoint_id: str, how: Callable[[Endpoint], Endpoint], *, etag: str = ""
    ) -> tuple[Endpoint, bool]:
        lane = LaneKey(tenant_id(), endpoint_id)
        before, after = await endpoints.change(self._engine, lane, how, etag=etag)
        return after, after is not before

    def _bare(self, endpoint_id: str) -> Endpoint:
        now = self._clock.now()
        return Endpoint(
            tenant_id=tenant_id(),
            endpoint_id=endpoint_id,
            url="",
            description="",
            state=EndpointState.ENABLED,
            timeout=DEFAULT_TIMEOUT,
            version=0,
            create_time=now,
            update_time=now,
        )


def _created(bare: Endpoint, wanted: Changes) -> Endpoint:
    """Return the first version of an endpoint; it differs from the bare one by its URL at least."""
    return edited(bare, applied(bare, wanted), now=bare.create_time)


def _applied(stored: Endpoint, wanted: Changes) -> Changes:
    try:
        return applied(stored, wanted)
    except InvalidInput as error:
        raise _placed(error) from None


def _placed(error: InvalidInput) -> InvalidInput:
    """Return the same refusal with its fields where UpdateEndpoint has them."""
    return error if error.violations[0].field == "update_mask" else error.under("endpoint")
