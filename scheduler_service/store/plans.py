"""Plans: read and written in batches, always locked in id order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned
from scheduler_service.domain.ids import BEYOND_ALL, shard_range
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store.rows import PLAN, PLAN_COLUMNS, plan_from, plan_row, recipient_from

_COLUMNS = tuple(PLAN)
_COUNTED_EXACTLY = 10_000
_DUE_COUNTED = 100_000
_BREATH = 1_000
"""So many rows are taken in one go: twelve thousand at once keep what is due meanwhile waiting for 30 ms."""
_RANGE = {"low": "bytea", "high": "bytea"}
_START = {"tenant_id": "text", "due_time": "timestamptz", "plan_id": "bytea"}
_STRETCH = {
    "tenant_id": "text",
    "late": "boolean",
    "due_time": "timestamptz",
    "plan_id": "bytea",
    "until": "timestamptz",
}

Due = tuple[str, bool, bytes, int, datetime]
"""A plan to read: its tenant, whether it is late, its id, version and due time."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the order in which the plans of a tenant are due."""

    due_time: Instant
    plan_id: bytes

    @property
    def next(self) -> Self:
        """The place right behind."""
        return replace(self, plan_id=self.plan_id + b"\x00")

    @classmethod
    def after_all(cls, due_time: Instant) -> Self:
        """Return the place behind every plan due then."""
        return cls(due_time, BEYOND_ALL)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The plans of a tenant from a place on that are due by `until`; `late`: they are late."""

    tenant_id: str
    late: bool
    start: Place
    until: Instant


# Primary key: the plans of one person are one range of it, [user part, user part + 1). As a plain
# join PostgreSQL expects a ninth of the table in each range and reads all of it; the limit, beyond
# what a person can have, makes it walk the index. People come in id order, so rows are locked in it.
_OF_USERS = text(
    f"""
    SELECT {", ".join("p." + column for column in _COLUMNS)}
    FROM {source(_RANGE)}
    CROSS JOIN LATERAL (
        SELECT * FROM plans
        WHERE plans.plan_id >= input.low AND plans.plan_id < input.high
        ORDER BY plans.plan_id LIMIT 10000
        FOR UPDATE
    ) AS p
    """  # noqa: S608 - column names of this module
)
# Primary key. The rows are locked by _OF_USERS before; the guard catches what was not.
_UPSERT = text(
    f"""
    INSERT INTO plans ({PLAN_COLUMNS})
    SELECT * FROM {source(PLAN)} ORDER BY plan_id
    ON CONFLICT (plan_id) DO UPDATE
    SET version = excluded.version, user_id = excluded.user_id, cycle = excluded.cycle,
        last_cycle = excluded.last_cycle,
        last_date = excluded.last_date, occurrence_date = excluded.occurrence_date,
        nominal_due_time = excluded.nominal_due_time, due_time = excluded.due_time,
        deliver_by = excluded.deliver_by, enrol_time = excluded.enrol_time,
        recipient_version = excluded.recipient_version, event_type_version = excluded.event_type_version,
        tzdata_version = excluded.tzdata_version, shifts = excluded.shifts, moved = excluded.moved,
        time_zone = excluded.time_zone, due_override = excluded.due_override, request = excluded.request
    WHERE plans.version < excluded.version
    """  # noqa: S608
)
# Primary key; the rows are locked by _OF_USERS before.
_TOUCH = text("UPDATE plans SET version = version + 1 WHERE plan_id = ANY(CAST(:plan_ids AS bytea[]))")
# Primary key.
_DELETE = text("DELETE FROM plans WHERE plan_id = ANY(CAST(:plan_ids AS bytea[]))")
# Primary key.
_GET = text(f"SELECT {PLAN_COLUMNS} FROM plans WHERE plan_id = :plan_id AND tenant_id = :tenant_id")  # noqa: S608
# plans_due: one probe for each tenant there is, never more; without the order PostgreSQL would read the
# whole table for a tenant that has nothing due. Starts where the tenant's first open plan was.
_DUE_TENANTS = text(
    f"""
    SELECT t.tenant_id
    FROM tenants t LEFT JOIN {source(_START, name="start")} USING (tenant_id)
    CROSS JOIN LATERAL (
        SELECT FROM plans
        WHERE plans.tenant_id = t.tenant_id AND plans.due_time <= :horizon
          AND (plans.due_time, plans.plan_id)
              >= (coalesce(start.due_time, '-infinity'), coalesce(start.plan_id, ''))
        ORDER BY plans.due_time, plans.plan_id LIMIT 1
    ) AS due
    """  # noqa: S608 - column names of this module
)
# A bitmap and a sort look cheaper to the planner, and read all of a backlog to answer its first thousands.
_IN_ORDER = text("SET LOCAL enable_sort = off")
# plans_due: one range for each stretch, in due order. The plan ids of a shard are a range, so entries of
# others beyond the first and the last shard are told in the index: a million due in one instant, half of
# them another replica's, are not fetched to be thrown away.
_DUE_KEYS = text(
    f"""
    SELECT due.tenant_id, stretch.late, due.plan_id, due.version, due.due_time
    FROM {source(_STRETCH, name="stretch")}
    CROSS JOIN LATERAL (
        SELECT tenant_id, plan_id, version, due_time FROM plans
        WHERE plans.tenant_id = stretch.tenant_id AND plans.due_time <= stretch.until
          AND (plans.due_time, plans.plan_id) >= (stretch.due_time, stretch.plan_id)
          AND plans.plan_id >= :low AND plans.plan_id < :high
          AND shard = ANY(CAST(:shards AS smallint[]))
        ORDER BY due_time, plan_id
        LIMIT :each
    ) AS due
    """  # noqa: S608 - column names of this module
)
# plans_due: one range for each tenant.
_HELD = text(
    """
    SELECT due.plan_id, due.cycle
    FROM tenants t CROSS JOIN LATERAL (
        SELECT plan_id, cycle, due_time FROM plans
        WHERE plans.tenant_id = t.tenant_id AND due_time >= :since AND due_time < :until
        ORDER BY due_time, plan_id LIMIT :size
    ) AS due
    ORDER BY due.due_time, due.plan_id LIMIT :size
    """
)
# plans_due: one range for each tenant.
_HELD_COUNT = text(
    """
    SELECT coalesce(sum(held.count), 0) FROM tenants t CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM plans
        WHERE plans.tenant_id = t.tenant_id AND due_time >= :since AND due_time < :until
    ) AS held
    """
)
# Primary key of plans, then of recipients.
_PREFETCH = text(
    f"""
    SELECT {", ".join("p." + column for column in _COLUMNS)},
        r.version, r.time_zone, r.locale, r.given_name, r.family_name, r.occasions, r.attributes,
        r.preferences, r.care_switches
    FROM plans p LEFT JOIN recipients r USING (tenant_id, user_id)
    WHERE p.plan_id = ANY(CAST(:plan_ids AS bytea[])) AND p.due_time IS NOT NULL
    ORDER BY p.due_time, p.plan_id
    """  # noqa: S608
)
# Primary key.
_OF_USER = text(
    f"SELECT {PLAN_COLUMNS} FROM plans WHERE plan_id >= :low AND plan_id < :high"  # noqa: S608
    " ORDER BY plan_id"
)
# plans_due, one range for each tenant, for what is due, of which so many are counted: a million took 2 s. Beyond
# `exactly` the number of open plans is the index's estimate.
_FIGURES = text(
    """
    SELECT
        (SELECT CASE WHEN counted <= :exactly THEN counted
                     ELSE greatest(counted, (SELECT reltuples::bigint FROM pg_class
                                             WHERE oid = CAST('plans_due' AS regclass))) END
         FROM (SELECT count(*) AS counted FROM (
             SELECT 1 FROM plans WHERE due_time IS NOT NULL LIMIT :exactly + 1) AS capped) AS c),
        coalesce(sum(due.count), 0), min(due.oldest)
    FROM tenants t CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(first.due_time) AS oldest FROM (
            SELECT due_time FROM plans WHERE plans.tenant_id = t.tenant_id AND due_time <= :now
            ORDER BY due_time, plan_id LIMIT :most
        ) AS first
    ) AS due
    """
)

# plans_due: one range for each tenant, of which so many are counted.
_COMING = text(
    """
    SELECT coalesce(sum(coming.count), 0) FROM tenants t CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (
            SELECT FROM plans
            WHERE plans.tenant_id = t.tenant_id AND due_time > :now AND due_time <= :until
            ORDER BY due_time, plan_id LIMIT :most
        ) AS first
    ) AS coming
    """
)


def user_range(part: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of plan ids that begin with a user's part."""
    after = int.from_bytes(part, "big") + 1
    return part, BEYOND_ALL if after.bit_length() > 8 * len(part) else after.to_bytes(len(part), "big")


