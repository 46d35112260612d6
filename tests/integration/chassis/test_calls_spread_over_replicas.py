"""Replicas come and go under load: calls are spread over those that are there, and no caller learns of it."""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError

from chassis.rpc.channel import connect
from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES, Port
from tests.integration.chassis.conftest import GOOD, NAME, Answer, Ask, Behaviour, port_of

TOKEN = InternalToken("s" * 32)
METHOD = f"/{NAME}/Unary"
CODEC = {"request_serializer": Ask.SerializeToString, "response_deserializer": Answer.FromString}


class Replica:
    """A server that counts the calls it has answered; it can be ended and started again on its address."""

    def __init__(self, address: str, *, age_seconds: float = 60.0) -> None:
        self.address = address
        self.answered = 0
        self._age = age_seconds
        self._port: Port | None = None

    async def start(self) -> None:
        async def act() -> None:
            await asyncio.sleep(0.002)
            self.answered += 1

        self._port = port_of(Behaviour(act), address=self.address, connection_age_seconds=self._age)
        await self._port.start()
        self.address = f"{self.address.rpartition(':')[0]}:{self._port.port}"

    async def stop(self, *, grace: float = 5.0) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            await port.stop(grace)

    async def kill(self) -> None:
        """End without waiting for running calls: their connections break."""
        await self.stop(grace=0)


class Load:
    """Calls in a stream of eight at a time, each with its error."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call = channel.unary_unary(METHOD, **CODEC)
        self.done = 0
        self.errors: Counter[str] = Counter()

    async def __call__(self) -> None:
        while True:
            try:
                await self._call(GOOD, timeout=5)
            except AioRpcError as error:
                self.errors[f"{error.code().name}: {error.details()}"] += 1
            self.done += 1


@asynccontextmanager
async def loaded(channel: grpc.aio.Channel) -> AsyncIterator[Load]:
    """Keep calling until the end of the block."""
    load = Load(channel)
    tasks = [asyncio.create_task(load()) for _ in range(8)]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def three() -> AsyncIterator[list[Replica]]:
    """Run three replicas on three ports."""
    replicas = [Replica("127.0.0.1:0") for _ in range(3)]
    for replica in replicas:
        await replica.start()
    yield replicas
    for replica in replicas:
        await replica.kill()


def channel_to(replicas: list[Replica], *, peer: str = "") -> grpc.aio.Channel:
    """Return a channel to a static list, as a setting names it."""
    return connect(",".join(replica.address for replica in replicas), TOKEN, peer=peer)


async def calls(load: Load, replicas: list[Replica], *, count: int, seconds: float = 10) -> list[int]:
    """Wait until so many more calls were answered; return by whom."""
    before, until = [r.answered for r in replicas], load.done + count
    async with asyncio.timeout(seconds):
        while load.done < until:
            await asyncio.sleep(0.005)
    return [r.answered - b for r, b in zip(replicas, before, strict=True)]


async def used(load: Load, replica: Replica, *, within: float) -> float:
    """Return after how many seconds a replica is used again; fail after `within`."""
    loop = asyncio.get_running_loop()
    began, before = loop.time(), replica.answered
    async with asyncio.timeout(within):
        while replica.answered == before:
            await asyncio.sleep(0.005)
    return loop.time() - began


async def test_calls_are_spread_evenly(three: list[Replica]) -> None:
    """Of 900 calls over one channel each of three replicas answers a third."""
    async with channel_to(three) as channel, loaded(channel) as load:
        for replica in three:
            await used(load, replica, within=5)
        shares = await calls(load, three, count=900)
    assert all(270 <= share <= 330 for share in shares), shares
    assert not load.errors


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_one_after_the_other_goes_and_returns(three: list[Replica], how: str) -> None:
    """Under load each replica ends and comes back: no call fails, the rest share, the returned one is used within a second."""
    async with channel_to(three, peer="test_service") as channel, loaded(channel) as load:
        for replica in three:
            await used(load, replica, within=5)
        for gone in three:
            await (gone.kill() if how == "killed" else gone.stop())
            others = [replica for replica in three if replica is not gone]
            shares = await calls(load, others, count=200)
            assert min(shares) > 60, shares
            await gone.start()
            assert await used(load, gone, within=5) < 1.2
        shares = await calls(load, three, count=600)
    assert not load.errors
    assert min(shares) > 150, shares


async def test_a_large_request_is_repeated_as_well() -> None:
    """A request of 3 MB that a replica takes with it is answered by the next one."""
    begun, hold = asyncio.Event(), asyncio.Event()

    async def act() -> None:
        begun.set()
        await hold.wait()

    first = port_of(Behaviour(act), max_bytes=MAX_INTERNAL_BYTES)
    await first.start()
    request = GOOD.SerializeToString() + b"\xa2\x06" + _varint(3_000_000) + b"x" * 3_000_000
    async with connect(f"127.0.0.1:{first.port}", TOKEN) as channel:
        under_way = asyncio.ensure_future(channel.unary_unary(METHOD)(request, timeout=10))
        await begun.wait()
        address = f"127.0.0.1:{first.port}"
        await first.stop(0)
        hold.set()
        again = port_of(Behaviour(act), max_bytes=MAX_INTERNAL_BYTES, address=address)
        await again.start()
        assert await under_way == Answer().SerializeToString()
        await again.stop(0)


def _varint(value: int) -> bytes:
    """Return a length as protobuf writes it."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


