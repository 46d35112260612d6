"""Which release of the zone data the open plans were made with, and what a newer one would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned
from scheduler_service.domain.plans import Plan

_CHANGE = {
    "plan_id": "bytea",
    "tenant_id": "text",
    "user_id": "text",
    "event_type_id": "text",
    "time_zone": "text",
    "old_due_time": "timestamptz",
    "new_due_time": "timestamptz",
}


class State(StrEnum):
    """How far the move to the installed release has come."""

    CURRENT = "CURRENT"
    COMPARING = "COMPARING"
    WAITING = "WAITING"
    APPROVED = "APPROVED"


@dataclass(frozen=True)
class Progress:
    """The one row: `version` is the open plans' release, `pending_version` the one compared with it."""

    version: str
    pending_version: str
    state: State
    position: bytes
    checked: int


@dataclass(frozen=True)
class Moved:
    """A plan that the installed release moves; None: it finds no cycle any more."""

    plan: Plan
    new_due_time: Instant | None


@dataclass(frozen=True)
class Zone:
    """What moves in one zone."""

    time_zone: str
    plans: int
    people: int
    min_minutes: int
    max_minutes: int


# One row.
_GET = text("SELECT version, pending_version, state, position, checked FROM tzdata")
_GET_LOCKED = text(_GET.text + " FOR UPDATE")
_SET = text(
    "UPDATE tzdata SET version = :version, pending_version = :pending_version, state = :state,"
    " position = :position, checked = :checked"
)
# A scan, once in the life of a store: one that is older than this table may hold plans of any release.
_OTHER = text(
    "SELECT tzdata_version FROM plans WHERE due_time IS NOT NULL AND tzdata_version <> :version LIMIT 1"
)
# Primary key, from where the last page ended.
_PAGE = text(
    """
    SELECT plan_id, tenant_id, user_id, tzdata_version FROM plans
    WHERE plan_id > :after AND due_time IS NOT NULL ORDER BY plan_id LIMIT :size
    """
)
# Primary key. The due time stays, so nothing that was read of the plan is out of date.
_STAMP = text("UPDATE plans SET tzdata_version = :version WHERE plan_id = ANY(CAST(:plan_ids AS bytea[]))")
# Primary key.
_NOTE = text(
    f"INSERT INTO tzdata_changes ({', '.join(_CHANGE)}) SELECT * FROM {source(_CHANGE)}"  # noqa: S608
    " ON CONFLICT (plan_id) DO UPDATE SET old_due_time = excluded.old_due_time,"
    " new_due_time = excluded.new_due_time, time_zone = excluded.time_zone"
)
_CLEAR = text("DELETE FROM tzdata_changes")
# A scan of what moves, then the primary key of plans: what was decided or planned again since is over.
_ZONES = text(
    """
    SELECT c.time_zone, count(*), count(DISTINCT (c.tenant_id, c.user_id)),
        coalesce(min(round(extract(epoch FROM c.new_due_time - c.old_due_time) / 60)), 0),
        coalesce(max(round(extract(epoch FROM c.new_due_time - c.old_due_time) / 60)), 0)
    FROM tzdata_changes c JOIN plans p USING (plan_id)
    WHERE p.due_time = c.old_due_time AND p.tzdata_version <> (SELECT pending_version FROM tzdata)
    GROUP BY c.time_zone ORDER BY c.time_zone
    """
)
# Primary key.
_NOTED = text("SELECT plan_id, tenant_id, user_id FROM tzdata_changes ORDER BY plan_id LIMIT :size")
_DONE = text("DELETE FROM tzdata_changes WHERE plan_id = ANY(CAST(:plan_ids AS bytea[]))")


async def get(connection: AsyncConnection, *, lock: bool = False) -> Progress:
    """Return how far it has come, locked against other writers if asked."""
    row = (await connection.execute(_GET_LOCKED if lock else _GET)).one()
    return Progress(row[0], row[1], State(row[2]), bytes(row[3]), row[4])


async def put(connection: AsyncConnection, progress: Progress) -> None:
    """Write how far it has come."""
    await connection.execute(
        _SET,
        {
            "version": progress.version,
            "pending_version": progress.pending_version,
            "state": str(progress.state),
            "position": progress.position,
            "checked": progress.checked,
        },
    )


async def other_version(connection: AsyncConnection, version: str) -> str:
    """Return another release that open plans were made with; empty: there is none."""
    return (await connection.execute(_OTHER, {"version": version})).scalar() or ""


async def page(connection: AsyncConnection, *, after: bytes, size: int) -> list[tuple[bytes, str, str, str]]:
    """Return (plan id, tenant, user, release) of the next open plans in id order."""
    rows = await connection.execute(_PAGE, {"after": after, "size": size})
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def stamp(connection: AsyncConnection, plan_ids: Sequence[bytes], version: str) -> None:
    """Note that these plans, which the caller has locked, are the same under this release."""
    if plan_ids:
        await connection.execute(_STAMP, {"plan_ids": list(plan_ids), "version": version})


async def note(connection: AsyncConnection, moved: Sequence[Moved]) -> None:
    """Keep what would move for whoever approves it."""
    if not moved:
        return
    rows = [
        (
            m.plan.plan_id,
            m.plan.tenant_id,
            m.plan.user_id,
            m.plan.event_type_id,
            m.plan.time_zone,
            m.plan.due_time and m.plan.due_time.to_stdlib(),
            m.new_due_time and m.new_due_time.to_stdlib(),
        )
        for m in moved
    ]
    await connection.execute(_NOTE, turned(_CHANGE, rows))


async def clear(connection: AsyncConnection) -> None:
    """Forget an older comparison."""
    await connection.execute(_CLEAR)


async def zones(connection: AsyncConnection) -> list[Zone]:
    """Return what moves, zone by zone."""
    return [
        Zone(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in await connection.execute(_ZONES)
    ]


async def noted(connection: AsyncConnection, *, size: int) -> list[tuple[bytes, str, str]]:
    """Return (plan id, tenant, user) of some of the plans that are to move."""
    return [(row[0], row[1], row[2]) for row in await connection.execute(_NOTED, {"size": size})]


async def done(connection: AsyncConnection, plan_ids: Sequence[bytes]) -> None:
    """Forget plans that have moved."""
    await connection.execute(_DONE, {"plan_ids": list(plan_ids)})
