"""ApiKeyService: the keys of the caller's tenant."""

import structlog
from redletter.user.v1 import api_key_service_pb2, api_key_service_pb2_grpc
from whenever import Instant

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import InvalidInput, NotFound
from chassis.rpc.credentials import tenant_id
from chassis.wire import instant
from user_service.api import rendering
from user_service.api.calls import Context
from user_service.api.paging import page_after, token_after
from user_service.store.api_keys import ApiKeys

log = structlog.get_logger()


class ApiKeyServicer(api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Create, list and revoke."""

    def __init__(self, keys: ApiKeys, clock: BusinessClock) -> None:
        self._keys = keys
        self._clock = clock

    async def CreateApiKey(
        self, request: api_key_service_pb2.CreateApiKeyRequest, _context: Context
    ) -> api_key_service_pb2.CreateApiKeyResponse:
        """Make a key; the secret is answered once."""
        tenant = tenant_id()
        real = self._clock.real()
        key, secret = await self._keys.create(
            tenant, name=request.name, expire_time=_expiry(request, real), real=real
        )
        log.info("api_key.created", tenant_id=tenant, api_key_id=key.api_key_id)
        return api_key_service_pb2.CreateApiKeyResponse(api_key=rendering.api_key(key), secret=secret)

    async def ListApiKeys(
        self, request: api_key_service_pb2.ListApiKeysRequest, _context: Context
    ) -> api_key_service_pb2.ListApiKeysResponse:
        """Answer one page of keys, by id."""
        tenant = tenant_id()
        bound_to = ["api_keys", tenant]
        size = pages.page_size(request.page_size)
        found = await self._keys.list(tenant, after=page_after(request.page_token, bound_to), most=size + 1)
        return api_key_service_pb2.ListApiKeysResponse(
            api_keys=[rendering.api_key(key) for key in found[:size]],
            next_page_token=token_after([key.api_key_id for key in found], size, bound_to),
        )

    async def RevokeApiKey(
        self, request: api_key_service_pb2.RevokeApiKeyRequest, _context: Context
    ) -> api_key_service_pb2.RevokeApiKeyResponse:
        """End a key."""
        tenant = tenant_id()
        if not request.api_key_id.isprintable():
            raise NotFound(f"there is no API key {request.api_key_id!r}")
        key = await self._keys.revoke(tenant, request.api_key_id, real=self._clock.real())
        log.info("api_key.revoked", tenant_id=tenant, api_key_id=key.api_key_id)
        return api_key_service_pb2.RevokeApiKeyResponse(api_key=rendering.api_key(key))


def _expiry(request: api_key_service_pb2.CreateApiKeyRequest, real: Instant) -> Instant | None:
    if not request.HasField("expire_time"):
        return None
    wanted = instant(request.expire_time)
    if wanted <= real:
        raise InvalidInput.at(
            "expire_time",
            f"{wanted} is past",
            value=str(wanted),
            allowed=f"an instant after {real}, or none for a key that never expires",
        )
    return wanted