async def test_a_peer_that_is_gone_is_not_hammered(three: list[Replica]) -> None:
    """With every replica gone calls fail at once as UNAVAILABLE; half a second after the first is back they succeed."""
    async with channel_to(three, peer="test_service") as channel:
        call = channel.unary_unary(METHOD, **CODEC)
        await call(GOOD, timeout=5)
        for replica in three:
            await replica.kill()
        said = [await _refusal(call) for _ in range(6)]
        assert said[-1].startswith("test_service/Unary does not answer; try again in")
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(50):
            await _refusal(call)
        assert loop.time() - began < 0.4
        await three[0].start()
        began = loop.time()
        async with asyncio.timeout(5):
            while await _refusal(call):
                await asyncio.sleep(0.01)
        assert loop.time() - began < 1.3


async def _refusal(call: Any) -> str:
    """Return how a call is refused as UNAVAILABLE; empty when it was answered."""
    try:
        await call(GOOD, timeout=5)
    except AioRpcError as error:
        return str(error.details()) if error.code() is grpc.StatusCode.UNAVAILABLE else repr(error)
    return ""


class Names(asyncio.DatagramProtocol):
    """A DNS server for one name, as a headless service has it: its addresses are the replicas that are there."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        end = data.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", data[end - 4 : end - 2])
        found = self.addresses if kind == 1 else []
        rows = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(one) for one in found
        )
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        assert self._transport is not None
        self._transport.sendto(head + data[12:end] + rows, address)


async def test_a_new_replica_of_a_name_is_found() -> None:
    """A headless name gets another address: within the age of a connection it has its share, and no call fails."""
    names = Names()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: names, ("127.0.0.1", 0))
    first = Replica("127.0.0.2:0", age_seconds=1)
    await first.start()
    second = Replica(f"127.0.0.3:{first.address.rpartition(':')[2]}", age_seconds=1)
    await second.start()
    names.addresses = ["127.0.0.2"]
    server = transport.get_extra_info("sockname")[1]
    target = f"dns://127.0.0.1:{server}/replicas.test:{first.address.rpartition(':')[2]}"
    async with connect(target, TOKEN) as channel, loaded(channel) as load:
        await used(load, first, within=5)
        assert second.answered == 0
        names.addresses.append("127.0.0.3")
        await used(load, second, within=5)
        shares = await calls(load, [first, second], count=400)
        names.addresses.remove("127.0.0.2")
        await first.stop()
        await calls(load, [second], count=200)
    assert min(shares) > 120, shares
    assert not load.errors
    await second.kill()
    transport.close()
