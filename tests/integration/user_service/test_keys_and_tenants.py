"""Who may call: operators make tenants, tenants make keys, services verify them."""

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from redletter.common.v1 import leap_day_rule_pb2
from redletter.user.v1.api_key_service_pb2 import (
    CreateApiKeyRequest,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
)
from redletter.user.v1.auth_service_pb2 import VerifyApiKeyRequest
from redletter.user.v1.tenant_pb2 import Tenant
from redletter.user.v1.tenant_service_pb2 import CreateTenantRequest, GetTenantRequest
from redletter.user.v1.user_feed_service_pb2 import PullChangesRequest
from redletter.user.v1.user_feed_service_pb2_grpc import UserFeedServiceStub
from sqlalchemy import text

from tests.integration.user_service.examples import code_and_reason, person, refused_fields
from tests.integration.user_service.harness import Caller, Service
from user_service.__main__ import bootstrap
from user_service.app import engine_of


async def test_a_tenant_gets_defaults_and_a_key(service: Service) -> None:
    """CreateTenant fills in zone, locale and leap rule, and shows a working secret once."""
    created = await service.operator.tenants.CreateTenant(CreateTenantRequest(tenant=Tenant(name="acme")))
    caller = service.caller(created.secret)
    tenant = (await caller.tenants.GetTenant(GetTenantRequest())).tenant
    assert tenant == created.tenant
    assert (tenant.name, tenant.time_zone, tenant.locale) == ("acme", "UTC", "en")
    assert tenant.leap_day_rule == leap_day_rule_pb2.LEAP_DAY_RULE_BACKWARD
    assert created.secret.startswith("rl_")
    assert len(created.secret) == 46
    assert list(created.api_key.scopes) == ["tenant"]


async def test_a_tenant_is_fed_with_what_it_says(service: Service) -> None:
    """The feed carries a new tenant with its own defaults."""
    rule = leap_day_rule_pb2.LEAP_DAY_RULE_OMIT
    acme = await service.tenant("acme", time_zone="Pacific/Apia", locale="sm", leap_day_rule=rule)
    [change] = (await service.pull()).changes
    assert (change.tenant_id, change.user_id) == (acme.tenant_id, "")
    assert (change.tenant.time_zone, change.tenant.locale, change.tenant.leap_day_rule) == (
        "Pacific/Apia",
        "sm",
        rule,
    )


async def test_a_taken_name_is_refused(service: Service) -> None:
    """The second tenant of a name is ALREADY_EXISTS, and no key or mark is left of it."""
    await service.tenant("acme")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.tenant("acme")
    assert code_and_reason(refused.value) == ("ALREADY_EXISTS", "ALREADY_EXISTS_DIFFERENT")
    assert (await service.pull()).backlog == 1


