"""Users: read, written hundreds at a time, deleted; each change marks the feed in the same transaction.

Locks are taken in the order of user ids, first of `users`, then of `user_changes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.errors import NotFound, StaleVersion
from chassis.transactions import LostRaceError
from chassis.wire import moment
from user_service.domain.changes import Urgency, urgency
from user_service.domain.occasions import OnEnrol
from user_service.domain.preferences import Preferences
from user_service.domain.users import User, UserDraft, after_choice, after_write, check_etag
from user_service.store.rows import USER_COLUMNS, occasions_text, preferences_text, user_of
from user_service.store.transactions import by_key, settled

# Primary key.
_READ = text(
    f"""
    SELECT {USER_COLUMNS} FROM users
    WHERE tenant_id = CAST(:tenant_id AS uuid) AND user_id = ANY(CAST(:user_ids AS text[]))
    """  # noqa: S608 - our own column names
)
# Primary key, in its order.
_LOCK = text(
    """
    SELECT user_id, version FROM users
    WHERE tenant_id = CAST(:tenant_id AS uuid) AND user_id = ANY(CAST(:user_ids AS text[]))
    ORDER BY user_id FOR UPDATE
    """
)
# Primary keys. Known rows are locked by now, so that their conflict is certain; an UPDATE would join, and
# a join with stale statistics reads the tenant's every user for each of ours. A new one that somebody
# else has created meanwhile, or has created and deleted again, is missing in the answer.
_WRITE = text(
    """
    WITH incoming AS (
        SELECT * FROM unnest(
            CAST(:user_ids AS text[]), CAST(:known AS boolean[]), CAST(:time_zones AS text[]),
            CAST(:locales AS text[]), CAST(:given_names AS text[]), CAST(:family_names AS text[]),
            CAST(:occasions AS text[]), CAST(:attributes AS text[]), CAST(:preferences AS text[])
        ) AS i (user_id, known, time_zone, locale, given_name, family_name, occasions, attributes,
                preferences)
    ), updated AS (
        INSERT INTO users (tenant_id, user_id, version, time_zone, locale, given_name, family_name,
                           occasions, attributes, create_time, update_time, preferences)
        SELECT CAST(:tenant_id AS uuid), user_id, nextval('user_versions'), time_zone, locale,
               given_name, family_name, CAST(occasions AS jsonb), CAST(attributes AS json), :now, :now,
               CAST(preferences AS jsonb)
        FROM incoming WHERE known ORDER BY user_id
        ON CONFLICT (tenant_id, user_id) DO UPDATE
        SET version = excluded.version, time_zone = excluded.time_zone, locale = excluded.locale,
            given_name = excluded.given_name, family_name = excluded.family_name,
            occasions = excluded.occasions, attributes = excluded.attributes,
            update_time = excluded.update_time, preferences = excluded.preferences
        RETURNING user_id, version
    ), created AS (
        INSERT INTO users (tenant_id, user_id, version, time_zone, locale, given_name, family_name,
                           occasions, attributes, create_time, update_time, preferences)
        SELECT CAST(:tenant_id AS uuid), user_id, nextval('user_versions'), time_zone, locale,
               given_name, family_name, CAST(occasions AS jsonb), CAST(attributes AS json), :now, :now,
               CAST(preferences AS jsonb)
        FROM incoming WHERE NOT known ORDER BY user_id
        ON CONFLICT (tenant_id, user_id) DO NOTHING
        RETURNING user_id, version
    ), written AS (
        SELECT user_id, version FROM updated UNION ALL SELECT user_id, version FROM created
    )
    INSERT INTO user_changes AS c (tenant_id, user_id, version, urgency, change_time)
    SELECT CAST(:tenant_id AS uuid), user_id, version, :urgency, :real FROM written ORDER BY user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET version = excluded.version, urgency = least(c.urgency, excluded.urgency), delete_time = NULL
    WHERE c.version < excluded.version
    RETURNING user_id, version
    """
)
# Primary keys. A care switch marks without the user's lock: the version is drawn under the mark's, or it
# could be lower than one that is there by then.
_DELETE = text(
    """
    WITH gone AS (
        DELETE FROM users WHERE tenant_id = CAST(:tenant_id AS uuid) AND user_id = :user_id
        RETURNING tenant_id, user_id
    )
    INSERT INTO user_changes AS c (tenant_id, user_id, version, urgency, change_time, delete_time)
    SELECT tenant_id, user_id, nextval('user_versions'), :urgency, :real, :now FROM gone
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET version = nextval('user_versions'), urgency = least(c.urgency, excluded.urgency),
        delete_time = excluded.delete_time
    RETURNING version
    """
)
# Primary key, in its order; the zone is a filter on the way.
_LIST = text(
    f"""
    SELECT {USER_COLUMNS} FROM users
    WHERE tenant_id = CAST(:tenant_id AS uuid) AND user_id > :after
      AND (:time_zone = '' OR time_zone = :time_zone)
    ORDER BY user_id LIMIT :most
    """  # noqa: S608 - our own column names
)


class Change(Enum):
    """What a write did to one user."""

    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did to one user, and the version it has now."""

    content: User
    version: int
    change: Change

    @property
    def user(self) -> User:
        """The user as it is stored now."""
        return self.content.stored_as(self.version)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which a write happens: business and real time, policy, usual place in the feed."""

    now: Instant
    real: Instant
    on_enrol: OnEnrol
    urgency: Urgency


class Users:
    """The users of all tenants."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def upsert(
        self, tenant_id: str, drafts: Sequence[UserDraft], *, under: Circumstances
    ) -> list[Written | StaleVersion]:
        """Store users with different ids in one transaction and return, in order, what became of each.

        A user that is equal to the stored one is neither written nor marked; one whose etag is
        not the stored one is answered with StaleVersion, and the others are stored.
        """
        if not drafts:
            return []

        async def work(connection: AsyncConnection) -> list[Written | StaleVersion]:
            return await _upsert(connection, tenant_id, drafts, under)

        return await settled(self._engine, work)

    async def choose(
        self, tenant_id: str, user_id: str, preferences: Preferences, *, under: Circumstances
    ) -> Written:
        """Replace the preferences of one user and nothing else; equal ones are neither written nor marked.

        Raises:
            NotFound: the tenant has no such user.
        """

        async def work(connection: AsyncConnection) -> Written:
            stored = (await _read(connection, tenant_id, [user_id])).get(user_id)
            if stored is None:
                raise _unknown(user_id)
            after = after_choice(stored, preferences, now=Instant(moment(under.now)))
            if after is None:
                return Written(stored, stored.version, Change.UNCHANGED)
            place = urgency(stored, after, usual=under.urgency)
            versions = await _write(connection, tenant_id, [after], replace(under, urgency=place))
            return Written(after, versions[user_id], Change.UPDATED)

        return await settled(self._engine, work)

    async def delete(self, tenant_id: str, user_id: str, *, now: Instant, real: Instant) -> int:
        """Delete a user, mark its tombstone, and return the version of that.

        Raises:
            NotFound: the tenant has no such user.
        """

        async def work(connection: AsyncConnection) -> int | None:
            gone = await connection.execute(
                _DELETE,
                {
                    "tenant_id": tenant_id,
                    "user_id": user_id,
                    "urgency": Urgency.STOP,
                    "now": moment(now),
                    "real": moment(real),
                },
            )
            found: int | None = gone.scalar()
            return found

        version = await settled(self._engine, work)
        if version is None:
            raise _unknown(user_id)
        return version

    async def get(self, tenant_id: str, user_id: str) -> User:
        """Return one user.

        Raises:
            NotFound: the tenant has no such user.
        """
        async with by_key(self._engine) as connection:
            found = await _read(connection, tenant_id, [user_id])
        if user_id not in found:
            raise _unknown(user_id)
        return found[user_id]

    async def list(self, tenant_id: str, *, after: str, time_zone: str, most: int) -> list[User]:
        """Return up to `most` users behind the id `after`, by id; an empty `time_zone` means all."""
        async with by_key(self._engine) as connection:
            rows = await connection.execute(
                _LIST, {"tenant_id": tenant_id, "after": after, "time_zone": time_zone, "most": most}
            )
            return [user_of(row) for row in rows]


