"""Messages: an event is stored once, by its id, together with its deliveries, in one transaction."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.arrays import Columns, source, turned
from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState, LaneKey
from delivery_service.domain.delivery_settings import InboxMode
from delivery_service.domain.endpoints import EndpointState
from delivery_service.store.partitions import Partitions
from delivery_service.store.stops import SHARE, stopped

COLUMNS: Columns = {
    "event_id": "text",
    "occurrence_date": "date",
    "tenant_id": "text",
    "user_id": "text",
    "event_type_id": "text",
    "due_time": "timestamptz",
    "decide_time": "timestamptz",
    "deliver_by": "timestamptz",
    "priority": "smallint",
    "body": "bytea",
    "metadata": "text",
    "traceparent": "text",
}

_FULL = source(
    {"full_tenant": "text", "full_endpoint": "text"}, name="full_lane", renamed="tenant_id, endpoint_id"
)

_ONLY = f"LEFT JOIN {source({'only_event': 'text', 'only_endpoint': 'text'}, name='aim')} ON only_event = j.event_id"

# What domain.event_type_filters says of each pattern: `_` is itself, `*` any run of characters.
_LIKE = (
    r"string_to_array(replace(replace(array_to_string(e.event_type_filters, ','), '_', '\_'), '*', '%'), ',')"
)
_WANTED = (
    f"e.state = {EndpointState.ENABLED:d}"
    f" AND (cardinality(e.event_type_filters) = 0 OR k.event_type_id LIKE ANY ({_LIKE}))"
)
# The inbox of a tenant that wants everything there is one more endpoint, always enabled and without filters.
_ADDRESSES = f"""(
            SELECT tenant_id, endpoint_id, state, event_type_filters FROM endpoints
            UNION ALL
            SELECT tenant_id, '{INBOX}', CAST({EndpointState.ENABLED:d} AS smallint), CAST(ARRAY[] AS text[])
            FROM tenant_settings WHERE inbox_mode = {InboxMode.ALL:d}
        )"""

# One statement: what was new decides what is addressed, so that a second offer, even after endpoints
# changed, adds nothing. A lane without room gets its row without an owner, to be fetched later.
_ACCEPT = f"""
    WITH fresh AS (
        INSERT INTO messages ({", ".join(COLUMNS)}, accept_time)
        SELECT o.*, :now FROM {source(COLUMNS, name="o")} ORDER BY o.event_id
        ON CONFLICT (event_id, occurrence_date) DO NOTHING
        RETURNING event_id, occurrence_date, tenant_id, user_id, event_type_id, decide_time, deliver_by
    ), judged AS (
        SELECT f.*, {stopped("f")} AS stopped FROM fresh f
    ), kinds AS (
        SELECT DISTINCT tenant_id, event_type_id FROM fresh
    ), wanting AS (
        SELECT k.tenant_id, k.event_type_id, e.endpoint_id
        FROM kinds k JOIN {_ADDRESSES} e ON e.tenant_id = k.tenant_id AND {_WANTED}
    ), addressed AS (
        SELECT j.*, {{target}} AS endpoint_id,
            CASE WHEN {{target}} <> '{INBOX}' AND full_lane.tenant_id IS NULL AND NOT j.stopped
                 THEN CAST(:owner AS bigint) END AS owner
        FROM judged j {{only}}
        LEFT JOIN wanting w ON w.tenant_id = j.tenant_id AND w.event_type_id = j.event_type_id {{unless_aimed}}
        LEFT JOIN {_FULL}
            ON full_lane.tenant_id = j.tenant_id AND full_lane.endpoint_id = {{target}}
    ), queued AS (
        INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
            next_time, decide_time, deliver_by, accept_time)
        SELECT event_id, endpoint_id, 1, tenant_id, user_id, occurrence_date, owner, 0, 0,
            CASE WHEN endpoint_id = '{INBOX}' THEN :now ELSE :real_now END, decide_time, deliver_by, :now
        FROM addressed WHERE NOT stopped
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, 1, occurrence_date, tenant_id, {DeliveryState.CANCELLED:d},
            {DeliveryCause.CANCELLED:d}, 0, :now, deliver_by, :now
        FROM addressed WHERE stopped
    )
    SELECT event_id, endpoint_id, owner IS NOT NULL AS held, stopped FROM addressed
