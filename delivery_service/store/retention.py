"""What retention reads, ends, deletes and drops. Nothing is taken away while the queue still has a row of it.

Whoever adds rows to the queue holds a lock that is shared (`stops.SHARE`); a deletion excludes it for the few
milliseconds of one batch. Dropping a month excludes nobody: it is detached while everybody reads on, and what was
queued meanwhile is put back.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState
from delivery_service.domain.retention import Month
from delivery_service.store.partitions import PARENTS, make, month_of, name_of
from delivery_service.store.stops import EXCLUDE

# Session locks: taken and given back on one connection, and gone with it.
_TURN = 5_417_226_103
_TAKE_TURN = text(f"SELECT pg_try_advisory_lock({_TURN})")
_GIVE_TURN = text(f"SELECT pg_advisory_unlock({_TURN})")

_KEPT = text("SELECT tenant_id, retention_days FROM tenant_settings WHERE retention_days > 0")

# A skip scan: one probe of messages_ledger per tenant of the month, whatever the number of its messages. The dates
# are known when it is planned: other months are left out.
_TENANTS = text("""
    WITH RECURSIVE tenant AS (
        (SELECT tenant_id FROM messages WHERE occurrence_date BETWEEN :first AND :last ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT m.tenant_id FROM messages m WHERE m.occurrence_date BETWEEN :first AND :last
                AND m.tenant_id > tenant.tenant_id ORDER BY m.tenant_id LIMIT 1)
        FROM tenant WHERE tenant.tenant_id IS NOT NULL
    )
    SELECT tenant_id FROM tenant WHERE tenant_id IS NOT NULL
""")

# The same over queue_lane: one probe per tenant with something unclaimed.
_READERS = text(f"""
    WITH RECURSIVE reader AS (
        (SELECT tenant_id FROM queue WHERE owner IS NULL AND endpoint_id = '{INBOX}'
         ORDER BY owner, tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT q.tenant_id FROM queue q WHERE q.owner IS NULL AND q.endpoint_id = '{INBOX}'
                AND q.tenant_id > reader.tenant_id ORDER BY q.owner, q.tenant_id LIMIT 1)
        FROM reader WHERE reader.tenant_id IS NOT NULL
    )
    SELECT tenant_id FROM reader WHERE tenant_id IS NOT NULL
""")

# By queue_lane, where next_time of the inbox is the accept time: what came in after its date was over waits longer.
# What somebody is reading at this moment is left to him.
_UNCLAIMED = text(f"""
    WITH locked AS MATERIALIZED (
        SELECT event_id, endpoint_id, round FROM queue
        WHERE owner IS NULL AND tenant_id = :tenant_id AND endpoint_id = '{INBOX}' AND next_time < :accepted_before
          AND occurrence_date < :before AND deliver_by < :now AND (lease_until IS NULL OR lease_until < :now)
        ORDER BY owner, next_time LIMIT :size FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM queue q USING locked l
        WHERE q.event_id = l.event_id AND q.endpoint_id = l.endpoint_id AND q.round = l.round RETURNING q.*
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, {DeliveryState.EXPIRED:d},
            {DeliveryCause.DEADLINE:d}, attempts, accept_time, deliver_by, :now FROM gone
        ON CONFLICT (event_id, endpoint_id, round, occurrence_date) DO NOTHING
    )
    SELECT count(*) FROM gone
""")

# By messages_ledger, oldest date first; the queue by its primary key.
_OVER = text("""
    SELECT m.event_id, m.occurrence_date FROM messages m
    WHERE m.tenant_id = :tenant_id AND m.occurrence_date BETWEEN :first AND :last AND m.occurrence_date < :before
      AND m.deliver_by < :now AND NOT EXISTS (SELECT FROM queue q WHERE q.event_id = m.event_id)
    ORDER BY m.occurrence_date LIMIT :size
""")
# By the primary keys; the dates leave out every other month.
_DELETE = """
    DELETE FROM {parent} WHERE event_id = ANY(CAST(:event_id AS text[])) AND occurrence_date = ANY(CAST(:dates AS date[]))
"""

# The queue is small and a month is dropped once: read as a whole.
_OPEN = text("SELECT EXISTS (SELECT FROM queue WHERE occurrence_date BETWEEN :first AND :last)")
# So is the month.
_WORTH = text(
    "SELECT EXISTS (SELECT FROM messages WHERE occurrence_date BETWEEN :first AND :last AND deliver_by >= :now)"
)
_LEFT_OVER = text(
    "SELECT relname FROM pg_class WHERE relnamespace = CAST(current_schema AS regnamespace)"
    " AND relkind = 'r' AND relname LIKE 'retired\\_messages\\_%' ORDER BY relname"
)
_STATUS = text("""
    SELECT to_regclass(CAST(:name AS text)) IS NOT NULL AS there, i.inhdetachpending FROM (SELECT 1) AS one
    LEFT JOIN pg_inherits i ON i.inhrelid = to_regclass(CAST(:name AS text))
