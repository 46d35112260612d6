"""Stops: what CancelEvents leaves behind, and what accept and fetch consult.

A cancel and whatever makes rows of the queue (an accept, a last failure that goes to the inbox) exclude each
other through an advisory lock, which the makers share: they see the stop, or the cancel sees their rows.
Without it both could commit and the event would go.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.arrays import source
from chassis.database import unit_of_work
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.domain.event_outcomes import EventOutcome, Standing, standing
from delivery_service.domain.stops import Stop
from delivery_service.store.event_outcomes import judged, named

KEPT = timedelta(days=35)
_LOCK = 5_417_226_102

SHARE = text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
"""First statement of a transaction that adds rows to the queue."""

EXCLUDE = text(f"SELECT pg_advisory_xact_lock({_LOCK})")


def stopped(row: str) -> str:
    """Return the SQL condition that a stop covers `row`; two probes of the primary key of stops."""
    return (
        f"(EXISTS (SELECT FROM stops s WHERE s.tenant_id = {row}.tenant_id AND s.event_id = {row}.event_id"
        f" AND s.user_id = '' AND {row}.decide_time < s.decided_before)"
        f" OR EXISTS (SELECT FROM stops s WHERE s.tenant_id = {row}.tenant_id AND s.event_id = ''"
        f" AND s.user_id = {row}.user_id AND {row}.decide_time < s.decided_before))"
    )


_WRITE = text(
    "INSERT INTO stops (tenant_id, event_id, user_id, decided_before, until, reason)"
    " SELECT :tenant_id, o.event_id, o.user_id, :decided_before, :until, :reason"
    " FROM " + source({"event_id": "text", "user_id": "text"}, name="o") + " ORDER BY 1, 2, 3"
    " ON CONFLICT (tenant_id, event_id, user_id) DO UPDATE"
    " SET decided_before = greatest(stops.decided_before, excluded.decided_before), reason = excluded.reason,"
    # A new number: the other replicas look for numbers they have not seen.
    " until = greatest(stops.until, excluded.until), number = DEFAULT"
)

# Ended is what nobody is sending: unowned rows and this replica's, without what is in flight here. What
# another replica holds it ends itself, as soon as it sees the stop. What a killed replica had may be at its receiver
# all the same: the cause goes on saying so. By primary key or by queue_user.
_END = """
    WITH locked AS (
        SELECT q.event_id, q.endpoint_id, q.round FROM queue q
        WHERE q.tenant_id = :tenant_id AND q.decide_time < :decided_before AND {subject}
          AND (q.owner IS NULL OR (q.owner = CAST(:owner AS bigint) AND NOT EXISTS (
              SELECT FROM {in_flight} WHERE f.event_id = q.event_id AND f.endpoint_id = q.endpoint_id)))
        ORDER BY q.event_id, q.endpoint_id FOR UPDATE
    ), gone AS (
        DELETE FROM queue q USING locked s
        WHERE q.event_id = s.event_id AND q.endpoint_id = s.endpoint_id AND q.round = s.round
        RETURNING q.*
    ), ended AS (
        INSERT INTO deliveries (event_id, endpoint_id, round, occurrence_date, tenant_id, state, cause, attempts,
            accept_time, deliver_by, end_time)
        SELECT event_id, endpoint_id, round, occurrence_date, tenant_id, :state,
            CASE WHEN cause = :in_doubt THEN cause ELSE :cause END, attempts,
            accept_time, deliver_by, :end_time FROM gone
    )
    SELECT q.event_id, g.event_id IS NOT NULL AS ended FROM queue q
    LEFT JOIN gone g ON g.event_id = q.event_id AND g.endpoint_id = q.endpoint_id AND g.round = q.round
    WHERE q.tenant_id = :tenant_id AND q.decide_time < :decided_before AND {subject}
"""
_IN_FLIGHT = source(
    {"flying_event": "text", "flying_endpoint": "text"}, name="f", renamed="event_id, endpoint_id"
)
_END_EVENTS = text(_END.format(subject="q.event_id = ANY(CAST(:event_id AS text[]))", in_flight=_IN_FLIGHT))
_END_USER = text(_END.format(subject="q.user_id = :user", in_flight=_IN_FLIGHT))

# The dates are not known here: the primary key of each month of messages is probed, of deliveries only the month
# of a message that was found.
_NAMED = named(source({"event_id": "text"}, name="a"), "true")
STANDING = f"""
    SELECT j.event_id, j.outcome, j.stopped, j.decide_time < :decided_before AS covered FROM ({judged(_NAMED)}) j
