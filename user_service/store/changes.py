"""The feed: what of users and tenants the scheduler has not confirmed yet."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import StaleVersion
from user_service.domain.care_switches import CareSwitch
from user_service.domain.changes import Applied, Change, Tombstone
from user_service.domain.occasions import LeapDayRule
from user_service.domain.restores import Restored, Verdict
from user_service.domain.tenants import Tenant
from user_service.domain.users import User
from user_service.store import epochs
from user_service.store.care_switches import CareSwitches, Person
from user_service.store.epochs import Reader
from user_service.store.rows import user_of
from user_service.store.transactions import by_key, settled

log = structlog.get_logger()

RESTORES = Counter(
    "redletter_user_feed_restores_total",
    "Epochs that began because a store was restored from a backup, by whose: reader or store.",
    ["store"],
)

# Up to here the backlog is counted, above it is estimated.
COUNTED = 10_000
_LARGEST_VERSION = 2**63 - 1

# Index (urgency, change_time, tenant_id, user_id), then primary keys. LATERAL with LIMIT is looked up
# row by row whatever the statistics say; a plain join with stale ones reads all users.
_PULL = text(
    """
    SELECT c.tenant_id::text, c.user_id, c.version, c.change_time, c.delete_time,
           u.user_id, u.version, u.time_zone, u.locale, u.given_name, u.family_name,
           u.occasions::text, u.attributes::text, u.create_time, u.update_time, u.preferences::text,
           t.name, t.time_zone, t.locale, t.leap_day_rule, t.version, t.create_time, t.update_time
    FROM (
        SELECT * FROM user_changes ORDER BY urgency, change_time, tenant_id, user_id LIMIT :most
    ) AS c
    LEFT JOIN LATERAL (
        SELECT * FROM users WHERE tenant_id = c.tenant_id AND user_id = c.user_id LIMIT 1
    ) AS u ON true
    LEFT JOIN LATERAL (
        SELECT * FROM tenants WHERE c.user_id = '' AND tenant_id = c.tenant_id LIMIT 1
    ) AS t ON true
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


@dataclass(frozen=True, slots=True)
class Page:
    """The most urgent changes, under the epoch they were read in; `backlog` counts them and the rest."""

    epoch: str
    changes: tuple[Change, ...]
    backlog: int
    restored: Restored | None


class Changes:
    """The marks that every write of a user or tenant leaves until its newest version is confirmed."""

    def __init__(self, engine: AsyncEngine, switches: CareSwitches) -> None:
        self._engine = engine
        self._switches = switches
        self._heeding: set[asyncio.Task[None]] = set()

    async def pull(self, most: int, *, reader: Reader, real: Instant) -> Page:
        """Return up to `most` changes, the most urgent first; nothing is removed or reserved.

        Raises:
            StaleVersion: the reader's serial is behind the last one, for the first time.
        """
        page = await self._page(most, reader)
        while page is None:
            # The caller's patience may end before everybody is marked; the next pull finds it done.
            heeding = asyncio.create_task(self._heed(reader, real))
            self._heeding.add(heeding)
            heeding.add_done_callback(self._heeding.discard)
            await asyncio.shield(heeding)
            page = await self._page(most, reader)
        return page

    async def acknowledge(self, epoch: str, applied: Sequence[Applied], *, serial: int) -> int:
        """Remove the marks whose version is still the applied one, and return how many those were.

        Versions of another epoch remove nothing, nor does a serial that this store cannot know.
        """
        known = [change for change in applied if change.version <= _LARGEST_VERSION]

        async def work(connection: AsyncConnection) -> int:
            if not await epochs.acknowledged(connection, epoch, serial):
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

        async def work(connection: AsyncConnection) -> str:
            return await epochs.begin(connection, real=real)

        return await settled(self._engine, work)

    async def _page(self, most: int, reader: Reader) -> Page | None:
        """Return a page, or None when the reader's serial has to be heeded first."""
        async with by_key(self._engine) as connection:
            # The epoch first: a resync in between makes the acknowledgement of this page remove nothing.
            now = await epochs.read(connection)
            if now.verdict(reader) is not Verdict.AS_KNOWN:
                return None
            rows = (await connection.execute(_PULL, {"most": most})).all()
            backlog = len(rows) if len(rows) < most else await _backlog(connection)
            changes = [_change(row) for row in rows]
            # After the changes: a switch that is set in between marks its person anew.
            people = {(c.tenant_id, c.user_id): _occasions(c) for c in changes if c.user_id}
            found = await self._switches.of_people(connection, people)
        return Page(now.epoch, tuple(_with_switches(changes, found)), backlog, now.restored)

    async def _heed(self, reader: Reader, real: Instant) -> None:
        async def work(connection: AsyncConnection) -> Verdict:
            return await epochs.heed(connection, reader, real=real)

        found = await settled(self._engine, work)
        if found is Verdict.SUSPECT:
            raise StaleVersion(
                f"the reader's serial {reader.serial} is behind one that was seen already;"
                " read it again and repeat the call"
            )
        if found.restored is not None:
            RESTORES.labels(found.restored.lower()).inc()
            log.warning("feed.restored", store=found.restored.lower(), serial=reader.serial)

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


def _with_switches(
    changes: Sequence[Change], found: Mapping[Person, Sequence[CareSwitch]]
) -> Iterator[Change]:
    """Yield each change with the switches that were found for its person."""
    for change in changes:
        switches = found.get((change.tenant_id, change.user_id))
        yield replace(change, care_switches=tuple(switches)) if switches else change


def _occasions(change: Change) -> tuple[str, ...]:
    """Return the ids of a person's occasions as far as they are known; of a tombstone none are."""
    if not isinstance(change.state, User):
        return ()
    return tuple(enrolment.occasion.occasion_id for enrolment in change.state.enrolments)


def _state(row: Sequence[Any]) -> User | Tenant | Tombstone:
    if row[5] is not None:
        return user_of(row[5:16])
    if row[16] is not None:
        return Tenant(
            tenant_id=row[0],
            name=row[16],
            time_zone=row[17],
            locale=row[18],
            leap_day_rule=LeapDayRule(row[19]),
            version=row[20],
            create_time=Instant(row[21]),
            update_time=Instant(row[22]),
        )
    # A row that somebody removed by hand has no delete_time; it is gone all the same.
    return Tombstone(Instant(row[4] or row[3]))