"""
_ACCEPT_ALL = text(_ACCEPT.format(only="", unless_aimed="", target=f"coalesce(w.endpoint_id, '{INBOX}')"))
_ACCEPT_SOME_AIMED = text(
    _ACCEPT.format(
        only=_ONLY,
        unless_aimed="AND only_event IS NULL",
        target=f"coalesce(only_endpoint, w.endpoint_id, '{INBOX}')",
    )
)
# Held until the commit: an endpoint that goes away meanwhile would leave the event to nobody.
_TARGETS = text(f"""
    SELECT e.tenant_id, e.endpoint_id
    FROM {source({"aimed_tenant": "text", "aimed_endpoint": "text"}, name="aimed")}
    JOIN endpoints e ON e.tenant_id = aimed_tenant AND e.endpoint_id = aimed_endpoint
    ORDER BY 1, 2 FOR KEY SHARE OF e
""")

Offered = tuple[str, date, str, str, str, datetime, datetime, datetime, int, bytes, str, str, str]
"""One event: the values of COLUMNS, and the only endpoint it is for (empty: as its tenant has them)."""


class Addressed(NamedTuple):
    """A delivery made by an accept: `held` when this replica owns it, `stopped` when a stop overtook it."""

    event_id: str
    endpoint_id: str
    held: bool
    stopped: bool


async def accept(
    engine: AsyncEngine,
    partitions: Partitions,
    offered: Sequence[Offered],
    *,
    now: Instant,
    real_now: Instant,
    owner: int | None,
    full_lanes: Sequence[LaneKey],
) -> list[Addressed]:
    """Store what is new and address it to the enabled endpoints of its tenant that want it, or to the inbox.

    In inbox mode ALL to the inbox as well. An event for one endpoint goes there only, whatever its filters; when
    its tenant does not have it, into the inbox. An event known before has no delivery made. By the primary keys
    of messages, stops, endpoints and tenant_settings.
    """
    await partitions.ensure((event[1] for event in offered), today=now.to_stdlib().date())
    parameters: dict[str, Any] = {
        "now": now.to_stdlib(),
        "real_now": real_now.to_stdlib(),
        "owner": owner,
        "full_tenant": [lane.tenant_id for lane in full_lanes],
        "full_endpoint": [lane.endpoint_id for lane in full_lanes],
    }
    async with unit_of_work(engine) as connection:
        await connection.execute(SHARE)
        aimed = [event for event in offered if event[-1]]
        if not aimed:
            return await _store(connection, offered, parameters)
        lost = await _without_target(connection, aimed)
        redirected = [(*event[:-1], INBOX) if event[0] in lost else event for event in offered]
        return await _store(connection, redirected, parameters)


async def _store(
    connection: AsyncConnection, offered: Sequence[Offered], parameters: Mapping[str, Any]
) -> list[Addressed]:
    columns = turned(COLUMNS, [event[:-1] for event in offered])
    only = {event[0]: event[-1] for event in offered if event[-1]}
    aims = {"only_event": list(only), "only_endpoint": list(only.values())} if only else {}
    found = await connection.execute(
        _ACCEPT_SOME_AIMED if only else _ACCEPT_ALL, {**columns, **parameters, **aims}
    )
    return [Addressed._make(row) for row in found.all()]


async def _without_target(connection: AsyncConnection, aimed: Sequence[Offered]) -> set[str]:
    """Return the events whose only endpoint does not exist."""
    wanted = sorted({(event[2], event[-1]) for event in aimed if event[-1] != INBOX})
    lanes = {"aimed_tenant": [lane[0] for lane in wanted], "aimed_endpoint": [lane[1] for lane in wanted]}
    found = {tuple(row) for row in (await connection.execute(_TARGETS, lanes)).all()}
    return {event[0] for event in aimed if event[-1] != INBOX and (event[2], event[-1]) not in found}
