"""Dead letters: deliveries that gave up and that nobody has settled; grouped, and discarded with a reason."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source
from delivery_service.domain.deliveries import DeliveryState
from delivery_service.domain.settlements import Settlement
from delivery_service.store.delivery_filters import DEAD_LETTER
from delivery_service.store.event_outcomes import named

MOST_COUNTED: Final = 100_000
"""A group is counted up to here: what it costs is bounded, whatever lies there."""

_OF_TENANT: Final = (
    f"SELECT endpoint_id, cause FROM deliveries d WHERE d.tenant_id = :tenant_id AND {DEAD_LETTER}"
)
_OF_GROUP: Final = (
    f"FROM deliveries d WHERE d.tenant_id = :tenant_id AND d.endpoint_id = g.endpoint_id AND d.cause = g.cause"
    f" AND {DEAD_LETTER}"
)
# Also where only counting: without an order the planner may read whole months to find a group of few.
_IN_ORDER: Final = "ORDER BY d.end_time, d.event_id"


def groups_statement(*, of_endpoint: bool) -> str:
    """Return the SQL of a page of groups: a skip scan of deliveries_dead, one probe per group, then its ends."""
    only = "AND d.endpoint_id = :endpoint_id" if of_endpoint else ""
    return f"""
        WITH RECURSIVE known AS (
            ({_OF_TENANT} {only} AND (endpoint_id, cause) > (:after_endpoint, CAST(:after_cause AS smallint))
             ORDER BY endpoint_id, cause LIMIT 1)
            UNION ALL
            SELECT n.* FROM known, LATERAL (
                {_OF_TENANT} {only} AND (endpoint_id, cause) > (known.endpoint_id, known.cause)
                ORDER BY endpoint_id, cause LIMIT 1
            ) n
        )
        SELECT g.endpoint_id, g.cause, counted.number, first.end_time AS first_time, last.end_time AS last_time
        FROM (SELECT * FROM known LIMIT :size) g,
            LATERAL (SELECT count(*) AS number FROM (SELECT {_OF_GROUP} {_IN_ORDER} LIMIT {MOST_COUNTED}) c) counted,
            LATERAL (SELECT d.end_time {_OF_GROUP} {_IN_ORDER} LIMIT 1) first,
            LATERAL (SELECT d.end_time {_OF_GROUP} ORDER BY d.end_time DESC, d.event_id DESC LIMIT 1) last
        ORDER BY g.endpoint_id, g.cause
    """


# The dates are not known here: the primary key of each month is probed.
_DATED = text(
    f"SELECT n.event_id, n.occurrence_date FROM {named(source({'event_id': 'text'}, name='a'), 'true')} n"
)
# Whoever settles a delivery, begins a round or ends the last one holds the message: they come one after the other.
_LOCK = text("""
    SELECT FROM messages WHERE event_id = ANY(CAST(:event_id AS text[]))
      AND occurrence_date = ANY(CAST(:dates AS date[])) ORDER BY event_id FOR UPDATE
""")
_NAMED = source({"event_id": "text", "endpoint_id": "text", "on_date": "date"}, name="a")
_LATEST = text(f"""
    SELECT a.event_id, a.endpoint_id, d.round, d.occurrence_date, d.state, d.settlement FROM {_NAMED}
    CROSS JOIN LATERAL (
        SELECT round, occurrence_date, state, settlement, tenant_id FROM deliveries
        WHERE event_id = a.event_id AND endpoint_id = a.endpoint_id
          AND occurrence_date = a.on_date AND occurrence_date = ANY(CAST(:dates AS date[]))
        ORDER BY round DESC LIMIT 1
    ) d
    WHERE d.tenant_id = :tenant_id
""")
_ROUNDS = source(
    {"event_id": "text", "endpoint_id": "text", "round": "smallint", "occurrence_date": "date"}, name="o"
)
# Found by the primary key, one probe per round, then changed where they lie: joined in any other way a month without
# statistics may be read as a whole. What somebody has settled stays as it is.
SETTLE: Final = f"""
    UPDATE deliveries d SET settlement = :settlement, settle_time = :now, settle_reason = :reason
    FROM {_ROUNDS} CROSS JOIN LATERAL (
        SELECT tableoid, ctid FROM deliveries
        WHERE event_id = o.event_id AND endpoint_id = o.endpoint_id AND round = o.round
          AND occurrence_date = o.occurrence_date AND occurrence_date = ANY(CAST(:dates AS date[])) OFFSET 0
    ) f
    WHERE d.tableoid = f.tableoid AND d.ctid = f.ctid AND d.occurrence_date = ANY(CAST(:dates AS date[]))
      AND d.tenant_id = :tenant_id AND d.settlement = 0
