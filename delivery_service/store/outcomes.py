"""Outcomes: hundreds of attempts end in one statement."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.arrays import Columns, source, turned
from chassis.database import unit_of_work
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState
from delivery_service.domain.delivery_settings import InboxMode
from delivery_service.store.stops import SHARE, stopped

_ATTEMPT = "start_time, status_code, attempt_cause, connect_us, first_byte_us, total_us, answer_bytes, answer, url, secret_id"

_COLUMNS: Columns = {
    "event_id": "text",
    "endpoint_id": "text",
    "round": "smallint",
    "occurrence_date": "date",
    "state": "smallint",
    "cause": "smallint",
    "attempts": "integer",
    "at": "timestamptz",
    "start_time": "timestamptz",
    "status_code": "smallint",
    "attempt_cause": "smallint",
    "connect_us": "integer",
    "first_byte_us": "integer",
    "total_us": "integer",
    "answer_bytes": "integer",
    "answer": "bytea",
    "url": "text",
    "secret_id": "text",
}


class Outcome(NamedTuple):
    """How an attempt, or its absence, left a delivery.

    `at` is the business instant of the end; of a PENDING one the real instant of the next attempt.
    `start_time` is None when nothing was attempted.
    """

    event_id: str
    endpoint_id: str
    round: int
    occurrence_date: date
    state: DeliveryState
    cause: int
    attempts: int
    at: datetime
    start_time: datetime | None
    status_code: int
    attempt_cause: int
    connect_us: int
    first_byte_us: int
    total_us: int
    answer_bytes: int
    answer: bytes
    url: str
    secret_id: str


# What a killed replica had is stopped before another attempt: its receiver may have it, as the row says.
_STILL_IN_DOUBT = f"o.cause = {DeliveryCause.CANCELLED:d} AND q.cause = {DeliveryCause.IN_DOUBT:d} AND q.attempts = o.attempts"

# Only rows that this owner still has: after a take-over the outcome belongs to the next owner. An attempt that
# the row has counted is not counted again: its commit may have been written, but not heard of. Locked in the
# order of ids, as whatever else changes many rows. By the primary key of the queue.
_RECORD = f"""
    WITH outcome AS MATERIALIZED (
        SELECT o.* FROM {source(_COLUMNS, name="o")} JOIN queue q USING (event_id, endpoint_id, round)
        WHERE q.owner = :owner AND (o.state <> {DeliveryState.PENDING:d} OR q.attempts < o.attempts)
        ORDER BY q.event_id, q.endpoint_id, q.round FOR UPDATE OF q
    ), gone AS (
        DELETE FROM queue q USING outcome o
        WHERE o.state <> {DeliveryState.PENDING:d} AND q.event_id = o.event_id AND q.endpoint_id = o.endpoint_id
          AND q.round = o.round
        RETURNING q.event_id, q.endpoint_id, q.round, q.occurrence_date, q.tenant_id, q.user_id, q.decide_time,
            q.accept_time, q.deliver_by, o.state, o.attempts, o.at,
            CASE WHEN {_STILL_IN_DOUBT} THEN q.cause ELSE o.cause END AS cause, {_ATTEMPT.replace(", ", ", o.").replace("start", "o.start", 1)}
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, accept_time, deliver_by,
            state, cause, attempts, end_time, {_ATTEMPT})
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, accept_time, deliver_by,
            state, cause, attempts, at, {_ATTEMPT} FROM gone
    ), waiting AS (
        UPDATE queue q SET owner = NULL, attempts = o.attempts, cause = o.cause, next_time = o.at FROM outcome o
        WHERE o.state = {DeliveryState.PENDING:d} AND q.event_id = o.event_id AND q.endpoint_id = o.endpoint_id
          AND q.round = o.round
        RETURNING q.event_id, q.endpoint_id, q.round, q.attempts, q.occurrence_date, {_ATTEMPT.replace(", ", ", o.").replace("start", "o.start", 1)}
    ), tried AS (
        INSERT INTO attempts (event_id, endpoint_id, round, number, occurrence_date, {_ATTEMPT})
        SELECT * FROM waiting
    )
