"""Monthly partitions of messages, deliveries and attempts.

A worker makes them ahead. The writer that meets a month nobody has made - a lapse may begin in any century -
makes it itself, so that no row needs a default partition (docs/adr/0008).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.database import unit_of_work
from delivery_service.domain.retention import MINIMUM_DAYS, Month

PARENTS = ("messages", "deliveries", "attempts")
# Replicas that need the same month make it one after the other; the number only has to be ours.
_LOCK = 5_417_226_101

# Of one that is being detached rows no longer find the way in, although the table is there.
_ATTACHED = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(CAST(:parent AS text)) AND NOT i.inhdetachpending
""")


def name_of(parent: str, month: Month) -> str:
    """Return the name of a partition: `messages_2027_02`."""
    return f"{parent}_{month.year:04}_{month.month:02}"


def month_of(name: str) -> Month:
    """Return the month of a partition's name."""
    year, month = name.split("_")[-2:]
    return Month(int(year), int(month))


async def attached(connection: AsyncConnection, parent: str) -> list[Month]:
    """Return the months that a table has, the oldest first."""
    names = (await connection.execute(_ATTACHED, {"parent": parent})).scalars()
    return sorted(month_of(name) for name in names)


async def make(engine: AsyncEngine, months: Sequence[Month]) -> list[Month]:
    """Make the partitions of these months that are missing; return the months of which one was."""
    made = []
    async with unit_of_work(engine) as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        there = {parent: set(await attached(connection, parent)) for parent in PARENTS}
        for month in sorted(months):
            missing = [parent for parent in PARENTS if month not in there[parent]]
            for parent in missing:
                await _make(connection, parent, month)
            if missing:
                made.append(month)
    return made


async def _make(connection: AsyncConnection, parent: str, month: Month) -> None:
    name, after = name_of(parent, month), month.after
    # Made apart and then attached: CREATE .. PARTITION OF would wait for every reader of the parent.
    await connection.execute(text(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS)"))
    await connection.execute(
        text(
            f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES"
            f" FROM ('{month.year:04}-{month.month:02}-01') TO ('{after.year:04}-{after.month:02}-01')"
        )
    )


class Partitions:
    """What a writer knows of the months; `made` is told of those that it had to make itself."""

    def __init__(
        self, engine: AsyncEngine, *, made: Callable[[Sequence[Month]], None] = lambda _: None
    ) -> None:
        self._engine = engine
        self._made = made
        self._known: set[Month] = set()

    async def ensure(self, dates: Iterable[date], *, today: date = date.min) -> None:
        """Make the partitions of these dates' months, unless they exist.

        A month that retention may have dropped by `today` is looked for each time.
        """
        wanted = {Month.of(day) for day in dates}
        lasting = today - timedelta(days=min(MINIMUM_DAYS, (today - date.min).days))
        missing = {month for month in wanted if month not in self._known or month.last < lasting}
        if not missing:
            return
        made = await make(self._engine, sorted(missing))
        self._known |= missing
        if made:
            self._made(made)
