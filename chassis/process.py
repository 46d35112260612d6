"""How a service's process begins: zones pinned, logs on, the fast loop, then its parts."""

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import uvloop
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import logs, zones
from chassis.clocks import BusinessClock
from chassis.lifecycle import Part, run
from chassis.loops import Loop
from chassis.metrics import CLOCK_SKEW
from chassis.migrations import migrate
from chassis.settings import ServiceSettings
from chassis.traces import Traces

CLOCK_SECONDS = 15.0

S = TypeVar("S", bound=ServiceSettings)


def serve(name: str, settings: ServiceSettings, build: Callable[[], Awaitable[Sequence[Part]]]) -> int:
    """Run a service until it is told to stop; return its exit code.

    `build` is the composition root: it is called inside the loop, after traces are on.
    """
    zones.pin()
    logs.configure(name, settings.replica_id, settings.log_level)
    traces = Traces(name, settings.replica_id, settings.otlp_endpoint)
    traces.install()

    async def live() -> int:
        parts = await build()
        return await run(name, [traces, *parts], grace=settings.grace)

    return uvloop.run(live())


def read_settings(kind: type[S], name: str) -> S | None:
    """Return the settings of the environment; None after a sentence per wrong one on standard error."""
    try:
        return kind()  # type: ignore[call-arg]  # the environment names them
    except ValidationError as error:
        for problem in error.errors():
            variable = "REDLETTER_" + "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"{name}: {variable}: {problem['msg']}\n")
        return None


def command(
    name: str,
    kind: type[S],
    build: Callable[[S], Awaitable[Sequence[Part]]],
    *,
    schema: str,
    migrations: Path,
) -> int:
    """Run `python -m <service> [migrate]` and return its exit code."""
    verb = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if verb not in ("serve", "migrate"):
        sys.stderr.write(f"{name}: unknown verb {verb!r}; there are: serve (the default), migrate\n")
        return 2
    if verb == "migrate":
        url = os.environ.get("REDLETTER_DATABASE_URL", "")
        if not url:
            sys.stderr.write(f"{name}: REDLETTER_DATABASE_URL: Field required\n")
            return 2
        migrate(url, schema=schema, directory=migrations)
        return 0
    settings = read_settings(kind, name)
    if settings is None:
        return 2
    return serve(name, settings, lambda: build(settings))


class ClockKeeper:
    """Keeps the business clock on PostgreSQL's time; the first reading is taken before anything else runs."""

    def __init__(self, clock: BusinessClock, engine: AsyncEngine) -> None:
        self._clock = clock
        self._engine = engine
        self._loop = Loop("clock", self.read, interval=CLOCK_SECONDS)

    async def read(self) -> None:
        """Take PostgreSQL's time over once."""
        await self._clock.synchronise(self._engine)
        CLOCK_SKEW.set(self._clock.skew_seconds)

    async def start(self) -> None:
        """Read once if PostgreSQL answers, then every fifteen seconds."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop reading."""
        await self._loop.stop()
