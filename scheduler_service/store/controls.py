"""What holds deciding back: a pause, guard mode, a PostgreSQL that nobody has recognised yet.

One row. Whoever decides shares a lock on the table until the decision is committed (`share`); whoever
changes what may be decided takes it alone (`alone`). So after a change is committed nothing is decided
that it forbids, in any replica, and what was under way has ended. Locks on a table queue fairly, which
locks on a row do not; a backup's (ACCESS SHARE) is in nobody's way.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

# Which PostgreSQL this is: its cluster and the timeline it writes. Both may be asked by any role. A
# restore to a point in time and a failover begin a new timeline, a dump comes into another cluster.
_CLUSTER = """
    SELECT (SELECT system_identifier FROM pg_control_system()) || ':'
        || left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
OBEYED = f"""
    NOT c.paused AND c.cluster = ({_CLUSTER})
    AND CASE WHEN p.due_time >= c.guard_since AND p.due_time < c.guard_until
        THEN c.guard_expires AND i.reason = 'HELD_BACK' ELSE i.reason <> 'HELD_BACK' END
"""
"""What must hold for a decision `i` on a plan `p`, with `c` for the one row of `controls`."""

_SHARE = text("LOCK TABLE controls IN ROW SHARE MODE")
_ALONE = text("LOCK TABLE controls IN EXCLUSIVE MODE")
# Longer than a frozen replica may hold its transaction (chassis.database.IDLE_TIMEOUT).
_PATIENCE = text("SET LOCAL lock_timeout = '12s'")
# The one row.
_GET = text(
    f"""
    SELECT paused, pause_reason, guard_since, guard_until, guard_reason, guard_expires, seen_time, cluster,
        ({_CLUSTER}) AS present
    FROM controls
    """  # noqa: S608
)
_PAUSE = text(
    "UPDATE controls SET paused = true, pause_reason = :reason,"
    " pause_time = CASE WHEN paused THEN pause_time ELSE :now END"
)
_RESUME = text("UPDATE controls SET paused = false, pause_reason = '', pause_time = NULL")
# A guard that is there already grows.
_GUARD = text(
    """
    UPDATE controls SET guard_since = least(guard_since, :since), guard_until = greatest(guard_until, :until),
        guard_reason = :reason, guard_expires = false
    """
)
_UNGUARD = text(
    "UPDATE controls SET guard_since = NULL, guard_until = NULL, guard_reason = '', guard_expires = false"
)
_EXPIRE = text("UPDATE controls SET guard_expires = guard_since IS NOT NULL")
_RECOGNISE = text(f"UPDATE controls SET cluster = ({_CLUSTER})")  # noqa: S608
_SEEN = text(
    f"""
    UPDATE controls SET seen_time = :now
    WHERE cluster = ({_CLUSTER}) AND (seen_time IS NULL OR seen_time < :now)
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Plans due in [since, until) are held; `expires`: they are being ended as EXPIRED(HELD_BACK)."""

    since: Instant
    until: Instant
    reason: str
    expires: bool = False


@dataclass(frozen=True, slots=True)
class Controls:
    """What may be decided.

    `seen_time` is when (business clock) a leader was last at work on this store; `recognised` says
    whether this is the PostgreSQL it was then, `known` whether it was ever told.
    """

    paused: bool
    pause_reason: str
    guard: Guard | None
    seen_time: Instant | None
    recognised: bool
    known: bool


async def get(connection: AsyncConnection) -> Controls:
    """Return what holds now."""
    row = (await connection.execute(_GET)).one()
    guard = None
    if row.guard_since is not None:
        guard = Guard(Instant(row.guard_since), Instant(row.guard_until), row.guard_reason, row.guard_expires)
    return Controls(
        paused=row.paused,
        pause_reason=row.pause_reason,
        guard=guard,
        seen_time=None if row.seen_time is None else Instant(row.seen_time),
        recognised=row.cluster == row.present,
        known=row.cluster != "",
    )


async def share(connection: AsyncConnection) -> None:
    """Hold off changes of the controls until this transaction, which decides, ends."""
    await connection.execute(_SHARE)


async def pause(connection: AsyncConnection, reason: str, *, now: Instant) -> None:
    """Stop deciding: nothing is decided any more when this transaction has committed."""
    await alone(connection)
    await connection.execute(_PAUSE, {"reason": reason, "now": now.to_stdlib()})


async def resume(connection: AsyncConnection) -> None:
    """Decide again."""
    await alone(connection)
    await connection.execute(_RESUME)


async def begin_guard(
    connection: AsyncConnection, *, since: Instant | None, until: Instant, reason: str
) -> Guard | None:
    """Hold plans due in [since, until); return the guard, grown if there was one.

    `since` None: since this store was last alive; if it never was, nothing can have been sent and
    nothing is held (None).
    """
    await alone(connection)
    since = since or (await get(connection)).seen_time
    if since is None:
        return None
    bound = {"since": since.to_stdlib(), "until": until.to_stdlib(), "reason": reason}
    await connection.execute(_GUARD, bound)
    return (await get(connection)).guard


async def end_guard(connection: AsyncConnection) -> None:
    """Let go of what is held: it is decided as everything else."""
    await alone(connection)
    await connection.execute(_UNGUARD)


async def expire_guard(connection: AsyncConnection) -> None:
    """Let what is held be ended as EXPIRED(HELD_BACK); the guard stands until nothing is held any more."""
    await alone(connection)
    await connection.execute(_EXPIRE)


async def recognise(connection: AsyncConnection) -> None:
    """From now on this PostgreSQL is the one whose decisions count."""
    await alone(connection)
    await connection.execute(_RECOGNISE)


async def note_seen(connection: AsyncConnection, now: Instant) -> None:
    """Note that this store was alive, unless it is another PostgreSQL than it was."""
    await connection.execute(_SEEN, {"now": now.to_stdlib()})


async def alone(connection: AsyncConnection) -> None:
    """Wait until nobody decides, and let nobody begin to until this transaction ends."""
    await connection.execute(_PATIENCE)
    await connection.execute(_ALONE)
