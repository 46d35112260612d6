"""The process as shipped: ports, credentials, health, metrics."""

import asyncio
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redletter.delivery.v1 import (
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    endpoint_service_pb2,
    endpoint_service_pb2_grpc,
    intake_service_pb2,
    intake_service_pb2_grpc,
)
from redletter.user.v1 import auth_service_pb2, auth_service_pb2_grpc

from chassis.errors import Unauthenticated
from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import Port
from tests.integration.delivery_service.conftest import TENANT_ID, event_id
from tests.integration.delivery_service.processes import SECRET, Process, process
from tests.receiver import Receiver

KEY = "rl_right"


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    """Stands for user_service: knows one key."""

    async def VerifyApiKey(
        self, request: auth_service_pb2.VerifyApiKeyRequest, _context: grpc.aio.ServicerContext
    ) -> auth_service_pb2.VerifyApiKeyResponse:
        """Know the right key."""
        if request.secret != KEY:
            raise Unauthenticated("unknown")
        return auth_service_pb2.VerifyApiKeyResponse(
            tenant_id=TENANT_ID, api_key_id="k", scopes=["tenant"], cache_for=Duration(seconds=30)
        )


@asynccontextmanager
async def user_service() -> AsyncIterator[int]:
    """Serve AuthService; give its port."""
    port = Port(
        "user_service",
        "127.0.0.1:0",
        authenticate=InternalToken(SECRET),
        register=[lambda server: auth_service_pb2_grpc.add_AuthServiceServicer_to_server(Auth(), server)],
        names=[],
    )
    await port.start()
    yield port.port
    await port.stop(0)


async def serving(port: int) -> None:
    """Return when the standard health service says SERVING."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        async for answer in stub.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=20):
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return


async def refused(call: grpc.aio.UnaryUnaryCall) -> grpc.StatusCode:
    """Return the code of a call that must fail."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    raise AssertionError("the call succeeded")


async def test_a_tenant_creates_an_endpoint_and_the_scheduler_fills_it(
    database_url: str, receiver: Receiver
) -> None:
    """From the public port to the webhook: right key, wrong key, no key, broken rule, internal credential."""
    async with user_service() as users:
        with process(database_url, "r1", REDLETTER_USER_SERVICE_ADDRESS=f"127.0.0.1:{users}") as replica:
            await serving(replica.public_port)
            await _exercise(replica, receiver)
            metrics = await asyncio.to_thread(_read, f"http://127.0.0.1:{replica.metrics_port}/metrics")
    assert 'redletter_delivery_attempts_total{result="delivered"} 1.0' in metrics
    assert 'redletter_delivery_lateness_seconds_bucket{le="+Inf"} 1.0' in metrics
    assert "redletter_delivery_queue_open" in metrics


async def _exercise(replica: Process, receiver: Receiver) -> None:
    key = (("authorization", f"Bearer {KEY}"),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{replica.public_port}") as channel:
        endpoints = endpoint_service_pb2_grpc.EndpointServiceStub(channel)
        create = endpoint_service_pb2.CreateEndpointRequest(endpoint_id="hook", url=receiver.url())
        assert await refused(endpoints.CreateEndpoint(create)) == grpc.StatusCode.UNAUTHENTICATED
        wrong = (("authorization", "Bearer rl_wrong"),)
        assert (
            await refused(endpoints.CreateEndpoint(create, metadata=wrong)) == grpc.StatusCode.UNAUTHENTICATED
        )
        bad = endpoint_service_pb2.CreateEndpointRequest(endpoint_id="INBOX", url="http://10.0.0.1/")
        assert await refused(endpoints.CreateEndpoint(bad, metadata=key)) == grpc.StatusCode.INVALID_ARGUMENT
        await endpoints.CreateEndpoint(create, metadata=key)
        assert await refused(endpoints.CreateEndpoint(create, metadata=key)) == grpc.StatusCode.ALREADY_EXISTS
        await replica.accept(_event())
        await receiver.wait_for(1)
        deliveries = delivery_service_pb2_grpc.DeliveryServiceStub(channel)
        async with asyncio.timeout(5):
            listing = delivery_service_pb2.ListDeliveriesRequest(states=["STATE_DELIVERED"])
            while not (await deliveries.ListDeliveries(listing, metadata=key)).deliveries:
                await asyncio.sleep(0.02)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{replica.port}") as channel:
        intake = intake_service_pb2_grpc.IntakeServiceStub(channel)
        asked = intake_service_pb2.BatchGetOutcomesRequest(
            tenant_id=TENANT_ID, events=[{"event_id": "evt_x"}]
        )
        assert await refused(intake.BatchGetOutcomes(asked, metadata=key)) == grpc.StatusCode.UNAUTHENTICATED


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def _event() -> intake_service_pb2.AcceptedEvent:
    event = intake_service_pb2.AcceptedEvent(
        event_id=event_id(),
        tenant_id=TENANT_ID,
        user_id="u",
        event_type_id="birthday",
        priority=2,
        body=b"{}",
    )
    event.occurrence_date.year, event.occurrence_date.month, event.occurrence_date.day = 2027, 2, 28
    event.due_time.GetCurrentTime()
    event.decide_time.GetCurrentTime()
    event.deliver_by.FromSeconds(event.due_time.seconds + 3600)
    return event


def test_a_taken_port_is_one_sentence_and_exit_code_2(database_url: str) -> None:
    """The second process names the address and ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process(database_url, "r1", REDLETTER_INTERNAL_PORT=str(port)) as second:
            _, errors = second.popen.communicate(timeout=20)
    assert second.popen.returncode == 2
    # gRPC itself says a line of its own first.
    assert (
        errors.splitlines()[-1] == f"delivery_service: cannot listen on 127.0.0.1:{port}: the port is taken"
    )