""")


async def take_turn(connection: AsyncConnection) -> bool:
    """Return whether this replica may work now: one at a time does. `connection` must be in autocommit."""
    if not (await connection.execute(_TAKE_TURN)).scalar_one():
        return False
    # A month may be read as a whole; but nobody waits long for a lock that we wait for.
    await connection.execute(text("SET statement_timeout = '10min'"))
    await connection.execute(text("SET lock_timeout = '1s'"))
    return True


async def give_turn(connection: AsyncConnection) -> None:
    """Let another replica work."""
    await connection.execute(text("RESET statement_timeout"))
    await connection.execute(text("RESET lock_timeout"))
    await connection.execute(_GIVE_TURN)


async def kept(connection: AsyncConnection) -> dict[str, int]:
    """Return for how many days each tenant that has decided so wants its messages kept."""
    rows = (await connection.execute(_KEPT)).all()
    return {row.tenant_id: row.retention_days for row in rows}


async def tenants(connection: AsyncConnection, month: Month) -> list[str]:
    """Return the tenants that have messages of a month."""
    return list((await connection.execute(_TENANTS, _days(month))).scalars())


async def readers(connection: AsyncConnection) -> list[str]:
    """Return the tenants with something unclaimed in their inboxes."""
    return list((await connection.execute(_READERS)).scalars())


async def end_unclaimed(engine: AsyncEngine, tenant_id: str, before: date, *, now: Instant, size: int) -> int:
    """End up to `size` messages of dates before `before` that nobody claimed, as EXPIRED; return how many."""
    parameters = {
        "tenant_id": tenant_id,
        "before": before,
        # Where the date begins last, and a little.
        "accepted_before": _midnight(before) + timedelta(days=2),
        "now": now.to_stdlib(),
        "size": size,
    }
    async with unit_of_work(engine) as connection:
        return int((await connection.execute(_UNCLAIMED, parameters)).scalar_one())


async def delete(
    engine: AsyncEngine, tenant_id: str, month: Month, *, before: date, now: Instant, size: int
) -> int:
    """Delete up to `size` of a tenant's messages of a month and of dates before `before`; return how many.

    With their deliveries and attempts. Those that the queue has or that are still worth sending stay.
    """
    parameters = {
        "tenant_id": tenant_id,
        **_days(month),
        "before": before,
        "now": now.to_stdlib(),
        "size": size,
    }
    async with unit_of_work(engine) as connection:
        await connection.execute(EXCLUDE)
        over = (await connection.execute(_OVER, parameters)).all()
        if not over:
            return 0
        named = {
            "event_id": sorted(row.event_id for row in over),
            "dates": sorted({row.occurrence_date for row in over}),
        }
        for parent in ("attempts", "deliveries", "messages"):
            await connection.execute(text(_DELETE.format(parent=parent)), named)
    return len(over)


async def needed(connection: AsyncConnection, month: Month, *, now: Instant) -> str:
    """Return why a month must stay although its dates are over, empty when it need not."""
    if (await connection.execute(_OPEN, _days(month))).scalar_one():
        return "the queue has rows of it"
    if (await connection.execute(_WORTH, {**_days(month), "now": now.to_stdlib()})).scalar_one():
        return "some of it may still be sent"
    return ""


async def drop(connection: AsyncConnection, engine: AsyncEngine, month: Month) -> int:
    """Detach and drop a month; return how many messages had to be put back, because they were queued meanwhile.

    `connection` must be in autocommit. May be repeated from wherever it ended.
    """
    for parent in reversed(PARENTS):  # messages last: as long as they are there, their ids are known
        await _detach(connection, parent, name_of(parent, month))
    put_back = await _put_back(connection, engine, month)
    for parent in PARENTS:
        await connection.execute(text(f"DROP TABLE IF EXISTS retired_{name_of(parent, month)}"))
    return put_back


async def left_over(connection: AsyncConnection) -> list[Month]:
    """Return the months that were detached and not dropped: whoever did it has ended."""
    return [month_of(name) for name in (await connection.execute(_LEFT_OVER)).scalars()]


async def _detach(connection: AsyncConnection, parent: str, name: str) -> None:
    status = (await connection.execute(_STATUS, {"name": name})).one()
    if not status.there:
        return
    if status.inhdetachpending is not None:
        how = "FINALIZE" if status.inhdetachpending else "CONCURRENTLY"
        await connection.execute(text(f"ALTER TABLE {parent} DETACH PARTITION {name} {how}"))
    await connection.execute(text(f"ALTER TABLE {name} RENAME TO retired_{name}"))


async def _put_back(connection: AsyncConnection, engine: AsyncEngine, month: Month) -> int:
    """Put back what was queued between the look and the detaching: whatever began before has ended by now."""
    names = {parent: f"retired_{name_of(parent, month)}" for parent in PARENTS}
    found = (await connection.execute(_STATUS, {"name": names["messages"]})).one()
    if not found.there or not (await connection.execute(_OPEN, _days(month))).scalar_one():
        return 0
    await make(engine, [month])
    put_back = 0
    async with unit_of_work(engine) as work:
        for parent in PARENTS:
            status = (await work.execute(_STATUS, {"name": names[parent]})).one()
            if not status.there:
                continue
            copied = await work.execute(
                text(
                    f"INSERT INTO {parent} SELECT r.* FROM {names[parent]} r WHERE r.event_id IN"
                    " (SELECT event_id FROM queue WHERE occurrence_date BETWEEN :first AND :last)"
                    " ON CONFLICT DO NOTHING"
                ),
                _days(month),
            )
            put_back += copied.rowcount if parent == "messages" else 0
    return put_back


def _days(month: Month) -> Mapping[str, Any]:
    return {"first": month.first, "last": month.last}


def _midnight(day: date) -> datetime:
    return Instant.from_utc(day.year, day.month, day.day).to_stdlib()
