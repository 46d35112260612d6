"""Care switches: set, cleared and found by a keyed hash; the row says to nobody for whom it is.

A switch that changes marks its person as changed, also one who is not stored.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import NotFound
from chassis.wire import moment
from user_service.domain.care_switches import ANY, PERSON, CareSwitch
from user_service.domain.changes import Urgency
from user_service.store.identity import Identity
from user_service.store.rows import enrolments_of, optional_instant
from user_service.store.transactions import by_key, settled

# Primary key. Says that the person has had a switch of some kind; it is never changed again.
_NOTE_ANY = text(
    """
    INSERT INTO care_switches (tenant_id, switch_hash, set_time)
    VALUES (CAST(:tenant_id AS uuid), :switch_hash, :now)
    ON CONFLICT (tenant_id, switch_hash) DO NOTHING
    """
)
# Primary keys. A switch that is set stays as it is and marks nothing. Its times only grow, whatever the
# clocks of two replicas say: of two states the reader believes the later one.
_SET = text(
    """
    INSERT INTO care_switches AS s (tenant_id, switch_hash, set_time)
    VALUES (CAST(:tenant_id AS uuid), :switch_hash, :now)
    ON CONFLICT (tenant_id, switch_hash) DO UPDATE
    SET set_time = greatest(excluded.set_time, s.clear_time + interval '1 microsecond'), clear_time = NULL
    WHERE s.clear_time IS NOT NULL
    RETURNING 1
    """
)
# Primary key.
_CLEAR = text(
    """
    UPDATE care_switches SET clear_time = greatest(:now, set_time + interval '1 microsecond')
    WHERE tenant_id = CAST(:tenant_id AS uuid) AND switch_hash = :switch_hash AND clear_time IS NULL
    RETURNING 1
    """
)
# Primary keys. The version is drawn under the row's lock: drawn before it, it could be lower than one
# that is there by then, and the acknowledgement of that one would take this mark away.
_MARK = text(
    """
    INSERT INTO user_changes AS c (tenant_id, user_id, version, urgency, change_time, delete_time)
    SELECT CAST(:tenant_id AS uuid), :user_id, nextval('user_versions'), :urgency, :real,
           CASE WHEN EXISTS (SELECT 1 FROM users WHERE tenant_id = CAST(:tenant_id AS uuid)
                             AND user_id = :user_id) THEN NULL ELSE CAST(:now AS timestamptz) END
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET version = nextval('user_versions'), urgency = least(c.urgency, excluded.urgency),
        delete_time = coalesce(c.delete_time, excluded.delete_time)
    """
)
# Primary key, row by row whatever the statistics say. The hashes of a tenant come as one text of 32 bytes
# each: thousands of single ones would take longer to be sent than to be looked up.
_FIND = text(
    """
    SELECT w.switch_hash, s.set_time, s.clear_time
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:hashes AS bytea[])) AS t (tenant_id, hashes)
    CROSS JOIN LATERAL (
        SELECT substring(t.hashes FROM 32 * n + 1 FOR 32) AS switch_hash
        FROM generate_series(0, length(t.hashes) / 32 - 1) AS n
    ) AS w
    CROSS JOIN LATERAL (
        SELECT set_time, clear_time FROM care_switches
        WHERE tenant_id = t.tenant_id AND switch_hash = w.switch_hash LIMIT 1
    ) AS s
    """
)
# Primary key.
_OCCASIONS = text(
    "SELECT occasions::text FROM users WHERE tenant_id = CAST(:tenant_id AS uuid) AND user_id = :user_id"
)

Person = tuple[str, str]
"""Tenant and user, stored or not."""

Subject = tuple[str, str, str]
"""Tenant, user and occasion (empty: the person) of a switch."""


class CareSwitches:
    """The care switches of all tenants."""

    def __init__(self, engine: AsyncEngine, identity: Identity) -> None:
        self._engine = engine
        self._identity = identity

    async def set(self, subject: Subject, *, now: Instant, real: Instant) -> CareSwitch:
        """Set a switch and return it; one that is set already keeps its time."""

        tenant_id, user_id, _ = subject

        async def work(connection: AsyncConnection) -> CareSwitch:
            some = (await self._identity.switch_hash(connection))(tenant_id, user_id, ANY)
            noted = {"tenant_id": tenant_id, "switch_hash": some, "now": moment(now)}
            await connection.execute(_NOTE_ANY, noted)
            await self._change(connection, _SET, subject, now=now, real=real)
            return (await self._find(connection, [subject]))[subject]

        return await settled(self._engine, work)

    async def clear(self, subject: Subject, *, now: Instant, real: Instant) -> CareSwitch:
        """Take a switch back and return it; one that is cleared already keeps its time.

        Raises:
            NotFound: it was never set.
        """

        async def work(connection: AsyncConnection) -> CareSwitch:
            await self._change(connection, _CLEAR, subject, now=now, real=real)
            found = await self._find(connection, [subject])
            if subject not in found:
                raise _never_set(subject)
            return found[subject]

        return await settled(self._engine, work)

    async def list(self, tenant_id: str, user_id: str) -> Sequence[CareSwitch]:
        """Return the switches of a person and of the occasions that are stored: the person's, then by id."""
        async with by_key(self._engine) as connection:
            ids = {"tenant_id": tenant_id, "user_id": user_id}
            text_of = (await connection.execute(_OCCASIONS, ids)).scalar()
            known = [e.occasion.occasion_id for e in enrolments_of(text_of)] if text_of else []
            found = await self.of_people(connection, {(tenant_id, user_id): sorted(known)})
        return found.get((tenant_id, user_id), [])

    async def of_people(
        self, connection: AsyncConnection, people: Mapping[Person, Sequence[str]]
    ) -> Mapping[Person, Sequence[CareSwitch]]:
        """Return the switches that were ever set of these people and of the occasions given with each.

        One statement for all of them, one more for those who have had a switch; the person's comes first.
        """
        noted = await self._find(connection, [(*person, ANY) for person in people])
        subjects = [
            (tenant_id, user_id, occasion_id)
            for tenant_id, user_id, _ in noted
            for occasion_id in (PERSON, *people[tenant_id, user_id])
        ]
        found = await self._find(connection, subjects)
        switches: dict[Person, list[CareSwitch]] = {}
        for subject in subjects:
            if subject in found:
                switches.setdefault(subject[:2], []).append(found[subject])
        return switches

    async def _find(
        self, connection: AsyncConnection, subjects: Sequence[Subject]
    ) -> Mapping[Subject, CareSwitch]:
        if not subjects:
            return {}
        switch_hash = await self._identity.switch_hash(connection)
        subject_of = {switch_hash(*subject): subject for subject in subjects}
        hashes: dict[str, list[bytes]] = {}
        for hashed, (tenant_id, _, _) in subject_of.items():
            hashes.setdefault(tenant_id, []).append(hashed)
        rows = await connection.execute(
            _FIND, {"tenant_ids": list(hashes), "hashes": [b"".join(some) for some in hashes.values()]}
        )
        found = {}
        for hashed, set_time, clear_time in rows:
            subject = subject_of[hashed]
            found[subject] = CareSwitch(subject[2], Instant(set_time), optional_instant(clear_time))
        return found

    async def _change(
        self,
        connection: AsyncConnection,
        statement: TextClause,
        subject: Subject,
        *,
        now: Instant,
        real: Instant,
    ) -> None:
        """Set or clear, and mark the person if that changed anything."""
        tenant_id, user_id, _ = subject
        hashed = (await self._identity.switch_hash(connection))(*subject)
        which = {"tenant_id": tenant_id, "switch_hash": hashed, "now": moment(now)}
        if (await connection.execute(statement, which)).scalar() is None:
            return
        await connection.execute(
            _MARK,
            {
                "tenant_id": tenant_id,
                "user_id": user_id,
                "urgency": Urgency.STOP,
                "real": moment(real),
                "now": moment(now),
            },
        )


def _never_set(subject: Subject) -> NotFound:
    _, user_id, occasion_id = subject
    what = f"the occasion {occasion_id!r} of user {user_id!r}" if occasion_id else f"user {user_id!r}"
    return NotFound(f"no care switch was ever set for {what}")
