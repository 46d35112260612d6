"""Redeliveries: a new round of ended deliveries is a row of the queue like any other, owned by nobody yet.

Everything that decides whether there may be one is read in the transaction that begins it: under the lock that
a stop excludes, with the messages held against other rounds. After a stop nothing is begun any more; what was
begun before, the stop ends.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis.arrays import source
from delivery_service.domain.deliveries import DeliveryState
from delivery_service.domain.endpoints import EndpointState
from delivery_service.domain.redeliveries import Candidate, Refusal, deadline
from delivery_service.domain.retention import days_kept
from delivery_service.domain.settlements import Settlement
from delivery_service.store import dead_letters
from delivery_service.store.stops import SHARE, stopped

_NAMED: Final = source({"event_id": "text", "endpoint_id": "text", "on_date": "date"}, name="a")
_DATES: Final = "CAST(:dates AS date[])"
# By the primary keys, one probe per delivery: LATERAL leaves no other way. The tenant is compared outside: a planner
# without statistics would otherwise read its whole day instead.
CANDIDATES: Final = f"""
    SELECT a.event_id, a.endpoint_id, d.round, d.state, coalesce(d.settlement, 0) AS settlement, q.event_id IS NOT NULL AS is_open, m.decide_time,
        m.occurrence_date, e.state AS endpoint, coalesce(s.retention_days, 0) AS retention_days,
        coalesce({stopped("m")}, false) AS stopped
    FROM {_NAMED}
    LEFT JOIN LATERAL (
        SELECT event_id, occurrence_date, tenant_id, user_id, decide_time FROM messages
        WHERE event_id = a.event_id AND occurrence_date = a.on_date AND occurrence_date = ANY({_DATES})
        OFFSET 0
    ) m ON m.tenant_id = :tenant_id
    LEFT JOIN LATERAL (
        SELECT round, state, settlement, tenant_id FROM deliveries WHERE event_id = a.event_id AND endpoint_id = a.endpoint_id
          AND occurrence_date = a.on_date AND occurrence_date = ANY({_DATES})
        ORDER BY round DESC LIMIT 1
    ) d ON d.tenant_id = :tenant_id
    LEFT JOIN LATERAL (
        SELECT event_id, tenant_id FROM queue WHERE event_id = a.event_id AND endpoint_id = a.endpoint_id OFFSET 0
    ) q ON q.tenant_id = :tenant_id
    LEFT JOIN endpoints e ON e.tenant_id = :tenant_id AND e.endpoint_id = a.endpoint_id
    LEFT JOIN tenant_settings s ON s.tenant_id = :tenant_id
"""
_ROUNDS: Final = {
    "event_id": "text",
    "endpoint_id": "text",
    "on_date": "date",
    "round": "smallint",
    "deliver_by": "timestamptz",
}
BEGIN: Final = f"""
    INSERT INTO queue (event_id, endpoint_id, round, tenant_id, user_id, occurrence_date, owner, attempts, cause,
        next_time, decide_time, deliver_by, accept_time)
    SELECT o.event_id, o.endpoint_id, o.round, m.tenant_id, m.user_id, m.occurrence_date, NULL, 0, 0,
        :real_now, m.decide_time, o.deliver_by, :now
    FROM {source(_ROUNDS, name="o")}
    CROSS JOIN LATERAL (
        SELECT tenant_id, user_id, occurrence_date, decide_time FROM messages
        WHERE event_id = o.event_id AND occurrence_date = o.on_date AND occurrence_date = ANY({_DATES})
        OFFSET 0
    ) m
    WHERE m.tenant_id = :tenant_id
    ORDER BY o.event_id, o.endpoint_id
"""

Name = tuple[str, str]
"""A delivery: event id and endpoint id."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When rounds begin (business and real time), and for how long (business) they are worth sending."""

    now: Instant
    real_now: Instant
    within: timedelta