"""

Round = tuple[str, str, int, date]
"""One round: event id, endpoint id, its number, the occurrence date."""


class Group(NamedTuple):
    """The dead letters of one endpoint and cause."""

    endpoint_id: str
    cause: int
    number: int
    first_time: datetime
    last_time: datetime


class Latest(NamedTuple):
    """The latest ended round of a delivery."""

    round: Round
    state: DeliveryState
    settlement: Settlement

    @property
    def is_dead_letter(self) -> bool:
        """Whether it gave up and nobody has settled it."""
        gave_up = self.state in (DeliveryState.DEAD, DeliveryState.EXPIRED)
        return gave_up and self.settlement is Settlement.NONE


async def groups(
    connection: AsyncConnection, tenant_id: str, *, endpoint_id: str, after: tuple[str, int], size: int
) -> list[Group]:
    """Return up to `size` groups after (endpoint id, cause), in that order; of one endpoint unless it is empty."""
    found = await connection.execute(
        text(groups_statement(of_endpoint=bool(endpoint_id))),
        {
            "tenant_id": tenant_id,
            "endpoint_id": endpoint_id,
            "after_endpoint": after[0],
            "after_cause": after[1],
            "size": size,
        },
    )
    return [Group._make(row) for row in found.all()]


async def dated(connection: AsyncConnection, tenant_id: str, event_ids: Sequence[str]) -> dict[str, date]:
    """Return the occurrence date of each event that has a message."""
    named = {"tenant_id": tenant_id, "event_id": sorted(set(event_ids))}
    return {row.event_id: row.occurrence_date for row in await connection.execute(_DATED, named)}


async def lock(connection: AsyncConnection, on: Mapping[str, date]) -> None:
    """Lock the messages of these events, with their dates, against other rounds and settlements."""
    await connection.execute(_LOCK, {"event_id": sorted(on), "dates": sorted(set(on.values()))})


async def latest(
    connection: AsyncConnection, tenant_id: str, names: Sequence[tuple[str, str]], *, on: Mapping[str, date]
) -> dict[tuple[str, str], Latest]:
    """Return the latest ended round of each (event id, endpoint id) that has one; `on`: the events' dates."""
    found = await connection.execute(
        _LATEST,
        {
            "tenant_id": tenant_id,
            "event_id": [name[0] for name in names],
            "endpoint_id": [name[1] for name in names],
            "on_date": [on.get(name[0]) for name in names],
            "dates": sorted(set(on.values())),
        },
    )
    return {
        (row.event_id, row.endpoint_id): Latest(
            (row.event_id, row.endpoint_id, row.round, row.occurrence_date),
            DeliveryState(row.state),
            Settlement(row.settlement),
        )
        for row in found.all()
    }


async def settle(
    connection: AsyncConnection,
    tenant_id: str,
    rounds: Sequence[Round],
    settlement: Settlement,
    *,
    now: Instant,
    reason: str = "",
) -> int:
    """Settle ended rounds that nobody has settled, their messages being locked; return how many those were."""
    if not rounds:
        return 0
    done = await connection.execute(
        text(SETTLE),
        settling(tenant_id, rounds, settlement, now=now, reason=reason),
    )
    return done.rowcount


def settling(
    tenant_id: str, rounds: Sequence[Round], settlement: Settlement, *, now: Instant, reason: str
) -> dict[str, Any]:
    """Return what SETTLE is told."""
    return {
        "tenant_id": tenant_id,
        "event_id": [one[0] for one in rounds],
        "endpoint_id": [one[1] for one in rounds],
        "round": [one[2] for one in rounds],
        "occurrence_date": [one[3] for one in rounds],
        "dates": sorted({one[3] for one in rounds}),
        "settlement": settlement,
        "now": now.to_stdlib(),
        "reason": reason,
    }
