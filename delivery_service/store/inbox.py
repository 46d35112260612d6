"""The inbox, read: unacknowledged messages are rows of the queue, acknowledged ones deliveries."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from delivery_service.domain.deliveries import INBOX, DeliveryState
from delivery_service.store.inbox_filters import InboxFilter, of_message, of_times, of_user, order

SCANNED: Final = 5000
"""So many rows of each kind a page reads, whatever it finds: it costs the same in an inbox of any size."""

Key = tuple[datetime, str]
"""Where a message stands in its inbox: when it was accepted, and its event id."""

MESSAGE: Final = "m.event_id, m.user_id, m.event_type_id, m.due_time, m.deliver_by, m.priority, m.metadata, m.occurrence_date"
# By queue_lane: unowned rows of (tenant, inbox) in the order of next_time, which here is the accept time; of one
# user by queue_inbox_user.
_UNACKED: Final = f"""
    SELECT q.event_id, q.occurrence_date, q.next_time AS at, q.lease_until, CAST(NULL AS timestamptz) AS ack_time
    FROM queue q
    WHERE q.owner IS NULL AND q.tenant_id = :tenant_id AND q.endpoint_id = '{INBOX}'
      AND (q.next_time, q.event_id) > (:after_time, :after_id) {{times}} {{user}}
    ORDER BY {{order}} LIMIT :scanned
"""
# By deliveries_inbox.
_ACKED: Final = f"""
    SELECT d.event_id, d.occurrence_date, d.accept_time AS at, CAST(NULL AS timestamptz) AS lease_until,
        d.end_time AS ack_time
    FROM deliveries d
    WHERE d.tenant_id = :tenant_id AND d.endpoint_id = '{INBOX}' AND d.state = {DeliveryState.DELIVERED:d}
      AND (d.accept_time, d.event_id) > (:after_time, :after_id) {{times}}
    ORDER BY d.accept_time, d.event_id LIMIT :scanned
"""
# Messages by their primary key, one probe per row that was read: LATERAL and OFFSET leave no other way. Bodies
# only as far as a page can hold them; the size of a stored one is known without reading it.
_PAGE: Final = f"""
    WITH scanned AS MATERIALIZED ({{kept}})
    SELECT e.rows, e.edge_time, e.edge_id, f.* FROM (
        SELECT count(*) AS rows, max(at) AS edge_time,
            max(event_id) FILTER (WHERE at = (SELECT max(at) FROM scanned)) AS edge_id FROM scanned
    ) e LEFT JOIN LATERAL (
        SELECT g.event_id, g.user_id, g.event_type_id, g.due_time, g.deliver_by, g.priority, g.metadata,
            g.occurrence_date, g.at, g.ack_time, g.lease_until,
            CASE WHEN g.number = 1 OR g.bytes <= :bytes THEN g.body END AS body
        FROM (
            SELECT {MESSAGE}, m.body, s.at, s.ack_time, s.lease_until,
                row_number() OVER placed AS number, sum(octet_length(m.body)) OVER placed AS bytes
            FROM scanned s CROSS JOIN LATERAL (
                SELECT * FROM messages m
                WHERE m.event_id = s.event_id AND m.occurrence_date = s.occurrence_date {{message}} OFFSET 0
            ) m
            WINDOW placed AS (ORDER BY s.at, m.event_id ROWS UNBOUNDED PRECEDING)
            ORDER BY s.at, m.event_id LIMIT :size
        ) g
    ) f ON true
    ORDER BY f.at, f.event_id
