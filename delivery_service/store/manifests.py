"""What one endpoint was to get on a day, page by page, in the order of event ids."""

# ruff: noqa: S608 - every name in these statements is of this module

from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from delivery_service.domain.deliveries import DeliveryState, LaneKey

CHECKSUM_MODULUS = 2**63

# Of several rounds the first of these counts.
_PRECEDENCE = (
    DeliveryState.DELIVERED,
    DeliveryState.PENDING,
    DeliveryState.EXPIRED,
    DeliveryState.DEAD,
    DeliveryState.CANCELLED,
)
_RANKS = " ".join(f"WHEN {state:d} THEN {rank}" for rank, state in enumerate(_PRECEDENCE))

# The page is of messages, those of other endpoints included, so that its cost has a bound; by the primary key, or by
# messages_ledger when the day is a small part of its month. Queue and deliveries by their primary keys.
_PAGE = text(f"""
    SELECT m.event_id, s.rank, CAST(CAST('x' || left(md5(m.event_id), 15) AS bit(60)) AS bigint) AS digest
    FROM (
        SELECT event_id, occurrence_date FROM messages
        WHERE tenant_id = :tenant_id AND occurrence_date = :day AND event_id > :after
        ORDER BY event_id LIMIT :size
    ) m CROSS JOIN LATERAL (
        SELECT min(CASE r.state {_RANKS} END) AS rank FROM (
            SELECT {DeliveryState.PENDING:d} AS state FROM queue
            WHERE event_id = m.event_id AND endpoint_id = :endpoint_id
            UNION ALL
            SELECT state FROM deliveries
            WHERE event_id = m.event_id AND endpoint_id = :endpoint_id AND occurrence_date = :day
        ) r
    ) s
    ORDER BY m.event_id
""")


class Listed(NamedTuple):
    """An event of the day and how its delivery to the endpoint stands; `digest` is its part of the checksum."""

    event_id: str
    state: DeliveryState
    digest: int


class Page(NamedTuple):
    """Some of the day's events, and after which message to go on; None: these were the last."""

    events: list[Listed]
    after: str | None


async def page(engine: AsyncEngine, lane: LaneKey, day: date, *, after: str, size: int) -> Page:
    """Return what the endpoint was to get among the next `size` messages of the day."""
    parameters = {**lane._asdict(), "day": day, "after": after, "size": size}
    async with engine.connect() as connection:
        rows = (await connection.execute(_PAGE, parameters)).all()
    listed = [Listed(row.event_id, _PRECEDENCE[row.rank], row.digest) for row in rows if row.rank is not None]
    return Page(listed, rows[-1].event_id if len(rows) == size else None)
