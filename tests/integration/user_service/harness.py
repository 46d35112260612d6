"""user_service as it is built in `app`, in this process, on free ports, on a database of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.user.v1 import (
    api_key_service_pb2_grpc,
    auth_service_pb2_grpc,
    care_switch_pb2,
    preferences_pb2,
    tenant_pb2,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
    user_feed_service_pb2,
    user_feed_service_pb2_grpc,
    user_pb2,
    user_service_pb2,
    user_service_pb2_grpc,
)

from chassis.lifecycle import Part
from chassis.rpc.channel import connect
from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import Port
from user_service.app import build
from user_service.settings import Settings

SECRET = "a secret of the services, long enough for tests"


class _Key(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends an API key with each call."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def _signed(self, details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
        metadata = grpc.aio.Metadata(("authorization", f"Bearer {self._secret}"))
        return details._replace(metadata=metadata)

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Add the key to a call."""
        return await continuation(self._signed(details), request)


class _StreamKey(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, unary: _Key) -> None:
        self._unary = unary

    async def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        """Add the key to a stream."""
        return await continuation(self._unary._signed(details), requests)


@dataclass
class Caller:
    """The public API with one key."""

    secret: str
    users: user_service_pb2_grpc.UserServiceStub
    tenants: tenant_service_pb2_grpc.TenantServiceStub
    keys: api_key_service_pb2_grpc.ApiKeyServiceStub
    tenant_id: str = ""

    async def upsert(self, user: user_pb2.User, **more: Any) -> user_service_pb2.UpsertUserResponse:
        """Upsert one user."""
        return await self.users.UpsertUser(user_service_pb2.UpsertUserRequest(user=user, **more))

    async def get(self, user_id: str) -> user_pb2.User:
        """Return one user."""
        return (await self.users.GetUser(user_service_pb2.GetUserRequest(user_id=user_id))).user

    async def delete(self, user_id: str) -> None:
        """Delete one user."""
        await self.users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id=user_id))

    async def choose(self, user_id: str, preferences: preferences_pb2.Preferences) -> user_pb2.User:
        """Set the preferences of one user; return the user."""
        request = user_service_pb2.SetPreferencesRequest(user_id=user_id, preferences=preferences)
        return (await self.users.SetPreferences(request)).user

    async def switch(self, user_id: str, occasion_id: str = "", **more: Any) -> care_switch_pb2.CareSwitch:
        """Set a care switch."""
        request = user_service_pb2.SetCareSwitchRequest(user_id=user_id, occasion_id=occasion_id, **more)
        return (await self.users.SetCareSwitch(request)).care_switch

    async def clear(self, user_id: str, occasion_id: str = "") -> care_switch_pb2.CareSwitch:
        """Clear a care switch."""
        request = user_service_pb2.ClearCareSwitchRequest(user_id=user_id, occasion_id=occasion_id)
        return (await self.users.ClearCareSwitch(request)).care_switch

    async def switches(self, user_id: str) -> list[care_switch_pb2.CareSwitch]:
        """List the care switches of a person."""
        request = user_service_pb2.ListCareSwitchesRequest(user_id=user_id)
        return list((await self.users.ListCareSwitches(request)).care_switches)

    async def edit(self, *paths: str, **fields: Any) -> tenant_pb2.Tenant:
        """Change the named fields of the caller's tenant; return it."""
        request = tenant_service_pb2.UpdateTenantRequest(
            tenant=tenant_pb2.Tenant(**fields), update_mask=FieldMask(paths=paths)
        )
        return (await self.tenants.UpdateTenant(request)).tenant

    async def batch(self, users: list[user_pb2.User], **more: Any) -> list[Any]:
        """Upsert users; return one result per user."""
        request = user_service_pb2.BatchUpsertUsersRequest(users=users, **more)
        return list((await self.users.BatchUpsertUsers(request)).results)

    async def load(
        self, chunks: list[user_service_pb2.ImportUsersRequest]
    ) -> list[user_service_pb2.ImportUsersResponse]:
        """Import chunks; return all answers."""
        return [answer async for answer in self.users.ImportUsers(iter(chunks))]


@dataclass
class Service:
    """A running user_service; `feed` and `auth` carry the service credential."""

    parts: list[Part]
    settings: Settings
    operator_key: str
    public: str
    internal: str
    feed: user_feed_service_pb2_grpc.UserFeedServiceStub
    auth: auth_service_pb2_grpc.AuthServiceStub
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def caller(self, secret: str) -> Caller:
        """Return the API with this key."""
        unary = _Key(secret)
        channel = grpc.aio.insecure_channel(self.public, interceptors=[unary, _StreamKey(unary)])
        self.channels.append(channel)
        return Caller(
            secret,
            user_service_pb2_grpc.UserServiceStub(channel),
            tenant_service_pb2_grpc.TenantServiceStub(channel),
            api_key_service_pb2_grpc.ApiKeyServiceStub(channel),
        )

    @property
    def operator(self) -> Caller:
        """The API with the operator's key."""
        return self.caller(self.operator_key)

    async def tenant(self, name: str = "acme", **more: Any) -> Caller:
        """Create a tenant and return the API with its first key."""
        request = tenant_service_pb2.CreateTenantRequest(tenant=tenant_pb2.Tenant(name=name, **more))
        created = await self.operator.tenants.CreateTenant(request)
        caller = self.caller(created.secret)
        caller.tenant_id = created.tenant.tenant_id
        return caller

    async def pull(self, most: int = 1000, **reader: Any) -> user_feed_service_pb2.PullChangesResponse:
        """Return a page of the feed."""
        return await self.feed.PullChanges(user_feed_service_pb2.PullChangesRequest(max_items=most, **reader))

    async def ack(self, epoch: str, changes: list[Any], **reader: Any) -> int:
        """Acknowledge pulled changes; return how many were removed."""
        applied = [
            user_feed_service_pb2.AppliedChange(tenant_id=c.tenant_id, user_id=c.user_id, version=c.version)
            for c in changes
        ]
        request = user_feed_service_pb2.AckChangesRequest(epoch=epoch, changes=applied, **reader)
        return (await self.feed.AckChanges(request)).removed

    async def drain(self) -> None:
        """Acknowledge everything that is pending."""
        while (page := await self.pull()).changes:
            await self.ack(page.epoch, list(page.changes))


@asynccontextmanager
async def running(settings: Settings, operator_key: str) -> AsyncIterator[Service]:
    """Start the parts of the service, and stop them in reverse."""
    parts = await build(settings)
    for part in parts:
        await part.start()
    public, internal = (f"127.0.0.1:{part.port}" for part in parts if isinstance(part, Port))
    channel = connect(internal, InternalToken(SECRET))
    service = Service(
        parts,
        settings,
        operator_key,
        public,
        internal,
        user_feed_service_pb2_grpc.UserFeedServiceStub(channel),
        auth_service_pb2_grpc.AuthServiceStub(channel),
        [channel],
    )
    try:
        yield service
    finally:
        for opened in service.channels:
            await opened.close()
        for part in reversed(parts):
            await part.stop()
