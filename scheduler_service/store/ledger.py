"""What the ledger counts of one tenant and date, and the daily balances."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Date

from chassis.arrays import source, turned
from scheduler_service.domain.ids import event_id, parse_event_id
from scheduler_service.domain.ledger import Elsewhere, Entry, Wanted
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store.recipients import COLUMNS
from scheduler_service.store.rows import recipient_from

_NAMED = {"event_id": "text", "plan_id": "bytea"}

# events_of_date: the blocks in which the date occurs.
_ENDED = text(
    """
    SELECT event_id, user_id, event_type_id, occasion_id, cycle, instance <> '', recipient_version,
        event_type_version, reason, state
    FROM events WHERE tenant_id = :tenant_id AND occurrence_date = :on
    """
)
# plans_due: what is due within the weeks around the date; an instant chosen by hand may lie further
# away and is then found by its id.
_OPEN = text(
    """
    SELECT plan_id, cycle, user_id, event_type_id, occasion_id, cycle, instance <> '', recipient_version,
        event_type_version
    FROM plans
    WHERE tenant_id = :tenant_id AND occurrence_date = :on
      AND due_time > CAST(:on AS date) - interval '34 days' AND due_time < CAST(:on AS date) + interval '35 days'
    """
)
# Primary keys of events and of plans.
_ELSEWHERE = text(
    f"""
    SELECT input.event_id,
        EXISTS (SELECT FROM events e WHERE e.event_id = input.event_id),
        coalesce(p.version, 0), p.cycle, p.last_cycle, p.occurrence_date
    FROM {source(_NAMED)} LEFT JOIN plans p ON p.plan_id = input.plan_id
    """  # noqa: S608 - column names of this module
)
# Primary key, a range per tenant.
_RULES = text(
    "SELECT event_type_id, version, replanned_version < timing_version FROM event_types"
    " WHERE tenant_id = :tenant_id"
)
# Primary key, a range per tenant.
_REDATED = text(
    """
    SELECT event_type_id FROM event_type_versions WHERE tenant_id = :tenant_id
    GROUP BY event_type_id HAVING count(DISTINCT (body -> 'day_offset', body -> 'rrule')) > 1
    """
)
# Primary key.
_VERSIONS = text(
    "SELECT user_id, version FROM recipients"
    " WHERE tenant_id = :tenant_id AND user_id = ANY(CAST(:user_ids AS text[]))"
)
# event_requests_of_day, then the primary key of events. Only what callers made themselves: a turn of a
# rule that was brought forward is expected like any other.
_UNDECIDED = text(
    """
    SELECT event_id FROM event_requests r
    WHERE tenant_id = :tenant_id AND create_time >= :since AND create_time < :until AND event_id LIKE '%\\_once'
      AND NOT EXISTS (SELECT FROM events e WHERE e.event_id = r.event_id)
    ORDER BY event_id
    """
)
# Primary key.
_PLANNED = text(
    "SELECT plan_id FROM plans WHERE plan_id = ANY(CAST(:plan_ids AS bytea[])) AND due_time IS NOT NULL"
)
# Primary key, from where the last page ended; `days` NULL: everybody.
_PEOPLE = text(
    f"""
    SELECT {COLUMNS} FROM recipients
    WHERE tenant_id = :tenant_id AND user_id > :after AND (CAST(:days AS int[]) IS NULL OR EXISTS (
        SELECT FROM jsonb_array_elements(occasions) AS o
        WHERE (o ->> 'month')::int * 100 + (o ->> 'day')::int = ANY(CAST(:days AS int[]))))
    ORDER BY user_id LIMIT :size
    """  # noqa: S608 - column names of this package
)
# Primary key.
_PUT = text(
    """
    INSERT INTO ledger_days (tenant_id, ledger_date, difference, body, signature, compute_time)
    VALUES (:tenant_id, :on, :difference, CAST(:body AS jsonb), :signature, :compute_time)
    ON CONFLICT (tenant_id, ledger_date) DO UPDATE
    SET difference = excluded.difference, body = excluded.body, signature = excluded.signature,
        compute_time = excluded.compute_time
    """
)
# Primary key, backwards; an operator's list over all tenants reads all days.
_DAYS = text(
    """
    SELECT tenant_id, ledger_date, difference, body::text, signature, compute_time FROM ledger_days
    WHERE (:tenant_id = '' OR tenant_id = :tenant_id)
      AND (NOT :only_differences OR difference <> 0)
      AND (ledger_date, tenant_id) < (:before_date, :before_tenant)
    ORDER BY ledger_date DESC, tenant_id DESC LIMIT :size
    """
)
# Primary keys; a handful of dates for each tenant.
_UNBALANCED = text(
    """
    SELECT t.tenant_id, d.on_date FROM unnest(CAST(:dates AS date[])) AS d(on_date) CROSS JOIN tenants t
    WHERE NOT EXISTS (SELECT FROM ledger_days l WHERE l.tenant_id = t.tenant_id AND l.ledger_date = d.on_date)
    ORDER BY d.on_date, t.tenant_id LIMIT :size
    """
)
# A scan of the days kept.
_TOTALS = text(
    "SELECT coalesce(sum(difference), 0), max(ledger_date) FROM ledger_days WHERE ledger_date >= :since"
)


async def snapshot(connection: AsyncConnection) -> None:
    """Let everything that this connection reads from now on be of one instant."""
    await connection.execution_options(isolation_level="REPEATABLE READ")


async def ended(connection: AsyncConnection, tenant_id: str, on: Date) -> list[tuple[Entry, str]]:
    """Return the ended events of an occurrence date, each with its state."""
    rows = await connection.execute(_ENDED, {"tenant_id": tenant_id, "on": on.to_stdlib()})
    return [(Entry(*row[:9]), row[9]) for row in rows]


async def open_plans(connection: AsyncConnection, tenant_id: str, on: Date) -> list[Entry]:
    """Return the open plans of an occurrence date."""
    rows = await connection.execute(_OPEN, {"tenant_id": tenant_id, "on": on.to_stdlib()})
    return [Entry(event_id(row[0], row[1]), *row[2:9]) for row in rows]


async def elsewhere(connection: AsyncConnection, wanted: Mapping[str, Wanted]) -> dict[str, Elsewhere]:
    """Return what is known of these events, by id."""
    if not wanted:
        return {}
    bound = turned(_NAMED, ((name, one.plan_id) for name, one in wanted.items()))
    rows = await connection.execute(_ELSEWHERE, bound)
    return {
        row[0]: Elsewhere(row[1], row[2], row[3], row[4], None if row[5] is None else Date(row[5]))
        for row in rows
    }


async def versions(connection: AsyncConnection, tenant_id: str, user_ids: Collection[str]) -> dict[str, int]:
    """Return the version of those of these people who are known."""
    rows = await connection.execute(_VERSIONS, {"tenant_id": tenant_id, "user_ids": sorted(user_ids)})
    return {row[0]: row[1] for row in rows}


async def rules(connection: AsyncConnection, tenant_id: str) -> tuple[dict[str, int], set[str]]:
    """Return the version of each event type, and those whose people are being planned again."""
    rows = list(await connection.execute(_RULES, {"tenant_id": tenant_id}))
    return {row[0]: row[1] for row in rows}, {row[0] for row in rows if row[2]}


async def redated(connection: AsyncConnection, tenant_id: str) -> set[str]:
    """Return the event types whose dates were others in an earlier version."""
    return {row[0] for row in await connection.execute(_REDATED, {"tenant_id": tenant_id})}


async def lost_requests(
    connection: AsyncConnection, tenant_id: str, *, since: datetime, until: datetime
) -> list[str]:
    """Return the events that callers asked for in a span and that are neither planned nor ended."""
    rows = await connection.execute(_UNDECIDED, {"tenant_id": tenant_id, "since": since, "until": until})
    undecided = {parse_event_id(row[0])[0]: str(row[0]) for row in rows}
    planned = await connection.execute(_PLANNED, {"plan_ids": list(undecided)})
    return sorted(set(undecided.values()) - {undecided[bytes(row[0])] for row in planned})


async def people(
    connection: AsyncConnection, tenant_id: str, *, days: Sequence[int] | None, after: str, size: int
) -> list[Recipient]:
    """Return people with an occasion on one of `days` (month * 100 + day; None: everybody), in id order."""
    bound = {
        "tenant_id": tenant_id,
        "after": after,
        "days": None if days is None else list(days),
        "size": size,
    }
    return [recipient_from(row) for row in await connection.execute(_PEOPLE, bound)]


async def put(
    connection: AsyncConnection,
    tenant_id: str,
    on: Date,
    *,
    difference: int,
    body: str,
    signature: bytes,
    computed: datetime,
) -> None:
    """Store the balance of a day."""
    await connection.execute(
        _PUT,
        {
            "tenant_id": tenant_id,
            "on": on.to_stdlib(),
            "difference": difference,
            "body": body,
            "signature": signature,
            "compute_time": computed,
        },
    )


async def days(
    connection: AsyncConnection,
    *,
    tenant_id: str,
    only_differences: bool,
    before: tuple[date, str],
    size: int,
) -> list[Sequence[Any]]:
    """Return stored balances (tenant, date, difference, body, signature, time), the newest first."""
    bound = {
        "tenant_id": tenant_id,
        "only_differences": only_differences,
        "before_date": before[0],
        "before_tenant": before[1],
        "size": size,
    }
    return [tuple(row) for row in await connection.execute(_DAYS, bound)]


async def unbalanced(
    connection: AsyncConnection, dates: Sequence[Date], *, size: int
) -> list[tuple[str, Date]]:
    """Return the earliest (tenant, date) that have no balance yet."""
    bound = {"dates": [on.to_stdlib() for on in dates], "size": size}
    return [(str(row[0]), Date(row[1])) for row in await connection.execute(_UNBALANCED, bound)]


async def totals(connection: AsyncConnection, *, since: Date) -> tuple[int, Date | None]:
    """Return the sum of differences since a date, and the last date that has a balance."""
    row = (await connection.execute(_TOTALS, {"since": since.to_stdlib()})).one()
    return int(row[0]), None if row[1] is None else Date(row[1])
