"""One unit of work that reads and writes by key, tried again when it lost a race against another one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import transactions

# Every statement here finds its rows by key. A plan that PostgreSQL made while a table was small is kept
# until the table is analysed, and reads it whole. Sent as the first statement of a transaction this
# costs no round trip more than any other first one.
_BY_KEY = text("SELECT set_config('enable_seqscan', 'off', true)")

T = TypeVar("T")


@asynccontextmanager
async def by_key(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open one transaction whose statements are planned by index: committed at the end, else rolled back."""
    async with engine.begin() as connection:
        await connection.execute(_BY_KEY)
        yield connection


async def settled(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Run `work` in such a transaction and commit it; a deadlock or a lost race runs it again from the start.

    Raises:
        DependencyUnavailable: it lost twelve times in a row; the caller may try again.
    """
    return await transactions.settled(engine, work, unit=by_key)
