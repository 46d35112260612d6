"""The public port of a running delivery_service, as readers of its inbox see it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from redletter.delivery.v1 import (
    inbox_service_pb2,
    inbox_service_pb2_grpc,
    manifest_service_pb2_grpc,
    message_service_pb2_grpc,
)

from chassis.rpc.credentials import TENANT, Principal
from chassis.rpc.server import Port
from delivery_service.api.manifests import ManifestServicer
from delivery_service.api.messages import MessageServicer
from tests.integration.delivery_service.conftest import TENANT_ID, World

Pulled = inbox_service_pb2.PullInboxResponse


@dataclass
class InboxPort:
    """Stubs of one caller; `tenant` is whose key it has."""

    address: str
    inbox: Any
    messages: Any
    manifests: Any
    metadata: tuple[tuple[str, str], ...]

    def pull(self, **wanted: Any) -> Any:
        """Open a stream."""
        return self.inbox.PullInbox(inbox_service_pb2.PullInboxRequest(**wanted), metadata=self.metadata)

    async def take(self, stream: Any, count: int) -> list[Pulled]:
        """Return the next messages of a stream."""
        found = [await stream.read() for _ in range(count)]
        assert all(isinstance(one, Pulled) for one in found), "the stream ended early"
        return found

    async def drained(self, **wanted: Any) -> list[Pulled]:
        """Return what a stream gives until nothing is left to lease."""
        return [one async for one in self.pull(end_when_empty=True, **wanted)]

    async def ack(self, *event_ids: str) -> inbox_service_pb2.AckInboxResponse:
        """Acknowledge."""
        request = inbox_service_pb2.AckInboxRequest(event_ids=event_ids)
        answer: inbox_service_pb2.AckInboxResponse = await self.inbox.AckInbox(
            request, metadata=self.metadata
        )
        return answer

    async def delete(self, *event_ids: str) -> list[int]:
        """Delete; return the status codes."""
        request = inbox_service_pb2.BatchDeleteInboxRequest(event_ids=event_ids)
        answer = await self.inbox.BatchDeleteInbox(request, metadata=self.metadata)
        return [result.status.code for result in answer.results]


@asynccontextmanager
async def inbox_port(world: World, *, tenant: str = TENANT_ID) -> AsyncIterator[InboxPort]:
    """Serve the inbox of a running replica on loopback; a bearer token is the tenant's id."""
    port = Port(
        "delivery_service",
        "127.0.0.1:0",
        authenticate=_by_token,
        register=[
            lambda server: inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(world.inbox, server),
            lambda server: message_service_pb2_grpc.add_MessageServiceServicer_to_server(
                MessageServicer(world.engine), server
            ),
            lambda server: manifest_service_pb2_grpc.add_ManifestServiceServicer_to_server(
                ManifestServicer(world.engine, world.clock), server
            ),
        ],
        names=[],
    )
    await world.inside.pulls.start()
    await port.start()
    address = f"127.0.0.1:{port.port}"
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield InboxPort(
                address,
                inbox_service_pb2_grpc.InboxServiceStub(channel),
                message_service_pb2_grpc.MessageServiceStub(channel),
                manifest_service_pb2_grpc.ManifestServiceStub(channel),
                (("authorization", f"Bearer {tenant}"),),
            )
    finally:
        await world.inside.pulls.stop()
        await port.stop(1.0)


async def _by_token(metadata: Mapping[str, str]) -> Principal:
    return Principal(metadata["authorization"].removeprefix("Bearer "), "key", frozenset({TENANT}))
