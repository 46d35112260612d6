"""How a service's process begins: zones pinned, logs on, the fast loop, then its parts."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog
import uvloop
from asyncpg import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import logs, zones
from chassis.clocks import BusinessClock
from chassis.errors import LocksHeld, ReleaseSkipped
from chassis.lifecycle import Part, run
from chassis.loops import Loop
from chassis.metrics import CLOCK_SKEW
from chassis.settings import ServiceSettings
from chassis.traces import Traces

log = structlog.get_logger()

CLOCK_SECONDS = 3.0
_UNDEFINED_TABLE = "42P01"
_REFUSALS = (DBAPIError, PostgresError, OSError)
_HALVES = ("expand", "contract")

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
        # Never the values: one of them is the database's password.
        for problem in error.errors(include_input=False, include_url=False):
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
    verbs: Mapping[str, Callable[[S], Awaitable[str]]] | None = None,
) -> int:
    """Run `python -m <service> [verb]` and return its exit code: 2 for a wrong verb or setting.

    Without a verb it serves; `migrate` brings the schema up to date (`migrate expand`, `migrate contract`: one
    half of it); `verbs` are the service's own: what they return is printed.
    """
    own = verbs or {}
    known = ["migrate", *(f"migrate {half}" for half in _HALVES), *own]
    verb = " ".join(sys.argv[1:])
    if verb and verb not in known:
        sys.stderr.write(f"usage: python -m {name} [{' | '.join(known)}]\n")
        return 2
    settings = read_settings(kind, name)
    if settings is None:
        return 2
    if not verb:
        return serve(name, settings, lambda: build(settings))
    try:
        if verb.startswith("migrate"):
            _migrate(settings, verb.removeprefix("migrate").strip(), schema, migrations)
        else:
            said = asyncio.run(_awaited(own[verb], settings))
            sys.stdout.write(f"{said}\n")
    except _REFUSALS as error:
        sys.stderr.write(f"{name}: {_sentence(error, name, schema)}\n")
        return 1
    except (LocksHeld, ReleaseSkipped) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


def _migrate(settings: ServiceSettings, half: str, schema: str, directory: Path) -> None:
    from chassis import migrations  # Alembic is a tenth of a second that serving never needs

    wanted = migrations.Half(half) if half else migrations.Half.CONTRACT
    migrations.migrate(settings.database_url, schema=schema, directory=directory, half=wanted)


async def _awaited(verb: Callable[[S], Awaitable[str]], settings: S) -> str:
    return await verb(settings)


def _sentence(error: Exception, name: str, schema: str) -> str:
    """Return what whoever runs a verb can do about PostgreSQL's answer."""
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlstate", None) == _UNDEFINED_TABLE:
        return f"schema {schema} is not there yet; run `python -m {name} migrate` first"
    return f"PostgreSQL cannot be used as REDLETTER_DATABASE_URL says: {cause}"


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
        if not self._clock.trustworthy:
            log.warning(
                "clock.skewed",
                seconds=round(self._clock.skew_seconds, 3),
                effect="this replica takes no claims and does not stand for election",
            )

    async def start(self) -> None:
        """Read once if PostgreSQL answers, then every fifteen seconds."""
        await self._loop.start()

    async def stop(self) -> None:
        """Stop reading."""
        await self._loop.stop()
