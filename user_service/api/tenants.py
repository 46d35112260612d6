"""TenantService: operators create tenants, a tenant sees and changes itself."""

import structlog
from redletter.user.v1 import tenant_service_pb2, tenant_service_pb2_grpc

from chassis.clocks import BusinessClock
from chassis.rpc.credentials import require_operator, tenant_id
from user_service.api import rendering
from user_service.api.calls import Context
from user_service.api.parsing import tenant_draft, tenant_edit
from user_service.store.tenants import Tenants

log = structlog.get_logger()


class TenantServicer(tenant_service_pb2_grpc.TenantServiceServicer):
    """Tenants of the deployment."""

    def __init__(self, tenants: Tenants, clock: BusinessClock) -> None:
        self._tenants = tenants
        self._clock = clock

    async def CreateTenant(
        self, request: tenant_service_pb2.CreateTenantRequest, _context: Context
    ) -> tenant_service_pb2.CreateTenantResponse:
        """Create a tenant with its first key; the secret is answered once."""
        operator = require_operator()
        tenant, key, secret = await self._tenants.create(
            tenant_draft(request.tenant), now=self._clock.now(), real=self._clock.real()
        )
        log.info("tenant.created", tenant_id=tenant.tenant_id, by=operator.api_key_id)
        return tenant_service_pb2.CreateTenantResponse(
            tenant=rendering.tenant(tenant), api_key=rendering.api_key(key), secret=secret
        )

    async def GetTenant(
        self, _request: tenant_service_pb2.GetTenantRequest, _context: Context
    ) -> tenant_service_pb2.GetTenantResponse:
        """Answer the caller's own tenant."""
        tenant = await self._tenants.get(tenant_id())
        return tenant_service_pb2.GetTenantResponse(tenant=rendering.tenant(tenant))

    async def UpdateTenant(
        self, request: tenant_service_pb2.UpdateTenantRequest, _context: Context
    ) -> tenant_service_pb2.UpdateTenantResponse:
        """Change the named fields of the caller's own tenant."""
        wanted = request.tenant
        tenant = await self._tenants.update(
            tenant_id(),
            tenant_edit(wanted, request.update_mask.paths),
            etag=wanted.etag,
            now=self._clock.now(),
            real=self._clock.real(),
        )
        log.info("tenant.updated", tenant_id=tenant.tenant_id, version=tenant.version)
        return tenant_service_pb2.UpdateTenantResponse(tenant=rendering.tenant(tenant))
