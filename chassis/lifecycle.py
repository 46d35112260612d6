"""The life of a process: start parts in order, be ready, stop them in reverse within the grace time."""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

import grpc
import structlog
from redis.asyncio import Redis, RedisCluster
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.loops import Loop
from chassis.metrics import LIFECYCLE
from chassis.ports import PortTaken
from chassis.rpc.server import Port

log = structlog.get_logger()

Check = Callable[[], Awaitable[bool]]


class Part(Protocol):
    """Something with a life: a pool, a port, a loop."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End, keeping whatever must not be lost."""


class Readiness:
    """Keeps the ports' health in step with the checks: ready only while every dependency answers."""

    def __init__(self, ports: Sequence[Port], checks: Sequence[Check], *, interval: float = 1.0) -> None:
        self._ports = ports
        self._checks = checks
        self._ready: bool | None = None
        self._loop = Loop("readiness", self.check, interval=interval)

    async def check(self) -> float | None:
        """Ask every dependency once and tell the health service."""
        answers = await asyncio.gather(*(_answers(check) for check in self._checks))
        ready = all(answers)
        if ready != self._ready:
            self._ready = ready
            log.info("service.ready" if ready else "service.unready")
            for port in self._ports:
                await port.set_ready(ready=ready)
        return None if ready else 0.2

    async def start(self) -> None:
        """Begin to check."""
        await self._loop.start()

    async def stop(self) -> None:
        """Say not ready before anything else stops."""
        await self._loop.stop()
        for port in self._ports:
            await port.set_ready(ready=False)


async def _answers(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), 3.0)
    except Exception:  # noqa: BLE001 - whatever it raises, the dependency did not answer
        return False


async def run(name: str, parts: Sequence[Part], *, grace: timedelta) -> int:
    """Run until SIGTERM or SIGINT and return the exit code: 0 when everything stopped in time."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    started: list[Part] = []
    began = time.monotonic()
    try:
        for part in parts:
            await part.start()
            started.append(part)
    except PortTaken as error:
        sys.stderr.write(f"{name}: {error}\n")
        await _stop(started, grace)
        return 2
    except Exception:
        await _stop(started, grace)
        raise
    # What is there by now stays for the life of the process: the collector need not walk it each time,
    # which would hold the loop for up to a tenth of a second in the middle of a burst.
    gc.collect()
    gc.freeze()
    LIFECYCLE.labels("started").inc()
    log.info("service.started", seconds=round(time.monotonic() - began, 3))
    await stopping.wait()
    log.info("service.stopping")
    clean = await _stop(started, grace)
    log.info("service.stopped", clean=clean)
    return 0 if clean else 1


async def _stop(parts: Sequence[Part], grace: timedelta) -> bool:
    clean = True
    deadline = time.monotonic() + grace.total_seconds()
    for part in reversed(parts):
        try:
            await asyncio.wait_for(part.stop(), max(0.2, deadline - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - the others must still stop
            clean = False
            log.warning("part.stuck", part=type(part).__name__, error=type(error).__name__)
    return clean


class Connections:
    """What a service holds open; started first, so that it is closed last."""

    def __init__(
        self,
        *engines: AsyncEngine,
        redis: "Redis | RedisCluster | None" = None,
        channels: Sequence[grpc.aio.Channel] = (),
    ) -> None:
        self._engines = engines
        self._redis = redis
        self._channels = channels

    async def start(self) -> None:
        """Nothing to do: connections are made when they are needed."""

    async def stop(self) -> None:
        """Close everything."""
        for channel in self._channels:
            await channel.close()
        if self._redis is not None:
            await self._redis.aclose()
        for engine in self._engines:
            await engine.dispose()
