"""Care switches: "never again" for a person or one of their occasions, kept as hashes.

They outlive the person here, and a restore of user_service's store: of two states of one switch the
later one holds, whichever of the two stores was the last to know of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned
from scheduler_service.domain.ids import care_hash, user_part

_WRITTEN = {
    "tenant_id": "text",
    "user_hash": "bytea",
    "occasion_hash": "bytea",
    "is_set": "boolean",
    "change_time": "timestamptz",
}
_PERSON = {"tenant_id": "text", "user_hash": "bytea"}

# Primary key.
_UPSERT = text(
    f"""
    INSERT INTO care_switches ({", ".join(_WRITTEN)})
    SELECT * FROM {source(_WRITTEN)} ORDER BY tenant_id, user_hash, occasion_hash
    ON CONFLICT (tenant_id, user_hash, occasion_hash) DO UPDATE
    SET is_set = excluded.is_set, change_time = excluded.change_time
    WHERE care_switches.change_time <= excluded.change_time
    """  # noqa: S608 - column names of this module
)
# Primary key, by its first two columns.
_SET = text(
    f"""
    SELECT c.tenant_id, c.user_hash, c.occasion_hash FROM care_switches c
    JOIN {source(_PERSON)} USING (tenant_id, user_hash)
    WHERE c.is_set
    """  # noqa: S608
)


@dataclass(frozen=True)
class Switch:
    """One state of one switch; an empty `occasion_id` stands for the whole person."""

    tenant_id: str
    user_id: str
    occasion_id: str
    is_set: bool
    change_time: Instant


async def upsert(connection: AsyncConnection, key: bytes, switches: Sequence[Switch]) -> None:
    """Remember these states, unless a later one is known."""
    if not switches:
        return
    rows = [
        (
            switch.tenant_id,
            user_part(key, switch.tenant_id, switch.user_id),
            care_hash(key, switch.tenant_id, switch.user_id, switch.occasion_id),
            switch.is_set,
            switch.change_time.to_stdlib(),
        )
        for switch in switches
    ]
    await connection.execute(_UPSERT, turned(_WRITTEN, rows))


async def silenced(
    connection: AsyncConnection, key: bytes, people: Mapping[tuple[str, str], Sequence[str]]
) -> dict[tuple[str, str], frozenset[str]]:
    """Return those of these people (tenant, user -> occasion ids) for whom a switch is set, and which."""
    parts = {(person[0], user_part(key, *person)): person for person in people}
    found: dict[tuple[str, str], set[bytes]] = {}
    for tenant_id, user_hash, occasion_hash in await connection.execute(_SET, turned(_PERSON, list(parts))):
        found.setdefault(parts[tenant_id, user_hash], set()).add(occasion_hash)
    return {
        person: frozenset(name for name in ("", *people[person]) if care_hash(key, *person, name) in hashes)
        for person, hashes in found.items()
    }
