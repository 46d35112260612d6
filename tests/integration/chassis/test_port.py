"""One listening gRPC port: whose it is, whether it is ready, and how it ends."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.lifecycle import Readiness
from chassis.ports import PortTaken
from chassis.rpc.server import Port
from tests.integration.chassis.conftest import GOOD, NAME, Behaviour, Caller, port_of, works

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(caller: Caller, service: str = "") -> int:
    """Ask the standard health service, without any key."""
    stub = health_pb2_grpc.HealthStub(caller.channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def test_a_port_that_somebody_has_is_refused_in_a_sentence(serve: Any) -> None:
    """A second server does not bind the same port silently."""
    port, _ = await serve(works())
    second = port_of(works(), address=f"127.0.0.1:{port.port}")
    with pytest.raises(PortTaken, match=f"cannot listen on 127.0.0.1:{port.port}: the port is taken"):
        await second.start()
    await second.stop(0)


async def test_not_ready_before_everything_answers_and_after_a_stop(serve: Any) -> None:
    """Health follows the checks: NOT_SERVING until all answer, again when one does not, and at the stop."""
    port, caller = await serve(works())
    assert await health(caller) == await health(caller, NAME) == NOT_SERVING
    up = [False]

    async def check() -> bool:
        if not up[0]:
            raise ConnectionError("away")
        return True

    readiness = Readiness([port], [check])
    assert await readiness.check() == 0.2
    assert await health(caller) == NOT_SERVING
    up[0] = True
    assert await readiness.check() is None
    assert await health(caller) == await health(caller, NAME) == SERVING
    up[0] = False
    await readiness.check()
    assert await health(caller) == NOT_SERVING
    up[0] = True
    await readiness.check()
    await readiness.stop()
    assert await health(caller) == NOT_SERVING


async def test_a_stop_lets_a_running_call_end(serve: Any) -> None:
    """The call under way is answered; a new one is refused."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def act() -> None:
        entered.set()
        await leave.wait()

    port: Port
    port, caller = await serve(Behaviour(act))
    running = asyncio.create_task(_awaited(caller.unary(GOOD)))
    await entered.wait()
    stopping = asyncio.create_task(port.stop(5))
    late = Caller(port.port)
    with pytest.raises(grpc.aio.AioRpcError):
        await late.unary(GOOD, timeout=1)
    assert not stopping.done()
    leave.set()
    await running
    await asyncio.wait_for(stopping, 5)
    await late.channel.close()


async def _awaited(call: Any) -> object:
    return await call