async def of_users(connection: AsyncConnection, user_parts: Sequence[bytes]) -> list[Plan]:
    """Return and lock the plans of these people, in id order."""
    ranges = turned(_RANGE, [user_range(part) for part in sorted(user_parts)])
    return [plan_from(row) for row in await connection.execute(_OF_USERS, ranges)]


async def upsert(connection: AsyncConnection, plans: Sequence[Plan]) -> None:
    """Write these plans; a stored one with the same or a newer version stays."""
    if plans:
        await connection.execute(_UPSERT, turned(PLAN, map(plan_row, plans)))


async def touch(connection: AsyncConnection, plan_ids: Sequence[bytes]) -> None:
    """Give these plans, which are locked, another version: whoever has read them reads them again."""
    if plan_ids:
        await connection.execute(_TOUCH, {"plan_ids": list(plan_ids)})


async def delete(connection: AsyncConnection, plan_ids: Sequence[bytes]) -> None:
    """Forget plans of which nothing was ever decided."""
    if plan_ids:
        await connection.execute(_DELETE, {"plan_ids": list(plan_ids)})


async def get(connection: AsyncConnection, tenant_id: str, plan_id: bytes) -> Plan | None:
    """Return one plan of this tenant."""
    row = (await connection.execute(_GET, {"plan_id": plan_id, "tenant_id": tenant_id})).first()
    return None if row is None else plan_from(row)


