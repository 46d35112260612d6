"""What every fault looks at before and after it does its harm."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.fault import marks, tally
from benchmarks.fault.marks import Mark
from benchmarks.fault.people import Peak
from benchmarks.fault.stage import Stage

_INTO_PEAK = 3.0


@dataclass(frozen=True)
class Harm:
    """When the fault, or the last of several, began (Unix time), and what else was seen."""

    began: float
    remark: str = ""


def until_peak(stage: Stage, peak: Peak, *, seconds: float = _INTO_PEAK) -> float:
    """Wait until the peak has lasted so long, about the instant of the next due time; return the Unix time."""
    stage.wait(until=peak.begins + seconds + random.uniform(-0.1, 0.02))
    return time.time()


def seen(stage: Stage, words: Mapping[str, str], names: list[str], *, until: float) -> Mark | None:
    """Return which of these replicas was first seen in one of these statements, if any was in time."""

    async def look() -> Mark | None:
        connection = await tally.connect(url, "scheduler_service")
        try:
            return await marks.statement(connection, words, pids, until=until)
        finally:
            connection.terminate()

    pids = {name: stage.pid(name) for name in names}
    url = stage.environment(names[0])["REDLETTER_DATABASE_URL"]
    return asyncio.run(look())


def leader(stage: Stage) -> tuple[str, int]:
    """Return who leads, and its term."""

    async def ask() -> tuple[str, int]:
        connection = await tally.connect(url, "scheduler_service")
        try:
            return await marks.leader(connection)
        finally:
            connection.terminate()

    url = stage.environment("scheduler-1")["REDLETTER_DATABASE_URL"]
    return asyncio.run(ask())


def redis_url(stage: Stage) -> str:
    """Return where the schedulers find Valkey."""
    return stage.environment("scheduler-1")["REDLETTER_REDIS_URL"]
