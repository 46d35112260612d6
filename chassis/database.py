"""PostgreSQL: the engine, and the unit of work in which every write happens."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import orjson
import structlog
from asyncpg import PostgresError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import InterfaceError as LostConnection
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

log = structlog.get_logger()

STATEMENT_TIMEOUT = timedelta(seconds=30)
LOCK_TIMEOUT = timedelta(seconds=5)
# A frozen replica in the middle of a transaction must not hold locks that others wait for.
IDLE_TIMEOUT = timedelta(seconds=5)

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    LostConnection,
    PoolTimeout,
    OSError,
    TimeoutError,
)
"""Errors that mean that PostgreSQL does not answer; one that cancels a slow statement does."""


def is_away(error: Exception) -> bool:
    """Return whether an error means that PostgreSQL does not answer, also when SQLAlchemy has wrapped it."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        return error.connection_invalidated or isinstance(cause or error, AWAY)
    return isinstance(error, AWAY)


def create_engine(url: str, *, name: str, schema: str, pool_size: int = 8) -> AsyncEngine:
    """Return an engine whose sessions see `schema` only, with statement, lock and idle timeouts."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_recycle=1800,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # an error text must not carry names and dates into the logs
        connect_args={
            "ssl": False if _is_loopback(url) else None,
            "timeout": 5,
            "server_settings": {
                "application_name": name,
                "search_path": schema,
                "timezone": "UTC",
                "jit": "off",
                # A plan cached while a table was small reads all of it when it has grown; planning anew
                # costs a fraction of a millisecond for a batch of hundreds.
                "plan_cache_mode": "force_custom_plan",
                "statement_timeout": _milliseconds(STATEMENT_TIMEOUT),
                "lock_timeout": _milliseconds(LOCK_TIMEOUT),
                "idle_in_transaction_session_timeout": _milliseconds(IDLE_TIMEOUT),
            },
        },
    )


@asynccontextmanager
async def unit_of_work(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open one transaction: committed at the end, rolled back on any error.

    BEGIN is sent with the first statement that goes through SQLAlchemy; a call of the raw driver before
    it would be autocommitted.
    """
    async with engine.begin() as connection:
        yield connection


async def wait_until_up(engine: AsyncEngine, *, within: timedelta = timedelta(seconds=60)) -> None:
    """Return once PostgreSQL answers; a service that starts beside its database need not crash for it.

    Raises:
        Exception: what the last attempt raised, when `within` is over.
    """
    deadline = time.monotonic() + within.total_seconds()
    while True:
        try:
            await ping(engine)
        except (OSError, DBAPIError, PostgresError) as error:
            if time.monotonic() > deadline:
                raise
            log.info("database.awaited", error=type(error).__name__)
            await asyncio.sleep(0.25)
        else:
            return


async def ping(engine: AsyncEngine) -> None:
    """Raise unless PostgreSQL answers."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _milliseconds(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


def _is_loopback(url: str) -> bool:
    return "@127.0.0.1" in url or "@localhost" in url
