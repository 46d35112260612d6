"""GetDeliverySettings, UpdateDeliverySettings."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.delivery.v1 import delivery_settings_pb2
from redletter.delivery.v1 import delivery_settings_service_pb2 as wire

from chassis.errors import InvalidInput, StaleVersion
from chassis.rpc.validation import validate
from delivery_service.api.delivery_settings import DeliverySettingsServicer
from tests.integration.delivery_service.conftest import World, as_tenant

Settings = delivery_settings_pb2.DeliverySettings


async def get(world: World, *, tenant: str = "t1") -> Settings:
    """Return a tenant's settings."""
    as_tenant(tenant)
    servicer = DeliverySettingsServicer(world.engine, world.clock)
    answer = await servicer.GetDeliverySettings(wire.GetDeliverySettingsRequest(), None)
    return answer.delivery_settings


async def update(world: World, wanted: Settings, *paths: str) -> Settings:
    """Change settings as the port does: its field rules first."""
    as_tenant("t1")
    request = wire.UpdateDeliverySettingsRequest(delivery_settings=wanted, update_mask=FieldMask(paths=paths))
    validate(request)
    servicer = DeliverySettingsServicer(world.engine, world.clock)
    return (await servicer.UpdateDeliverySettings(request, None)).delivery_settings


async def test_a_tenant_that_decided_nothing_has_the_defaults(world: World) -> None:
    """The inbox holds what nobody received, retention is the deployment's, nothing was ever changed."""
    found = await get(world)
    assert (found.inbox_mode, found.retention_days) == (Settings.INBOX_MODE_UNRECEIVED, 0)
    assert not found.HasField("update_time")


async def test_only_named_fields_change(world: World) -> None:
    """The others stay; the etag differs after each change, and not when nothing changed; nobody else's change."""
    first = await update(world, Settings(inbox_mode=Settings.INBOX_MODE_ALL, retention_days=90), "inbox_mode")
    assert (first.inbox_mode, first.retention_days) == (Settings.INBOX_MODE_ALL, 0)
    second = await update(world, Settings(retention_days=90), "retention_days")
    assert (second.inbox_mode, second.retention_days) == (Settings.INBOX_MODE_ALL, 90)
    assert second.etag != first.etag
    assert await update(world, Settings(retention_days=90), "retention_days") == second
    assert (await update(world, Settings(), "inbox_mode")).inbox_mode == Settings.INBOX_MODE_UNRECEIVED
    assert (await get(world, tenant="t2")).retention_days == 0


async def test_a_change_from_other_settings_is_refused(world: World) -> None:
    """The etag that was read must still be the present one; also the one of settings never changed."""
    never = (await get(world)).etag
    await update(world, Settings(retention_days=90, etag=never), "retention_days")
    with pytest.raises(StaleVersion, match="read them again"):
        await update(world, Settings(retention_days=60, etag=never), "retention_days")
    assert (await get(world)).retention_days == 90


@pytest.mark.parametrize("days", [-1, 1, 44, 3651])
async def test_retention_has_bounds(world: World, days: int) -> None:
    """45 to 3650 days, or 0."""
    with pytest.raises(InvalidInput, match="45 to 3650"):
        await update(world, Settings(retention_days=days), "retention_days")


async def test_a_mask_names_something_and_nothing_else(world: World) -> None:
    """No field, and one that the server sets, are refused."""
    for paths in ((), ("etag",), ("inbox_mode", "update_time")):
        with pytest.raises(InvalidInput, match="inbox_mode, retention_days"):
            await update(world, Settings(), *paths)
