"""Which messages of an inbox a listing or a reader wants; only what is asked for becomes a condition."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.conditions import Term, containing, joined


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """All of it must hold; what is empty, 0 or None is not asked. Created is accepted: [after, before)."""

    user_id: str = ""
    event_type_id: str = ""
    priority: int = 0
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def reads_messages(self) -> bool:
        """Whether the rows of queue or deliveries do not tell what is asked."""
        return bool(self.event_type_id or self.priority or self.metadata)


def of_times(asked: InboxFilter, column: str) -> tuple[str, dict[str, Any]]:
    """Return the conditions on the column that has the instant of acceptance, and what is bound to them."""
    return joined(
        [
            (f"{column} >= :created_after", "created_after", asked.created_after),
            (f"{column} < :created_before", "created_before", asked.created_before),
        ]
    )


def of_user(asked: InboxFilter) -> str:
    """Return the condition on a row `q` of the queue; bound with those of the message."""
    return "AND q.user_id = :user_id" if asked.user_id else ""


def order(asked: InboxFilter) -> str:
    """Return the order of rows `q` of an inbox, as the index that carries them has it.

    The owner stands in it although it is always NULL: otherwise the planner does not see that queue_lane has the
    order. queue_inbox_user does not have it.
    """
    return "q.next_time, q.event_id" if asked.user_id else "q.owner, q.next_time, q.event_id"


def of_message(asked: InboxFilter) -> tuple[str, dict[str, Any]]:
    """Return the conditions on a row `m` of messages, and what is bound to them."""
    terms: list[Term] = [
        ("m.user_id = :user_id", "user_id", asked.user_id),
        ("m.event_type_id = :event_type_id", "event_type_id", asked.event_type_id),
        ("m.priority = :priority", "priority", asked.priority),
        containing("CAST(nullif(m.metadata, '') AS jsonb)", dict(asked.metadata)),
    ]
    return joined(terms)
