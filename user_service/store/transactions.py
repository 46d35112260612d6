"""One unit of work that reads and writes by key, tried again when it lost a race against another one."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.errors import DependencyUnavailable

log = structlog.get_logger()

ATTEMPTS = 12
_PAUSE_SECONDS = 0.01
# deadlock_detected, serialization_failure
_LOST = frozenset({"40P01", "40001"})

# Every statement here finds its rows by key. A plan that PostgreSQL made while a table was small is kept
# until the table is analysed, and reads it whole. Sent as the first statement of a transaction this
# costs no round trip more than any other first one.
_BY_KEY = text("SELECT set_config('enable_seqscan', 'off', true)")

T = TypeVar("T")


class LostRaceError(Exception):
    """What this unit of work had read is no longer true; nothing of it was written."""


@asynccontextmanager
async def by_key(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open one transaction whose statements are planned by index: committed at the end, else rolled back."""
    async with engine.begin() as connection:
        await connection.execute(_BY_KEY)
        yield connection


async def settled(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Run `work` in a transaction and commit it; a deadlock or a lost race runs it again from the start.

    Raises:
        DependencyUnavailable: it lost twelve times in a row; the caller may try again.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with by_key(engine) as connection:
                return await work(connection)
        except LostRaceError:
            log.debug("transaction.lost", attempt=attempt)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOST:
                raise
            log.info("transaction.deadlocked", attempt=attempt)
        await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * (attempt + 1)))  # noqa: S311 - no secret
    raise DependencyUnavailable(
        f"the same rows were changed by others {ATTEMPTS} times in a row; try again",
        retry_after=timedelta(milliseconds=200),
    )
