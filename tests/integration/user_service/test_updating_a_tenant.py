"""UpdateTenant: a tenant changes its own defaults, and the scheduler hears of it."""

import asyncio

import grpc
import pytest
from redletter.common.v1 import leap_day_rule_pb2
from redletter.user.v1.tenant_pb2 import Tenant
from redletter.user.v1.tenant_service_pb2 import CreateTenantRequest, GetTenantRequest

from tests.integration.user_service.examples import code_and_reason, person, refused_fields
from tests.integration.user_service.harness import Caller, Service

OMIT = leap_day_rule_pb2.LEAP_DAY_RULE_OMIT


async def test_a_change_reaches_the_feed_before_all_users(service: Service, acme: Caller) -> None:
    """The new values are answered, stored and fed, under a version that has grown."""
    before = (await acme.tenants.GetTenant(GetTenantRequest())).tenant
    await acme.upsert(person())
    after = await acme.edit("time_zone", "leap_day_rule", time_zone="Asia/Tokyo", leap_day_rule=OMIT)
    assert (after.time_zone, after.leap_day_rule) == ("Asia/Tokyo", OMIT)
    assert (after.name, after.locale, after.create_time) == (before.name, before.locale, before.create_time)
    assert int(after.etag) > int(before.etag)
    assert (await acme.tenants.GetTenant(GetTenantRequest())).tenant == after
    page = await service.pull()
    assert [change.user_id for change in page.changes] == ["", "ada"]
    assert page.changes[0].tenant == after
    assert page.changes[0].version == int(after.etag)


async def test_a_pending_change_is_replaced_by_the_newer_one(service: Service, acme: Caller) -> None:
    """An acknowledgement of the older version leaves the newer one pending."""
    await acme.edit("locale", locale="de")
    page = await service.pull()
    await acme.edit("locale", locale="fr")
    assert await service.ack(page.epoch, list(page.changes)) == 0
    [change] = (await service.pull()).changes
    assert change.tenant.locale == "fr"


async def test_only_what_is_named_changes(service: Service, acme: Caller) -> None:
    """Fields outside the mask are not looked at; a named empty one gets its default; equal ones mark nothing."""
    await acme.edit("time_zone", "locale", time_zone="Asia/Tokyo", locale="ja")
    await service.drain()
    after = await acme.edit("locale", time_zone="No/Where", name="NO", locale="")
    assert (after.time_zone, after.locale, after.name) == ("Asia/Tokyo", "en", "acme")
    await service.drain()
    assert await acme.edit("locale", "name", locale="en", name="acme") == after
    assert not (await service.pull()).changes


async def test_an_etag_guards_a_change(acme: Caller) -> None:
    """Of many changes with one etag one wins; the rest are STALE_ETAG."""
    etag = (await acme.tenants.GetTenant(GetTenantRequest())).tenant.etag
    edits = (acme.edit("locale", locale=f"x{letter}", etag=etag) for letter in "abcd")
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert [code_and_reason(error) for error in refused] == [("ABORTED", "STALE_ETAG")] * 3
    assert etag in str(refused[0].details())


@pytest.mark.parametrize(
    ("paths", "fields", "reason", "field", "word"),
    [
        (["time_zone"], {"time_zone": "Asia/Tokio"}, "UNKNOWN_TIME_ZONE", "tenant.time_zone", "Asia/Tokyo"),
        (["name"], {"name": "Acme Inc"}, "INVALID_FIELD", "tenant.name", "Acme Inc"),
        (["name"], {}, "INVALID_FIELD", "tenant.name", ""),
        (["locale"], {"locale": "de_DE!"}, "INVALID_FIELD", "tenant.locale", "de_DE!"),
        (["leap_day_rule"], {"leap_day_rule": 9}, "INVALID_FIELD", "tenant.leap_day_rule", ""),
        (["tenant_id"], {"tenant_id": "x"}, "INVALID_FIELD", "update_mask", "time_zone"),
        ([], {"locale": "de"}, "INVALID_FIELD", "update_mask", "time_zone"),
    ],
)
async def test_a_wrong_change_is_refused_at_its_field(
    service: Service,
    acme: Caller,
    paths: list[str],
    fields: dict[str, object],
    reason: str,
    field: str,
    word: str,
) -> None:
    """The field and what is allowed are named, and nothing is marked."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.edit(*paths, **fields)
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", reason)
    assert word in refused_fields(refused.value)[field]
    assert not (await service.pull()).changes


async def test_a_name_can_change_but_not_to_a_taken_one(service: Service, acme: Caller) -> None:
    """Another tenant's name is ALREADY_EXISTS and leaves everything as it was."""
    await service.tenant("other")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.edit("name", "locale", name="other", locale="de")
    assert code_and_reason(refused.value) == ("ALREADY_EXISTS", "ALREADY_EXISTS_DIFFERENT")
    assert (await acme.tenants.GetTenant(GetTenantRequest())).tenant.locale == "en"
    assert (await acme.edit("name", name="acme-two")).name == "acme-two"


async def test_an_operator_changes_no_tenant(service: Service) -> None:
    """The scope is `tenant`."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.operator.edit("locale", locale="de")
    assert code_and_reason(refused.value) == ("PERMISSION_DENIED", "FORBIDDEN")


async def test_the_scope_is_asked_before_the_fields(acme: Caller) -> None:
    """A tenant's key learns nothing of the rules of a method that it may not call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.tenants.CreateTenant(CreateTenantRequest(tenant=Tenant(name="NOT A NAME")))
    assert code_and_reason(refused.value) == ("PERMISSION_DENIED", "FORBIDDEN")
