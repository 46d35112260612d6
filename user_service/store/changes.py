"""The feed: what of users and tenants the scheduler has not confirmed yet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.wire import moment
from user_service.domain.changes import Applied, Change, Tombstone, Urgency
from user_service.domain.occasions import LeapDayRule
from user_service.domain.tenants import Tenant
from user_service.domain.users import User
from user_service.store.rows import user_of
from user_service.store.transactions import by_key, settled

# Up to here the backlog is counted, above it is estimated.
COUNTED = 10_000
_LARGEST_VERSION = 2**63 - 1

_EPOCH = text("SELECT epoch::text FROM feed_epoch")
# An acknowledgement and a resync exclude each other; acknowledgements do not.
_EPOCH_HELD = text("SELECT epoch::text FROM feed_epoch FOR SHARE")
_NEW_EPOCH = text("UPDATE feed_epoch SET epoch = CAST(:epoch AS uuid)")
# Index (urgency, change_time, tenant_id, user_id), then primary keys. LATERAL with LIMIT is looked up
# row by row whatever the statistics say; a plain join with stale ones reads all users.
_PULL = text(
    """
    SELECT c.tenant_id::text, c.user_id, c.version, c.change_time, c.delete_time,
           u.user_id, u.version, u.time_zone, u.locale, u.given_name, u.family_name,
           u.occasions::text, u.attributes::text, u.create_time, u.update_time,
           t.name, t.time_zone, t.locale, t.leap_day_rule, t.version, t.create_time, t.update_time
    FROM (
        SELECT * FROM user_changes ORDER BY urgency, change_time, tenant_id, user_id LIMIT :most
    ) AS c
    LEFT JOIN LATERAL (
        SELECT * FROM users WHERE tenant_id = c.tenant_id AND user_id = c.user_id LIMIT 1
    ) AS u ON true
    LEFT JOIN tenants t ON c.user_id = '' AND t.tenant_id = c.tenant_id
    ORDER BY c.urgency, c.change_time, c.tenant_id, c.user_id
    """
)
_BACKLOG = text(
    """
    SELECT CASE WHEN counted <= :most THEN counted
                ELSE greatest(counted, (SELECT reltuples::bigint FROM pg_class
                                        WHERE oid = CAST('user_changes' AS regclass))) END
    FROM (SELECT count(*) AS counted FROM (SELECT 1 FROM user_changes LIMIT :most + 1) AS capped) AS c
    """
)
# Primary key row by row, locked in its order, then by place. A row that changed meanwhile has another
# version and stays.
_ACK = text(
    """
    WITH applied AS (
        SELECT * FROM unnest(
            CAST(:tenant_ids AS uuid[]), CAST(:user_ids AS text[]), CAST(:versions AS bigint[])
        ) AS a (tenant_id, user_id, version)
        ORDER BY tenant_id, user_id
    ), locked AS (
        SELECT found.place
        FROM applied a CROSS JOIN LATERAL (
            SELECT c.ctid AS place FROM user_changes c
            WHERE c.tenant_id = a.tenant_id AND c.user_id = a.user_id AND c.version = a.version
            FOR UPDATE
        ) AS found
    )
    DELETE FROM user_changes WHERE ctid = ANY (ARRAY(SELECT place FROM locked))
    """
)
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
class Page:
    """The most urgent changes, under the epoch they were read in; `backlog` counts them and the rest."""

    epoch: str
    changes: tuple[Change, ...]
    backlog: int


class Changes:
    """The marks that every write of a user or tenant leaves until its newest version is confirmed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def pull(self, most: int) -> Page:
        """Return up to `most` changes, the most urgent first; nothing is removed or reserved."""
        async with by_key(self._engine) as connection:
            # The epoch first: a resync in between makes the acknowledgement of this page remove nothing.
            epoch = (await connection.execute(_EPOCH)).scalar_one()
            rows = (await connection.execute(_PULL, {"most": most})).all()
            backlog = len(rows) if len(rows) < most else await _backlog(connection)
        return Page(epoch, tuple(_change(row) for row in rows), backlog)

    async def acknowledge(self, epoch: str, applied: Sequence[Applied]) -> int:
        """Remove the marks whose version is still the applied one, and return how many those were.

        Versions of another epoch remove nothing.
        """
        known = [change for change in applied if change.version <= _LARGEST_VERSION]

        async def work(connection: AsyncConnection) -> int:
            if (await connection.execute(_EPOCH_HELD)).scalar_one() != epoch:
                return 0
            removed = await connection.execute(
                _ACK,
                {
                    "tenant_ids": [change.tenant_id for change in known],
                    "user_ids": [change.user_id for change in known],
                    "versions": [change.version for change in known],
                },
            )
            return removed.rowcount

        return await settled(self._engine, work)

    async def resync(self, *, real: Instant) -> str:
        """Begin a new epoch, mark every tenant and user in the same transaction, and return the epoch."""
        epoch = str(uuid.uuid4())

        async def work(connection: AsyncConnection) -> None:
            # Ten million users take longer than any other statement of this service may.
            await connection.execute(text("SET LOCAL statement_timeout = '10min'"))
            await connection.execute(_NEW_EPOCH, {"epoch": epoch})
            await connection.execute(_MARK_TENANTS, {"urgency": Urgency.TENANT, "real": moment(real)})
            await connection.execute(_MARK_USERS, {"urgency": Urgency.BATCH, "real": moment(real)})

        await settled(self._engine, work)
        return epoch

    async def backlog(self) -> int:
        """Return the number of changes that are not confirmed; above 10,000 it may be an estimate."""
        async with by_key(self._engine) as connection:
            return await _backlog(connection)


async def _backlog(connection: AsyncConnection) -> int:
    return int((await connection.execute(_BACKLOG, {"most": COUNTED})).scalar_one())


def _change(row: Sequence[Any]) -> Change:
    return Change(
        tenant_id=row[0], user_id=row[1], version=row[2], change_time=Instant(row[3]), state=_state(row)
    )


def _state(row: Sequence[Any]) -> User | Tenant | Tombstone:
    if row[5] is not None:
        return user_of(row[5:15])
    if row[15] is not None:
        return Tenant(
            tenant_id=row[0],
            name=row[15],
            time_zone=row[16],
            locale=row[17],
            leap_day_rule=LeapDayRule(row[18]),
            version=row[19],
            create_time=Instant(row[20]),
            update_time=Instant(row[21]),
        )
    # A row that somebody removed by hand has no delete_time; it is gone all the same.
    return Tombstone(Instant(row[4] or row[3]))
