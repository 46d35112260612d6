"""The messages of one tenant and occurrence date, for the scheduler's ledger.

Both statements read the month that holds the date and no other one: messages by messages_ledger, a page of many
of them in the order of the primary key, their deliveries by the primary keys.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from delivery_service.domain.event_outcomes import EventOutcome
from delivery_service.store.event_outcomes import Judged, judged

LARGEST_PAGE: Final = 1000
CHECKSUM_MODULUS: Final = 2**63

_DATES: Final = "ARRAY[CAST(:day AS date)]"
_DAY: Final = "SELECT * FROM messages WHERE tenant_id = :tenant_id AND occurrence_date = :day"
_PAGE: Final = f"({_DAY} AND event_id > :after ORDER BY event_id LIMIT :size)"

SUMMARY: Final = f"""
    SELECT j.outcome, count(*) AS messages,
        sum(CAST(CAST('x' || left(md5(j.event_id), 15) AS bit(60)) AS bigint)) AS checksum
    FROM ({judged(f"({_DAY})", dates=_DATES)}) j GROUP BY j.outcome
"""
LISTING: Final = f"""
    SELECT j.event_id, j.outcome, j.receive_time FROM ({judged(_PAGE, dates=_DATES)}) j ORDER BY j.event_id
"""


class Summary(NamedTuple):
    """How many messages there are, their checksum (below 2^63), and how many have each outcome that occurs."""

    messages: int
    checksum: int
    outcomes: dict[EventOutcome, int]


async def summary(engine: AsyncEngine, tenant_id: str, day: date) -> Summary:
    """Return the summary of a date; of one without messages all is zero."""
    async with engine.connect() as connection:
        rows = (await connection.execute(text(SUMMARY), {"tenant_id": tenant_id, "day": day})).all()
    counts = {EventOutcome(row.outcome): int(row.messages) for row in rows}
    checksum = sum(int(row.checksum) for row in rows) % CHECKSUM_MODULUS
    return Summary(sum(counts.values()), checksum, counts)


async def listing(
    engine: AsyncEngine, tenant_id: str, day: date, *, after: str, size: int
) -> dict[str, Judged]:
    """Return the outcomes of up to `size` messages after the event id `after`, in the order of their ids."""
    parameters = {"tenant_id": tenant_id, "day": day, "after": after, "size": size}
    async with engine.connect() as connection:
        rows = (await connection.execute(text(LISTING), parameters)).all()
    return {row.event_id: Judged(EventOutcome(row.outcome), row.receive_time) for row in rows}