@dataclass(frozen=True, slots=True)
class Judged:
    """A delivery with the `deliver_by` of its new round, or why it has none."""

    candidate: Candidate
    verdict: Instant | Refusal


async def redeliver(
    connection: AsyncConnection,
    tenant_id: str,
    names: Sequence[Name],
    moment: Moment,
    *,
    on: Mapping[str, date] | None = None,
    unsettled: bool = False,
    dry_run: bool = False,
) -> list[Judged]:
    """Begin a new round of each delivery that may have one; return how each was judged, in the order of `names`.

    `on` has the occurrence dates of the events, None: unknown. With `unsettled` only those that nobody has
    settled, as a filter means them. With `dry_run` nothing is written.
    """
    await connection.execute(SHARE)
    if on is None:
        on = await dead_letters.dated(connection, tenant_id, [name[0] for name in names])
    await dead_letters.lock(connection, on)
    judged = await _judged(connection, tenant_id, names, moment, on=on)
    if unsettled:
        judged = [_if_unsettled(one) for one in judged]
    begun = [one for one in judged if isinstance(one.verdict, Instant)]
    if begun and not dry_run:
        await _begin(connection, tenant_id, begun, moment, on=on)
        ended = [
            (c.event_id, c.endpoint_id, c.round or 0, on[c.event_id])
            for c in (one.candidate for one in begun)
        ]
        await dead_letters.settle(connection, tenant_id, ended, Settlement.REDELIVERED, now=moment.now)
    return judged


def _if_unsettled(one: Judged) -> Judged:
    settled = one.candidate.settlement is not Settlement.NONE and isinstance(one.verdict, Instant)
    return Judged(one.candidate, Refusal.SETTLED) if settled else one


async def _judged(
    connection: AsyncConnection,
    tenant_id: str,
    names: Sequence[Name],
    moment: Moment,
    *,
    on: Mapping[str, date],
) -> list[Judged]:
    found = await connection.execute(
        text(CANDIDATES),
        {
            "tenant_id": tenant_id,
            "event_id": [name[0] for name in names],
            "endpoint_id": [name[1] for name in names],
            "on_date": [on.get(name[0]) for name in names],
            "dates": sorted(set(on.values())),
        },
    )
    rows = {(row.event_id, row.endpoint_id): row for row in found.all()}
    candidates = [_candidate(rows[name]) for name in names]
    return [Judged(one, deadline(one, now=moment.now, within=moment.within)) for one in candidates]


async def _begin(
    connection: AsyncConnection,
    tenant_id: str,
    begun: Sequence[Judged],
    moment: Moment,
    *,
    on: Mapping[str, date],
) -> None:
    await connection.execute(
        text(BEGIN),
        {
            "tenant_id": tenant_id,
            "event_id": [one.candidate.event_id for one in begun],
            "endpoint_id": [one.candidate.endpoint_id for one in begun],
            "round": [(one.candidate.round or 0) + 1 for one in begun],
            "deliver_by": [one.verdict.to_stdlib() for one in begun if isinstance(one.verdict, Instant)],
            "on_date": [on[one.candidate.event_id] for one in begun],
            "dates": sorted(set(on.values())),
            "now": moment.now.to_stdlib(),
            "real_now": moment.real_now.to_stdlib(),
        },
    )


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        row.event_id,
        row.endpoint_id,
        row.round,
        None if row.state is None else DeliveryState(row.state),
        Settlement(row.settlement),
        is_open=row.is_open,
        decide_time=None if row.decide_time is None else Instant(row.decide_time),
        kept_until=_kept_until(row.occurrence_date, row.retention_days),
        endpoint=None if row.endpoint is None else EndpointState(row.endpoint),
        stopped=row.stopped,
    )


def _kept_until(on: date | None, days: int) -> Instant | None:
    if on is None or not days:
        return None
    return Instant(datetime.combine(on + timedelta(days=days_kept(days, days)), time.min, tzinfo=UTC))