async def due_tenants(
    connection: AsyncConnection, *, horizon: Instant, starts: Mapping[str, Place]
) -> list[str]:
    """Return the tenants of which something is due by `horizon`; before its start nothing of a tenant counts."""
    rows = [(name, place.due_time.to_stdlib(), place.plan_id) for name, place in starts.items()]
    bound = {**turned(_START, rows), "horizon": horizon.to_stdlib()}
    return [row[0] for row in await connection.execute(_DUE_TENANTS, bound)]


async def due_keys(
    connection: AsyncConnection, shards: Sequence[int], *, stretches: Iterable[Stretch], each: int
) -> list[Due]:
    """Return at most `each` plans of these shards for every stretch, in due order within it."""
    rows = [
        (s.tenant_id, s.late, s.start.due_time.to_stdlib(), s.start.plan_id, s.until.to_stdlib())
        for s in stretches
    ]
    low, high = shard_range(min(shards), max(shards))
    bound = {**turned(_STRETCH, rows), "shards": list(shards), "low": low, "high": high, "each": each}
    await connection.execute(_IN_ORDER)
    found: list[Due] = []
    async with connection.stream(_DUE_KEYS, bound) as answer:
        async for part in answer.partitions(_BREATH):
            found += map(tuple, part)
    return found


async def held(
    connection: AsyncConnection, *, since: Instant, until: Instant, size: int
) -> list[tuple[bytes, str]]:
    """Return (plan id, cycle) of the first `size` plans due in [since, until), in due order."""
    bound = {"since": since.to_stdlib(), "until": until.to_stdlib(), "size": size}
    return [(row[0], row[1]) for row in await connection.execute(_HELD, bound)]


async def held_count(connection: AsyncConnection, *, since: Instant, until: Instant) -> int:
    """Return how many plans are due in [since, until)."""
    bound = {"since": since.to_stdlib(), "until": until.to_stdlib()}
    return int((await connection.execute(_HELD_COUNT, bound)).scalar_one())


async def prefetch(
    connection: AsyncConnection, plan_ids: Sequence[bytes]
) -> list[tuple[Plan, Recipient | None]]:
    """Return these plans with the people they are for, in due order."""
    rows = await connection.execute(_PREFETCH, {"plan_ids": list(plan_ids)})
    width = len(_COLUMNS)
    return [
        (
            plan_from(row[:width]),
            None if row[width] is None else recipient_from((row[1], row[2], *row[width:])),
        )
        for row in rows.all()
    ]


async def of_user(connection: AsyncConnection, part: bytes) -> list[Plan]:
    """Return the plans of one person, without locking them."""
    low, high = user_range(part)
    rows = await connection.execute(_OF_USER, {"low": low, "high": high})
    return [plan_from(row) for row in rows]


async def figures(connection: AsyncConnection, *, now: Instant) -> tuple[int, int, Instant | None]:
    """Return (open plans, estimated above 10,000; due and undecided, of a tenant 100,000 at most; the oldest due time)."""
    bound = {"now": now.to_stdlib(), "exactly": _COUNTED_EXACTLY, "most": _DUE_COUNTED}
    row = (await connection.execute(_FIGURES, bound)).one()
    return int(row[0]), int(row[1]), None if row[2] is None else Instant(row[2])


async def coming(connection: AsyncConnection, *, now: Instant, until: Instant) -> int:
    """Return how many plans fall due in (now, until], of a tenant 100,000 at most."""
    bound = {"now": now.to_stdlib(), "until": until.to_stdlib(), "most": _DUE_COUNTED}
    return int((await connection.execute(_COMING, bound)).scalar_one())