"""

_NEWER = text(
    "SELECT number, tenant_id, event_id, user_id, decided_before FROM stops WHERE number > :number ORDER BY number"
)
_NEWEST = text("SELECT coalesce(max(number), 0) FROM stops")
# What somebody is writing or another replica is pruning is left for the next time.
_PRUNE = text("""
    WITH locked AS MATERIALIZED (
        SELECT tenant_id, event_id, user_id FROM stops WHERE until < :now FOR UPDATE SKIP LOCKED
    )
    DELETE FROM stops s USING locked l
    WHERE s.tenant_id = l.tenant_id AND s.event_id = l.event_id AND s.user_id = l.user_id
""")


@dataclass(frozen=True)
class Cancelled:
    """What a cancel did: deliveries it ended, and how each event stands; of a user only those on the wire."""

    ended: int
    standing: Mapping[str, Standing]

    def events(self, wanted: Standing) -> list[str]:
        """Return the ids of the events that stand like this, in their order."""
        return sorted(event_id for event_id, found in self.standing.items() if found is wanted)


async def cancel(
    engine: AsyncEngine,
    *,
    tenant_id: str,
    event_ids: list[str],
    user_id: str,
    decided_before: Instant,
    now: Instant,
    reason: str,
    owner: int | None,
    in_flight: Sequence[tuple[str, str]],
) -> Cancelled:
    """Write the stop and end what nobody is sending, in one transaction; repeatable.

    How named events stand is read afterwards, as all replicas have left them by then: the stop holds already,
    and nobody who accepts events waits for the answer.
    """
    subjects = {"event_id": event_ids or [""], "user_id": [user_id] * (len(event_ids) or 1)}
    common = {"tenant_id": tenant_id, "decided_before": decided_before.to_stdlib()}
    async with unit_of_work(engine) as connection:
        await connection.execute(EXCLUDE)
        written = {"until": now.to_stdlib() + KEPT, "reason": reason}
        await connection.execute(_WRITE, {**common, **subjects, **written})
        subject = {"event_id": event_ids} if event_ids else {"user": user_id}
        found = await connection.execute(
            _END_EVENTS if event_ids else _END_USER,
            {
                **common,
                **subject,
                "owner": owner,
                "flying_event": [event_id for event_id, _ in in_flight],
                "flying_endpoint": [endpoint_id for _, endpoint_id in in_flight],
                "state": DeliveryState.CANCELLED,
                "cause": DeliveryCause.CANCELLED,
                "in_doubt": DeliveryCause.IN_DOUBT,
                "end_time": now.to_stdlib(),
            },
        )
        rows = found.all()
        ended = sum(1 for row in rows if row.ended)
        if not event_ids:
            return Cancelled(ended, {row.event_id: Standing.ON_THE_WIRE for row in rows if not row.ended})
    async with engine.connect() as connection:
        found = await connection.execute(text(STANDING), {**common, "event_id": event_ids})
        known = {row.event_id: row for row in found.all()}
    return Cancelled(ended, {event_id: _standing(known.get(event_id)) for event_id in event_ids})


def _standing(row: Row[Any] | None) -> Standing:
    if row is None:
        return standing(None, stopped=False, covered=True)
    return standing(EventOutcome(row.outcome), stopped=row.stopped, covered=row.covered)


async def newest(connection: AsyncConnection) -> int:
    """Return the number of the newest stop."""
    return int((await connection.execute(_NEWEST)).scalar_one())


async def newer(connection: AsyncConnection, number: int) -> tuple[int, list[Stop]]:
    """Return the stops after `number`, and the number to ask with the next time; by the index on number."""
    rows = (await connection.execute(_NEWER, {"number": number})).all()
    stops = [Stop(row.tenant_id, row.event_id, row.user_id, Instant(row.decided_before)) for row in rows]
    return (rows[-1].number if rows else number), stops


async def prune(connection: AsyncConnection, now: Instant) -> None:
    """Forget the stops that no acceptable event can meet any more; by stops_until."""
    await connection.execute(_PRUNE, {"now": now.to_stdlib()})
