"""The epoch of the feed: the life of this store, and how far the reader says that it has come in it."""

import uuid
from dataclasses import dataclass

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.wire import moment
from user_service.domain.changes import Urgency
from user_service.domain.restores import Restored, Seen, Verdict, acknowledges, verdict

# One row, by its primary key's only value.
_READ = text("SELECT epoch::text, reader_serial, suspected, restored FROM feed_epoch")
# What judges, acknowledges or begins an epoch excludes the others of its kind; a mere pull excludes nobody.
_HOLD = text("SELECT epoch::text, reader_serial, suspected, restored FROM feed_epoch FOR NO KEY UPDATE")
_NOTE = text("UPDATE feed_epoch SET reader_serial = :serial, suspected = :suspected")
_HEARD = text("UPDATE feed_epoch SET restored = NULL")
_BEGIN = text("UPDATE feed_epoch SET epoch = CAST(:epoch AS uuid), restored = coalesce(:restored, restored)")
# What is marked already stays as it is: its version is the newest, and a tombstone has no user.
_MARK_TENANTS = text(
    """
    INSERT INTO user_changes (tenant_id, user_id, version, urgency, change_time)
    SELECT tenant_id, '', version, :urgency, :real FROM tenants ORDER BY tenant_id
    ON CONFLICT (tenant_id, user_id) DO NOTHING
    """
)
_MARK_USERS = text(
    """
    INSERT INTO user_changes (tenant_id, user_id, version, urgency, change_time)
    SELECT tenant_id, user_id, version, :urgency, :real FROM users ORDER BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class Reader:
    """How far the reader says that it has come, and its last call that it knows we have answered."""

    serial: int
    confirmed: int
    confirmed_epoch: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """The present epoch, what was last seen of the reader, and the restore that it has not heard of yet."""

    epoch: str
    seen: Seen
    restored: Restored | None

    def verdict(self, reader: Reader) -> Verdict:
        """Judge a pull; what was confirmed under another epoch does not count."""
        confirmed = reader.confirmed if reader.confirmed_epoch == self.epoch else 0
        return verdict(self.seen, reader.serial, confirmed=confirmed)


async def read(connection: AsyncConnection) -> Epoch:
    """Return the present epoch."""
    return await _epoch(connection, _READ)


async def heed(connection: AsyncConnection, reader: Reader, *, real: Instant) -> Verdict:
    """Judge a pull again under the lock and remember what it says; a restored store begins an epoch."""
    held = await _epoch(connection, _HOLD)
    found = held.verdict(reader)
    if found is Verdict.SUSPECT:
        await _note(connection, Seen(held.seen.serial, suspected=True))
    elif found is not Verdict.AS_KNOWN:
        await _note(connection, Seen(reader.serial, suspected=False))
    if found.restored is not None:
        await begin(connection, real=real, restored=found.restored)
    return found


async def acknowledged(connection: AsyncConnection, epoch: str, serial: int) -> bool:
    """Remember the serial of an acknowledgement; return whether what it names may be removed.

    A serial behind ours was overtaken and is not remembered, or the next pull would look restored.
    """
    held = await _epoch(connection, _HOLD)
    if held.epoch != epoch or not acknowledges(held.seen, serial):
        return False
    if serial > held.seen.serial:
        await _note(connection, Seen(serial, suspected=False))
    if held.restored is not None:
        await connection.execute(_HEARD)
    return True


async def begin(connection: AsyncConnection, *, real: Instant, restored: Restored | None = None) -> str:
    """Begin a new epoch, mark every tenant and user in the same transaction, and return the epoch."""
    epoch = str(uuid.uuid4())
    # Ten million users take longer than any other statement of this service may.
    await connection.execute(text("SET LOCAL statement_timeout = '10min'"))
    await connection.execute(_BEGIN, {"epoch": epoch, "restored": restored})
    await connection.execute(_MARK_TENANTS, {"urgency": Urgency.TENANT, "real": moment(real)})
    await connection.execute(_MARK_USERS, {"urgency": Urgency.BATCH, "real": moment(real)})
    return epoch


async def _epoch(connection: AsyncConnection, statement: TextClause) -> Epoch:
    epoch, serial, suspected, restored = (await connection.execute(statement)).one()
    return Epoch(epoch, Seen(serial, suspected), None if restored is None else Restored(restored))


async def _note(connection: AsyncConnection, seen: Seen) -> None:
    await connection.execute(_NOTE, {"serial": seen.serial, "suspected": seen.suspected})
