"""DeliverySettingsService: what a tenant decides about all of its deliveries."""

import grpc
import structlog
from redletter.delivery.v1 import delivery_settings_pb2, delivery_settings_service_pb2_grpc
from redletter.delivery.v1 import delivery_settings_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.rpc.credentials import tenant_id
from chassis.wire import timestamp
from delivery_service.domain.delivery_settings import (
    DeliverySettings,
    DeliverySettingsEdit,
    InboxMode,
    require_retention,
)
from delivery_service.store import tenant_settings

log = structlog.get_logger()


class DeliverySettingsServicer(delivery_settings_service_pb2_grpc.DeliverySettingsServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def GetDeliverySettings(
        self, _request: wire.GetDeliverySettingsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetDeliverySettingsResponse:
        """Answer the caller's settings."""
        found = await tenant_settings.get(self._engine, tenant_id())
        return wire.GetDeliverySettingsResponse(delivery_settings=_rendered(found))

    async def UpdateDeliverySettings(
        self, request: wire.UpdateDeliverySettingsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.UpdateDeliverySettingsResponse:
        """Change the named fields of the caller's settings."""
        changed = await tenant_settings.change(
            self._engine,
            tenant_id(),
            _edit(request),
            etag=request.delivery_settings.etag,
            now=self._clock.now(),
        )
        log.info("delivery_settings.updated", tenant_id=tenant_id(), version=changed.version)
        return wire.UpdateDeliverySettingsResponse(delivery_settings=_rendered(changed))


def _edit(request: wire.UpdateDeliverySettingsRequest) -> DeliverySettingsEdit:
    paths, wanted = set(request.update_mask.paths), request.delivery_settings
    mode = InboxMode(wanted.inbox_mode or InboxMode.UNRECEIVED)
    return DeliverySettingsEdit(
        mode if "inbox_mode" in paths else None,
        require_retention(wanted.retention_days) if "retention_days" in paths else None,
    )


def _rendered(settings: DeliverySettings) -> delivery_settings_pb2.DeliverySettings:
    wire_settings = delivery_settings_pb2.DeliverySettings(
        inbox_mode=delivery_settings_pb2.DeliverySettings.InboxMode.Name(settings.inbox_mode),
        retention_days=settings.retention_days,
        etag=settings.etag,
    )
    if settings.update_time is not None:
        wire_settings.update_time.CopyFrom(timestamp(settings.update_time))
    return wire_settings