"""
_COUNT = " SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM waiting)"

# The message goes to the inbox when the delivery that ends is its last and none was received; one that was
# stopped meanwhile ends there at once. Once only: a redelivery that fails leaves the inbox as it is, also when its
# reader has thrown the message away. Rows deleted by this very statement are still visible to it, hence the look
# into `gone`.
_INTO_INBOX = f"""
    , unreceived AS (
        SELECT DISTINCT ON (g.event_id) g.*, {stopped("g")} AS stopped FROM gone g
        WHERE g.state IN ({DeliveryState.DEAD:d}, {DeliveryState.EXPIRED:d})
          AND NOT EXISTS (SELECT FROM gone h WHERE h.event_id = g.event_id AND h.state = {DeliveryState.DELIVERED:d})
          AND NOT EXISTS (SELECT FROM queue q WHERE q.event_id = g.event_id AND NOT EXISTS (
                SELECT FROM gone h WHERE h.event_id = q.event_id AND h.endpoint_id = q.endpoint_id AND h.round = q.round))
          AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = g.event_id
                AND d.occurrence_date = ANY(CAST(:dates AS date[]))
                AND (d.state = {DeliveryState.DELIVERED:d} OR d.endpoint_id = '{INBOX}'))
        ORDER BY g.event_id
    ), kept AS (
        INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
            next_time, decide_time, deliver_by, accept_time)
        SELECT event_id, '{INBOX}', 1, tenant_id, user_id, occurrence_date, NULL, 0, 0,
            accept_time, decide_time, deliver_by, accept_time FROM unreceived WHERE NOT stopped
        ON CONFLICT (event_id, endpoint_id, round) DO NOTHING
    ), withheld AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, '{INBOX}', 1, occurrence_date, tenant_id, {DeliveryState.CANCELLED:d},
            {DeliveryCause.CANCELLED:d}, 0, accept_time, deliver_by, at FROM unreceived WHERE stopped
        ON CONFLICT (event_id, endpoint_id, round, occurrence_date) DO NOTHING
    )
"""
# A message that a redelivery has got to an endpoint need not wait in the inbox any more, unless its tenant wants
# everything there.
_OUT_OF_INBOX = f"""
    , received AS (
        SELECT g.event_id, min(g.at) AS at FROM gone g
        WHERE g.state = {DeliveryState.DELIVERED:d} AND g.round > 1 AND NOT EXISTS (
            SELECT FROM tenant_settings s WHERE s.tenant_id = g.tenant_id AND s.inbox_mode = {InboxMode.ALL:d})
        GROUP BY g.event_id
    ), claimed AS (
        DELETE FROM queue q USING received r WHERE q.event_id = r.event_id AND q.endpoint_id = '{INBOX}'
        RETURNING q.*, r.at
    ), superseded AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, {DeliveryState.CANCELLED:d},
            {DeliveryCause.REDELIVERED:d}, attempts, accept_time, deliver_by, at FROM claimed
    )
"""
_STATEMENTS = {
    (into, out): text(_RECORD + _INTO_INBOX * into + _OUT_OF_INBOX * out + _COUNT)
    for into in (False, True)
    for out in (False, True)
}
# Endpoint and inbox of an event in one order, which an acknowledgement that cancels the rest has as well.
_LOCK_EVENTS = text("""
    SELECT FROM queue WHERE event_id = ANY(CAST(:event_id AS text[])) ORDER BY event_id, endpoint_id, round FOR UPDATE
""")

# Two replicas may end the last two deliveries of one message at once; each would see the other's as open
# and the inbox would get nothing. The lock makes the second one look again.
_LOCK_MESSAGES = text("""
    SELECT FROM messages WHERE event_id = ANY(CAST(:event_id AS text[]))
      AND occurrence_date = ANY(CAST(:dates AS date[])) ORDER BY event_id FOR UPDATE
""")

_UNRECEIVED = frozenset({DeliveryState.DEAD, DeliveryState.EXPIRED})


async def record(engine: AsyncEngine, outcomes: Sequence[Outcome], *, owner: int) -> int:
    """Write the outcomes of rows that `owner` still has; return how many those were."""
    failed = [outcome for outcome in outcomes if outcome.state in _UNRECEIVED]
    again = [one.event_id for one in outcomes if one.state is DeliveryState.DELIVERED and one.round > 1]
    parameters: dict[str, Any] = {**turned(_COLUMNS, outcomes), "owner": owner}
    async with unit_of_work(engine) as connection:
        if failed:
            await _lock_messages(connection, failed)
            parameters["dates"] = sorted({outcome.occurrence_date for outcome in failed})
        if again:
            await connection.execute(_LOCK_EVENTS, {"event_id": again})
        found = await connection.execute(_STATEMENTS[bool(failed), bool(again)], parameters)
        return int(found.scalar_one())


async def _lock_messages(connection: AsyncConnection, failed: Sequence[Outcome]) -> None:
    await connection.execute(SHARE)  # either the stop is seen, or what goes to the inbox is
    dates = sorted({outcome.occurrence_date for outcome in failed})
    event_ids = [outcome.event_id for outcome in failed]
    await connection.execute(_LOCK_MESSAGES, {"event_id": event_ids, "dates": dates})
