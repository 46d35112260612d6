"""What became of events, summed over their endpoints and the inbox: the one place that decides it."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.arrays import source
from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState
from delivery_service.domain.event_outcomes import EventOutcome

_OPEN: Final = (
    f"CASE WHEN q.endpoint_id = '{INBOX}' THEN {EventOutcome.UNCLAIMED:d} ELSE {EventOutcome.OPEN:d} END"
)
_ENDED: Final = (
    f"CASE d.state WHEN {DeliveryState.DELIVERED:d} THEN {EventOutcome.RECEIVED:d}"
    f" WHEN {DeliveryState.EXPIRED:d} THEN {EventOutcome.EXPIRED:d}"
    f" WHEN {DeliveryState.DEAD:d} THEN {EventOutcome.DEAD:d}"
    f" WHEN {DeliveryState.CANCELLED:d} THEN {EventOutcome.CANCELLED:d} END"
)
# An acknowledgement or a redelivery ends what waits elsewhere as CANCELLED as well, with a cause of its own.
_STOPPED: Final = f"d.state = {DeliveryState.CANCELLED:d} AND d.cause IN ({DeliveryCause.CANCELLED:d}, {DeliveryCause.IN_DOUBT:d})"


def judged(messages: str, *, dates: str = "") -> str:
    """Return SQL for rows (event_id, occurrence_date, decide_time, outcome, receive_time, stopped).

    There is one for each row of `messages`, which is SQL for rows of the table of that name. `dates` is SQL for
    an array of their occurrence dates, known when the statement is planned: it leaves out every other month.
    Rounds are not told apart: received in any of them is received, also while another one is open.
    `stopped`: at least one delivery was ended by a stop. By the primary keys of queue and deliveries, whatever
    the number of messages: LATERAL leaves no other way, also to a planner without statistics.
    """
    month = f"AND d.occurrence_date = ANY({dates})" if dates else ""
    return f"""
        SELECT m.event_id, m.occurrence_date, m.decide_time, coalesce(o.outcome, {EventOutcome.NONE:d}) AS outcome,
            o.receive_time, coalesce(o.stopped, false) AS stopped
        FROM {messages} m
        CROSS JOIN LATERAL (
            SELECT min(f.outcome) AS outcome, min(f.receive_time) AS receive_time,
                bool_or(f.stopped) AS stopped
            FROM (
                SELECT {_OPEN} AS outcome, CAST(NULL AS timestamptz) AS receive_time, false AS stopped
                FROM queue q WHERE q.event_id = m.event_id AND q.occurrence_date = m.occurrence_date
                UNION ALL
                SELECT {_ENDED}, CASE d.state WHEN {DeliveryState.DELIVERED:d} THEN d.end_time END,
                    {_STOPPED}
                FROM deliveries d WHERE d.event_id = m.event_id AND d.occurrence_date = m.occurrence_date {month}
            ) f
        ) o
    """


def named(asked: str, where: str) -> str:
    """Return SQL for the messages of `:tenant_id` among those asked for, to be judged.

    `asked` is SQL for rows a(event_id, ...), `where` what else a message must have. By the primary key, one probe
    per id: LATERAL and OFFSET keep PostgreSQL, in a month without statistics, from reading the whole day instead.
    """
    return f"""
        (SELECT n.* FROM {asked} CROSS JOIN LATERAL (
            SELECT event_id, occurrence_date, decide_time, tenant_id FROM messages
            WHERE event_id = a.event_id AND {where} OFFSET 0
        ) n WHERE n.tenant_id = :tenant_id)
    """


_DATES: Final = "CAST(:dates AS date[])"
_DATED: Final = source({"event_id": "text", "on_date": "date"}, name="a")
OUTCOMES: Final = judged(
    named(_DATED, f"occurrence_date = a.on_date AND occurrence_date = ANY({_DATES})"), dates=_DATES
)


class Judged(NamedTuple):
    """What became of an event, and when it was first received."""

    outcome: EventOutcome
    receive_time: datetime | None


async def outcomes(
    engine: AsyncEngine, tenant_id: str, event_ids: Sequence[str], dates: Sequence[date]
) -> dict[str, Judged]:
    """Return what became of each event of the tenant; one that has no message of its date is missing."""
    parameters = {
        "tenant_id": tenant_id,
        "event_id": list(event_ids),
        "on_date": list(dates),
        "dates": sorted(set(dates)),
    }
    async with engine.connect() as connection:
        rows = (await connection.execute(text(OUTCOMES), parameters)).all()
    return {row.event_id: Judged(EventOutcome(row.outcome), row.receive_time) for row in rows}
