"""Recipients: the scheduler's copy of what it needs of a user."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.arrays import source, turned
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store.rows import json_of, occasions_json, preferences_json, recipient_from

COLUMNS = (
    "tenant_id, user_id, version, time_zone, locale, given_name, family_name, occasions, attributes,"
    " preferences, care_switches"
)

_KEY = {"tenant_id": "text", "user_id": "text"}
_WRITTEN = {
    "tenant_id": "text",
    "epoch": "text",
    "user_id": "text",
    "version": "bigint",
    "time_zone": "text",
    "locale": "text",
    "given_name": "text",
    "family_name": "text",
    "occasions": "jsonb",
    "attributes": "jsonb",
    "preferences": "jsonb",
    "care_switches": "jsonb",
}

# Primary key, in its order: two planners of different terms cannot lock each other out.
_UPSERT = text(
    f"""
    INSERT INTO recipients ({", ".join(_WRITTEN)})
    SELECT * FROM {source(_WRITTEN)} ORDER BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET epoch = excluded.epoch, version = excluded.version, time_zone = excluded.time_zone,
        locale = excluded.locale, given_name = excluded.given_name, family_name = excluded.family_name,
        occasions = excluded.occasions, attributes = excluded.attributes,
        preferences = excluded.preferences, care_switches = excluded.care_switches
    """  # noqa: S608 - column names of this module
)
# Primary key, in its order. Locked: who is making a plan for one of these people, from what is stored of
# them now, finishes first, and this transaction sees that plan.
_KNOWN = text(
    f"""
    SELECT r.tenant_id, r.user_id, r.epoch, r.version, r.preferences, r.care_switches FROM recipients r
    JOIN {source(_KEY)} USING (tenant_id, user_id)
    ORDER BY r.tenant_id, r.user_id
    FOR NO KEY UPDATE OF r
    """  # noqa: S608
)
_WISHES = {**_KEY, "preferences": "jsonb", "care_switches": "jsonb"}
# Primary key; the rows are held by _KNOWN.
_KEEP_WISHES = text(
    f"""
    UPDATE recipients r SET preferences = input.preferences, care_switches = input.care_switches
    FROM {source(_WISHES)}
    WHERE r.tenant_id = input.tenant_id AND r.user_id = input.user_id
    """  # noqa: S608 - column names of this module
)
# Primary key.
_DELETE = text(
    f"""
    DELETE FROM recipients r USING {source(_KEY)}
    WHERE r.tenant_id = input.tenant_id AND r.user_id = input.user_id
    """  # noqa: S608
)
# Primary key, from where the last page ended.
_PAGE = text(
    f"SELECT {COLUMNS} FROM recipients"  # noqa: S608
    " WHERE tenant_id = :tenant_id AND user_id > :after ORDER BY user_id LIMIT :size"
)
# Primary key.
_GET = text(f"SELECT {COLUMNS} FROM recipients WHERE tenant_id = :tenant_id AND user_id = :user_id")  # noqa: S608
# Primary key.
_OF = text(
    f"SELECT {COLUMNS} FROM recipients WHERE tenant_id = :tenant_id AND user_id = ANY(CAST(:user_ids AS text[]))"  # noqa: S608
)
# A walk over all recipients, once after a restore or a resync.
_GHOSTS = text(
    "SELECT tenant_id, user_id FROM recipients r WHERE epoch <> :epoch"
    # Who is kept aside was confirmed, and waits for zone data that can plan them.
    " AND NOT EXISTS (SELECT FROM parked p WHERE p.tenant_id = r.tenant_id AND p.user_id = r.user_id)"
    " LIMIT :size"
)

Key = tuple[str, str]


async def upsert(connection: AsyncConnection, recipients: Sequence[Recipient], *, epoch: str) -> None:
    """Replace these recipients' copies."""
    rows = (
        (
            r.tenant_id,
            epoch,
            r.user_id,
            r.version,
            r.time_zone,
            r.locale,
            r.given_name,
            r.family_name,
            occasions_json(r.occasions),
            orjson.dumps(r.attributes).decode(),
            preferences_json(r.preferences),
            orjson.dumps(sorted(r.care_switches)).decode(),
        )
        for r in recipients
    )
    await connection.execute(_UPSERT, turned(_WRITTEN, rows))


@dataclass(frozen=True)
class Known:
    """What is stored of a person, as far as the next change of theirs is compared with it."""

    epoch: str
    version: int
    opted_out: frozenset[str]
    care_switches: frozenset[str]


async def known(connection: AsyncConnection, keys: Sequence[Key]) -> dict[Key, Known]:
    """Return what is stored of those of these people who are known."""
    rows = await connection.execute(_KNOWN, turned(_KEY, keys))
    return {
        (row[0], row[1]): Known(
            row[2], row[3], frozenset(json_of(row[4]).get("opted_out", ())), frozenset(json_of(row[5]))
        )
        for row in rows
    }


async def keep_wishes(connection: AsyncConnection, people: Sequence[Recipient]) -> None:
    """Write only what these people have chosen."""
    rows = (
        (
            r.tenant_id,
            r.user_id,
            preferences_json(r.preferences),
            orjson.dumps(sorted(r.care_switches)).decode(),
        )
        for r in people
    )
    await connection.execute(_KEEP_WISHES, turned(_WISHES, rows))


async def delete(connection: AsyncConnection, keys: Sequence[Key]) -> None:
    """Forget these people."""
    await connection.execute(_DELETE, turned(_KEY, keys))


async def page(connection: AsyncConnection, tenant_id: str, *, after: str, size: int) -> list[Recipient]:
    """Return the next `size` recipients of a tenant in id order."""
    rows = await connection.execute(_PAGE, {"tenant_id": tenant_id, "after": after, "size": size})
    return [recipient_from(row) for row in rows]


async def get(connection: AsyncConnection, tenant_id: str, user_id: str) -> Recipient | None:
    """Return one person's copy."""
    row = (await connection.execute(_GET, {"tenant_id": tenant_id, "user_id": user_id})).first()
    return None if row is None else recipient_from(row)


async def of(connection: AsyncConnection, tenant_id: str, user_ids: Sequence[str]) -> dict[str, Recipient]:
    """Return those of these people who are known, by id."""
    rows = await connection.execute(_OF, {"tenant_id": tenant_id, "user_ids": list(user_ids)})
    return {row[1]: recipient_from(row) for row in rows}


async def ghosts(connection: AsyncConnection, *, epoch: str, size: int) -> list[Key]:
    """Return people whom nothing confirmed since the user store's epoch changed."""
    rows = await connection.execute(_GHOSTS, {"epoch": epoch, "size": size})
    return [(row[0], row[1]) for row in rows]
