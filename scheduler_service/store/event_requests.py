"""Callers' own ids: what was asked under each, so that the same call again gets the same answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source, turned

_WRITTEN = {"instance": "text", "event_id": "text", "body_hash": "bytea"}
_ASKED = {"user_id": "text", "instance": "text"}

# Primary key, in its order: two batches with the same ids wait for each other instead of locking out.
_INSERT = text(
    f"""
    INSERT INTO event_requests (tenant_id, instance, event_id, body_hash, create_time)
    SELECT :tenant_id, instance, event_id, body_hash, :now FROM {source(_WRITTEN)} ORDER BY instance
    ON CONFLICT (tenant_id, instance) DO NOTHING
    """  # noqa: S608 - column names of this module
)
# Primary key.
_OF = text(
    "SELECT instance, event_id, body_hash FROM event_requests"
    " WHERE tenant_id = :tenant_id AND instance = ANY(CAST(:instances AS text[]))"
)
# Primary keys of recipients and event_requests. OFFSET 0: each is probed, not read whole for a join.
_UNKNOWN = text(
    f"""
    SELECT DISTINCT input.user_id FROM {source(_ASKED)}
    WHERE NOT EXISTS (SELECT 1 FROM recipients r
                      WHERE r.tenant_id = :tenant_id AND r.user_id = input.user_id OFFSET 0)
      AND NOT EXISTS (SELECT 1 FROM event_requests e
                      WHERE e.tenant_id = :tenant_id AND e.instance = input.instance OFFSET 0)
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was asked under one of a caller's ids, and the event that came of it."""

    event_id: str
    body_hash: bytes


def hashed(kind: str, body: dict[str, Any]) -> bytes:
    """Return what two calls of one `kind` share exactly when they ask for the same."""
    return hashlib.sha256(orjson.dumps([kind, body], option=orjson.OPT_SORT_KEYS)).digest()


async def of(connection: AsyncConnection, tenant_id: str, instances: Sequence[str]) -> dict[str, Known]:
    """Return what is known under these ids of a tenant."""
    rows = await connection.execute(_OF, {"tenant_id": tenant_id, "instances": list(instances)})
    return {row[0]: Known(row[1], row[2]) for row in rows}


async def insert(
    connection: AsyncConnection, tenant_id: str, known: dict[str, Known], *, now: Instant
) -> int:
    """Remember ids that are new, and return how many were; waits for whoever is writing one of them."""
    rows = [(instance, one.event_id, one.body_hash) for instance, one in known.items()]
    bound = {**turned(_WRITTEN, rows), "tenant_id": tenant_id, "now": now.to_stdlib()}
    return int((await connection.execute(_INSERT, bound)).rowcount)


async def unknown_users(
    connection: AsyncConnection, tenant_id: str, asked: Sequence[tuple[str, str]]
) -> list[str]:
    """Return the users of these (user, instance) of whom nothing is known, except for ids answered before."""
    rows = await connection.execute(_UNKNOWN, {**turned(_ASKED, asked), "tenant_id": tenant_id})
    return [row[0] for row in rows]