"""


@dataclass(frozen=True)
class InboxMessage:
    """A message as its reader sees it; `ack_time` is None until it was acknowledged."""

    event_id: str
    user_id: str
    event_type_id: str
    body: bytes
    accept_time: datetime
    ack_time: datetime | None
    due_time: datetime
    deliver_by: datetime
    priority: int
    metadata: str
    occurrence_date: date
    lease_until: datetime | None = None

    @property
    def key(self) -> Key:
        """Where it stands."""
        return self.accept_time, self.event_id


class Page(NamedTuple):
    """Some messages in order; `after` is where the next page begins, None when there is none."""

    messages: list[InboxMessage]
    after: Key | None


class _Found(NamedTuple):
    """What one kind gave: messages in order; nothing is known of it beyond `edge` (None: that was all)."""

    messages: list[InboxMessage]
    edge: Key | None


async def page(
    engine: AsyncEngine,
    tenant_id: str,
    asked: InboxFilter,
    *,
    unacked: bool,
    acked: bool,
    after: Key,
    size: int,
    largest: int,
    scanned: int = SCANNED,
) -> Page:
    """Return up to `size` messages and about `largest` bytes of bodies after a key, in the order of acceptance.

    Reads at most `scanned` rows of each kind: a page may be short, even empty, and still have a next one.
    """
    found = []
    async with engine.connect() as connection:
        for kind in [False] * unacked + [True] * acked:
            query, parameters = statement(
                asked,
                acked=kind,
                tenant_id=tenant_id,
                after=after,
                size=size,
                largest=largest,
                scanned=scanned,
            )
            rows = (await connection.execute(text(query), parameters)).all()
            found.append(_found(rows, size, scanned))
    return merged(found, size=size, largest=largest)


def merged(found: Iterable[_Found], *, size: int, largest: int) -> Page:
    """Return the page that these kinds give together, none of them beyond what is known of every one."""
    edges = [part.edge for part in found if part.edge is not None]
    edge = min(edges) if edges else None
    known = sorted(
        (one for part in found for one in part.messages if edge is None or one.key <= edge),
        key=lambda one: one.key,
    )
    shown = list(_fitting(known[:size], largest))
    if len(shown) < len(known):
        return Page(shown, shown[-1].key)
    return Page(shown, edge)


def statement(
    asked: InboxFilter, *, acked: bool, tenant_id: str, after: Key, size: int, largest: int, scanned: int
) -> tuple[str, dict[str, Any]]:
    """Return the statement that reads one kind, and what is bound to it."""
    part, accepted = (_ACKED, "d.accept_time") if acked else (_UNACKED, "q.next_time")
    times, bound_times = of_times(asked, accepted)
    conditions, bound = of_message(asked)
    kept = part.format(times=times, user=of_user(asked), order=order(asked))
    query = _PAGE.format(kept=kept, message=conditions)
    limits = {
        "after_time": after[0],
        "after_id": after[1],
        "size": size,
        "bytes": largest,
        "scanned": scanned,
    }
    return query, {"tenant_id": tenant_id, **limits, **bound_times, **bound}


def _found(rows: Any, size: int, scanned: int) -> _Found:
    complete = [row for row in rows if row.body is not None]
    messages = [message(row) for row in complete]
    matching = sum(row.event_id is not None for row in rows)
    if matching == size or len(complete) < matching:  # there may be more after the last one
        return _Found(messages, messages[-1].key)
    edge = rows[0]
    return _Found(messages, (edge.edge_time, edge.edge_id) if edge.rows == scanned else None)


def message(row: Row[Any]) -> InboxMessage:
    """Return the message of a row with the columns of MESSAGE, body, at, ack_time and lease_until."""
    return InboxMessage(
        row.event_id,
        row.user_id,
        row.event_type_id,
        row.body,
        row.at,
        row.ack_time,
        row.due_time,
        row.deliver_by,
        row.priority,
        row.metadata,
        row.occurrence_date,
        row.lease_until,
    )


def _fitting(found: Iterable[InboxMessage], largest: int) -> Iterator[InboxMessage]:
    """Yield the first messages that fit into `largest` bytes, at least one."""
    total = 0
    for number, one in enumerate(found):
        total += len(one.body)
        if total > largest and number:
            return
        yield one