async def test_a_tenant_with_a_wrong_zone_or_name_is_refused(service: Service) -> None:
    """Zone and name are checked at their fields."""
    for tenant, field in (
        (Tenant(name="a", time_zone="Berlin"), "tenant.time_zone"),
        (Tenant(), "tenant.name"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.operator.tenants.CreateTenant(CreateTenantRequest(tenant=tenant))
        assert field in refused_fields(refused.value)


async def test_scopes_are_kept_apart(service: Service, acme: Caller) -> None:
    """An operator's key does nothing inside a tenant, a tenant's key makes no tenants."""
    for call in (
        acme.tenants.CreateTenant(CreateTenantRequest(tenant=Tenant(name="mine"))),
        service.operator.upsert(person()),
        service.operator.tenants.GetTenant(GetTenantRequest()),
        service.operator.keys.ListApiKeys(ListApiKeysRequest()),
        service.operator.load([]),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert code_and_reason(refused.value) == ("PERMISSION_DENIED", "FORBIDDEN")


@pytest.mark.parametrize("secret", ["rl_" + "x" * 43, "nonsense"])
async def test_an_unknown_key_is_refused(service: Service, secret: str) -> None:
    """A key that is not known is UNAUTHENTICATED with a sentence that does not repeat it."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.caller(secret).get("ada")
    assert code_and_reason(refused.value) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    assert "not known" in refused.value.details()
    assert secret not in refused.value.details()


async def test_the_internal_port_wants_the_service_credential(service: Service, acme: Caller) -> None:
    """An API key does not open the internal port."""
    async with grpc.aio.insecure_channel(service.internal) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await UserFeedServiceStub(channel).PullChanges(
                PullChangesRequest(max_items=1), metadata=(("authorization", f"Bearer {acme.secret}"),)
            )
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_services_verify_keys(service: Service, acme: Caller) -> None:
    """VerifyApiKey answers tenant, scopes and how long to remember; unknown keys are UNAUTHENTICATED."""
    answer = await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret=acme.secret))
    assert (answer.tenant_id, list(answer.scopes)) == (acme.tenant_id, ["tenant"])
    assert answer.cache_for.ToTimedelta() == timedelta(seconds=30)
    operator = await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret=service.operator_key))
    assert (operator.tenant_id, list(operator.scopes)) == ("", ["operator"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret="rl_unknown"))
    assert code_and_reason(refused.value) == ("UNAUTHENTICATED", "UNAUTHENTICATED")


async def test_a_revoked_key_ends(service: Service, acme: Caller) -> None:
    """A revoked key is refused by VerifyApiKey at once, and revoking twice changes nothing."""
    made = await acme.keys.CreateApiKey(CreateApiKeyRequest(name="crm"))
    await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret=made.secret))
    request = RevokeApiKeyRequest(api_key_id=made.api_key.api_key_id)
    first = await acme.keys.RevokeApiKey(request)
    assert first.api_key.HasField("revoke_time")
    assert await acme.keys.RevokeApiKey(request) == first
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret=made.secret))
    assert "revoked" in refused.value.details()


async def test_a_key_that_expires_is_not_remembered_longer(service: Service, acme: Caller) -> None:
    """`cache_for` ends with the key; an expiry in the past is refused."""
    soon = Timestamp()
    soon.FromDatetime(datetime.now(UTC) + timedelta(seconds=10))
    made = await acme.keys.CreateApiKey(CreateApiKeyRequest(name="brief", expire_time=soon))
    answer = await service.auth.VerifyApiKey(VerifyApiKeyRequest(secret=made.secret))
    assert timedelta(0) < answer.cache_for.ToTimedelta() <= timedelta(seconds=10)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.keys.CreateApiKey(CreateApiKeyRequest(name="late", expire_time=Timestamp(seconds=1)))
    assert "expire_time" in refused_fields(refused.value)


async def test_keys_are_listed_for_their_tenant_only(service: Service, acme: Caller) -> None:
    """All keys of the tenant come in pages by id, without secrets; another tenant's cannot be revoked."""
    other = await service.tenant("other")
    for name in ("one", "two"):
        await acme.keys.CreateApiKey(CreateApiKeyRequest(name=name))
    first = await acme.keys.ListApiKeys(ListApiKeysRequest(page_size=2))
    rest = await acme.keys.ListApiKeys(ListApiKeysRequest(page_size=2, page_token=first.next_page_token))
    keys = [*first.api_keys, *rest.api_keys]
    assert {key.name for key in keys} == {"default", "one", "two"}
    assert [key.api_key_id for key in keys] == sorted(key.api_key_id for key in keys)
    assert rest.next_page_token == ""
    for api_key_id in (keys[0].api_key_id, "key_\0"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await other.keys.RevokeApiKey(RevokeApiKeyRequest(api_key_id=api_key_id))
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_there_is_one_operator_key(service: Service) -> None:
    """A second bootstrap makes no key and shows none."""
    said = await bootstrap(service.settings)
    assert "already" in said
    assert "rl_" not in said


async def test_secrets_are_stored_nowhere(service: Service, acme: Caller) -> None:
    """Neither the secret nor a part of it is in any row of the schema."""
    engine = engine_of(service.settings)
    async with engine.connect() as connection:
        rows = (
            (
                await connection.execute(
                    text(
                        "SELECT k::text || s::text FROM api_keys k JOIN api_key_secrets s USING (api_key_id)"
                    )
                )
            )
            .scalars()
            .all()
        )
    await engine.dispose()
    assert len(rows) == 2
    assert acme.secret[3:] not in json.dumps(rows)
    assert acme.secret[3:].encode().hex() not in json.dumps(rows)