async def _upsert(
    connection: AsyncConnection, tenant_id: str, drafts: Sequence[UserDraft], under: Circumstances
) -> list[Written | StaleVersion]:
    stored = await _read(connection, tenant_id, [draft.user_id for draft in drafts])
    now = Instant(moment(under.now))  # as the database keeps it, to the microsecond
    stale: dict[str, StaleVersion] = {}
    changed: list[User] = []
    place = under.urgency
    for draft in drafts:
        before = stored.get(draft.user_id)
        refusal = _refusal(before, draft)
        if refusal is not None:
            stale[draft.user_id] = refusal
            continue
        after = after_write(before, draft, now=now, on_enrol=under.on_enrol)
        if after is not None:
            changed.append(after)
            place = min(place, urgency(before, after, usual=under.urgency))
    versions = await _write(connection, tenant_id, changed, replace(under, urgency=place)) if changed else {}
    after_by_id = {user.user_id: user for user in changed}
    return [
        stale.get(draft.user_id) or _written(stored, after_by_id, versions, draft.user_id) for draft in drafts
    ]


def _refusal(stored: User | None, draft: UserDraft) -> StaleVersion | None:
    try:
        check_etag(stored, draft)
    except StaleVersion as error:
        return error
    return None


def _written(
    stored: Mapping[str, User], changed: Mapping[str, User], versions: Mapping[str, int], user_id: str
) -> Written:
    if user_id not in changed:
        return Written(stored[user_id], stored[user_id].version, Change.UNCHANGED)
    change = Change.UPDATED if user_id in stored else Change.CREATED
    return Written(changed[user_id], versions[user_id], change)


