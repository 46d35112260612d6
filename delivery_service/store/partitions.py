"""Monthly partitions of messages, deliveries and attempts, made by the first writer that needs one.

A lapse may begin in any century, so that no calendar of partitions made ahead would do.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import unit_of_work

_PARENTS = ("messages", "deliveries", "attempts")
# Replicas that need the same month make it one after the other; the number only has to be ours.
_LOCK = 5_417_226_101


class Partitions:
    """Remembers which months exist; a month is made once and never dropped by this service."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: set[tuple[int, int]] = set()

    async def ensure(self, dates: Iterable[date]) -> None:
        """Make the partitions of these dates' months, unless they exist."""
        wanted = {(day.year, day.month) for day in dates} - self._known
        if not wanted:
            return
        async with unit_of_work(self._engine) as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            for year, month in sorted(wanted):
                for parent in _PARENTS:
                    await _make(connection, parent, year, month)
        self._known |= wanted


async def _make(connection: AsyncConnection, parent: str, year: int, month: int) -> None:
    name = f"{parent}_{year:04}_{month:02}"
    found = await connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name})
    if found.scalar_one():
        return
    after = (year + 1, 1) if month == 12 else (year, month + 1)
    # Made apart and then attached: CREATE .. PARTITION OF would wait for every reader of the parent.
    await connection.execute(text(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS)"))
    await connection.execute(
        text(
            f"ALTER TABLE {parent} ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{year:04}-{month:02}-01') TO ('{after[0]:04}-{after[1]:02}-01')"
        )
    )
