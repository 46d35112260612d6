"""Notes of what is being rendered: rendering can end a process, and the next one has to know with what.

A replica notes under a name that no other process ever has. Whoever works on a shard and finds a note
of somebody else there takes it over; what a process leaves behind when it ends well is nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.arrays import source, turned
from scheduler_service.domain.ids import shard_of

QUARANTINE = ""
"""The holder of what shall never be rendered again."""

_NOTED = {"shard": "smallint", "plan_id": "bytea"}

# A scan: the table has at most a row for each shard and replica. It is unlogged, and a note need not
# outlive a crash of PostgreSQL: nobody waits for a disk here.
_NOTE = text(
    f"""
    WITH mine AS (
        SELECT shard, array_agg(plan_id ORDER BY plan_id) AS plan_ids FROM {source(_NOTED)} GROUP BY shard
    ),
    rest AS (
        DELETE FROM shard_work WHERE holder = :holder AND shard NOT IN (SELECT shard FROM mine)
    )
    INSERT INTO shard_work (shard, holder, plan_ids, takeovers)
    SELECT shard, :holder, plan_ids, :takeovers FROM mine ORDER BY shard
    ON CONFLICT (shard, holder) DO UPDATE
    SET plan_ids = excluded.plan_ids, takeovers = excluded.takeovers, note_time = clock_timestamp()
    """  # noqa: S608 - column names of this module
)
# A scan.
_CLEAR = text("DELETE FROM shard_work WHERE holder = :holder")
# A scan.
_OTHERS = text(
    """
    SELECT shard, holder, plan_ids, takeovers, note_time < clock_timestamp() - make_interval(secs => :lease)
    FROM shard_work WHERE holder <> :holder AND shard = ANY(CAST(:shards AS smallint[]))
    """
)
# Primary key. Of several that want it one gets it.
_TAKE = text(
    """
    DELETE FROM shard_work WHERE shard = :shard AND holder = :other AND takeovers = :takeovers
    RETURNING plan_ids
    """
)
# Primary key.
_QUARANTINE = text(
    f"""
    INSERT INTO shard_work (shard, holder, plan_ids, takeovers)
    SELECT shard, '{QUARANTINE}', array_agg(plan_id), 0 FROM {source(_NOTED)} GROUP BY shard
    ON CONFLICT (shard, holder) DO UPDATE SET plan_ids = shard_work.plan_ids || excluded.plan_ids
    """  # noqa: S608
)
# Primary key, one row per shard of the batch.
_RELEASE = text(
    f"""
    WITH input AS (SELECT shard, array_agg(plan_id) AS plan_ids FROM {source(_NOTED)} GROUP BY shard),
    emptied AS (
        DELETE FROM shard_work w USING input
        WHERE w.holder = '{QUARANTINE}' AND w.shard = input.shard AND w.plan_ids <@ input.plan_ids
    )
    UPDATE shard_work w SET plan_ids =
        ARRAY(SELECT unnest(w.plan_ids) EXCEPT SELECT unnest(input.plan_ids))
    FROM input WHERE w.holder = '{QUARANTINE}' AND w.shard = input.shard
        AND w.plan_ids && input.plan_ids AND NOT w.plan_ids <@ input.plan_ids
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody else was rendering in a shard; `old`: for longer than a lease."""

    shard: int
    holder: str
    plan_ids: tuple[bytes, ...]
    takeovers: int
    old: bool


async def note(
    connection: AsyncConnection, holder: str, plan_ids: Collection[bytes], *, takeovers: int
) -> None:
    """Note that `holder` is about to render exactly these plans, instead of what it noted before."""
    await connection.execute(_NOTE, {**_bound(plan_ids), "holder": holder, "takeovers": takeovers})


async def clear(connection: AsyncConnection, holder: str) -> None:
    """Note that `holder` renders nothing at the moment."""
    await connection.execute(_CLEAR, {"holder": holder})


async def of_others(
    connection: AsyncConnection, holder: str, shards: Sequence[int], *, lease: float
) -> list[Note]:
    """Return the notes of other holders, and the quarantine, for these shards."""
    rows = await connection.execute(_OTHERS, {"holder": holder, "shards": list(shards), "lease": lease})
    return [Note(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


async def take_over(connection: AsyncConnection, found: Note) -> bool:
    """Remove the note of somebody who is gone; False when somebody else was faster."""
    bound = {"shard": found.shard, "other": found.holder, "takeovers": found.takeovers}
    return (await connection.execute(_TAKE, bound)).first() is not None


async def quarantine(connection: AsyncConnection, plan_ids: Collection[bytes]) -> None:
    """Remember that these plans are never to be rendered again, until they are decided."""
    await connection.execute(_QUARANTINE, _bound(plan_ids))


async def release(connection: AsyncConnection, plan_ids: Collection[bytes]) -> None:
    """Forget plans of the quarantine that are decided."""
    await connection.execute(_RELEASE, _bound(plan_ids))


def _bound(plan_ids: Collection[bytes]) -> Mapping[str, Sequence[object]]:
    return turned(_NOTED, [(shard_of(plan_id), plan_id) for plan_id in plan_ids])