async def _read(connection: AsyncConnection, tenant_id: str, user_ids: Sequence[str]) -> dict[str, User]:
    rows = await connection.execute(_READ, {"tenant_id": tenant_id, "user_ids": user_ids})
    return {row[0]: user_of(row) for row in rows}


async def _write(
    connection: AsyncConnection, tenant_id: str, changed: Sequence[User], under: Circumstances
) -> dict[str, int]:
    await _lock(connection, tenant_id, {user.user_id: user.version for user in changed if user.version})
    rows = await connection.execute(
        _WRITE,
        {
            "tenant_id": tenant_id,
            "user_ids": [user.user_id for user in changed],
            "known": [user.version > 0 for user in changed],
            "time_zones": [user.time_zone for user in changed],
            "locales": [user.locale for user in changed],
            "given_names": [user.given_name for user in changed],
            "family_names": [user.family_name for user in changed],
            "occasions": [occasions_text(user.enrolments) for user in changed],
            "attributes": [user.attributes for user in changed],
            "preferences": [preferences_text(user.preferences) for user in changed],
            "urgency": under.urgency,
            "now": moment(under.now),
            "real": moment(under.real),
        },
    )
    versions = {row[0]: row[1] for row in rows}
    if len(versions) < len(changed):
        raise LostRaceError
    return versions


async def _lock(connection: AsyncConnection, tenant_id: str, known: Mapping[str, int]) -> None:
    """Lock the rows that were read without a lock, and make sure that they are still the same."""
    if not known:
        return
    rows = await connection.execute(_LOCK, {"tenant_id": tenant_id, "user_ids": list(known)})
    if {row[0]: row[1] for row in rows} != known:
        raise LostRaceError


def _unknown(user_id: str) -> NotFound:
    return NotFound(f"there is no user {user_id!r}")
