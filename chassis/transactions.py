"""One short unit of work on a few rows, tried again when it lost a race against another one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import unit_of_work
from chassis.errors import DependencyUnavailable

log = structlog.get_logger()

ATTEMPTS: Final = 12
_PAUSE_SECONDS: Final = 0.01
# deadlock_detected, serialization_failure
_LOST: Final = frozenset({"40P01", "40001"})

T = TypeVar("T")
Unit = Callable[[AsyncEngine], AbstractAsyncContextManager[AsyncConnection]]


class LostRaceError(Exception):
    """What this unit of work had read is no longer true; nothing of it was written."""


async def settled(
    engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]], *, unit: Unit = unit_of_work
) -> T:
    """Run `work` in a transaction and commit it; a deadlock or a lost race runs it again from the start.

    `unit` opens the transaction.

    Raises:
        DependencyUnavailable: it lost twelve times in a row; the caller may try again.
    """
    for attempt in range(ATTEMPTS):
        try:
            async with unit(engine) as connection:
                return await work(connection)
        except LostRaceError:
            log.info("transaction.lost", attempt=attempt)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOST:
                raise
            log.info("transaction.deadlocked", attempt=attempt)
        await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * (attempt + 1)))  # noqa: S311 - no secret
    raise DependencyUnavailable(
        f"the same rows were changed by others {ATTEMPTS} times in a row; try again",
        retry_after=timedelta(milliseconds=200),
    )
